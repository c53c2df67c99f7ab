"""Metrics of an autoscaling/v1 HorizontalPodAutoscaler, which has no field for them.

They stand in an annotation, as JSON in a shape of their own, from which the API server converts
(``pkg/apis/autoscaling/v1/conversion.go``, Kubernetes 1.37).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.shapes import MAX_ITEMS, Json, mapping

ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"
MAX_LENGTH = 256 * 1024
"""Characters; the API server refuses more in all annotations of an object."""
_FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_AVERAGES = ("targetAverageValue", "averageValue")
_SAME = ("name", "container")


def annotated(obj: Mapping[str, Any]) -> list[Json]:
    """The metrics, in the shape of autoscaling/v2.

    Empty where there are none, and where the API server can't read the annotation, which it then
    ignores.
    """
    written = mapping(mapping(obj.get("metadata")).get("annotations")).get(ANNOTATION)
    if not isinstance(written, str) or len(written) > MAX_LENGTH:
        return []
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return []
    return [_converted(each) for each in found[:MAX_ITEMS]]


def _converted(metric: Mapping[str, Any]) -> Json:
    kind = metric.get("type")
    field = _FIELDS.get(kind, "") if isinstance(kind, str) else ""
    source = mapping(metric.get(field))
    kept = {key: source[key] for key in _SAME if key in source}
    return {
        "type": kind,
        field: {**kept, "metric": {"name": source.get("metricName")}, "target": _target(source)},
    }


def _target(source: Mapping[str, Any]) -> Json:
    percent = source.get("targetAverageUtilization")
    if percent is not None:
        return {"type": "Utilization", "averageUtilization": percent}
    for key in _AVERAGES:
        if source.get(key) is not None:
            return {"type": "AverageValue", "averageValue": source[key]}
    return {"type": "Value", "value": source.get("targetValue")}
