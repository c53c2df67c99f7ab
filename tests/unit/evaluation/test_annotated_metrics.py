"""Metrics of an autoscaling/v1 HPA, which stand in an annotation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from karb_guard.evaluation.autoscaling.annotated import ANNOTATION
from karb_guard.evaluation.autoscaling.objects import described, horizontal

METRICS = [
    {"type": "Pods", "pods": {"metricName": "running", "targetAverageValue": "8"}},
    {"type": "External", "external": {"metricName": "queue", "targetValue": "1500m"}},
    {"type": "Object", "object": {"metricName": "q", "targetValue": "9", "averageValue": "2"}},
    {"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 60}},
]


def hpa(annotation: str | None, **spec: Any) -> dict[str, Any]:
    annotations = {} if annotation is None else {ANNOTATION: annotation}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "annotations": annotations},
        "spec": {"maxReplicas": 4, **spec},
    }


def read(obj: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (m["name"], m["target"]["type"], *(m["target"][f] for f in FIELDS))
        for m in horizontal(obj)["metrics"]
    ]


FIELDS = ("value", "averageValue", "averageUtilization")
CPU = ("cpu", "Utilization", None, None, 80)


def test_metrics_are_read_as_the_api_server_converts_them() -> None:
    assert read(hpa(json.dumps(METRICS))) == [
        ("running", "AverageValue", None, 8000, None),
        ("queue", "Value", 1500, None, None),
        ("q", "AverageValue", None, 2000, None),
        ("memory", "Utilization", None, None, 60),
    ]


def test_the_percentage_comes_after_them() -> None:
    found = read(hpa(json.dumps(METRICS[:1]), targetCPUUtilizationPercentage=70))
    assert [name for name, *_ in found] == ["running", "cpu"]


@pytest.mark.parametrize(
    "annotation", [None, "", "[]", "{}", "[1]", "[", "null", "[" * 100_000, "[]" * 200_000]
)
def test_what_the_api_server_ignores_is_cpu_alone(annotation: str | None) -> None:
    assert read(hpa(annotation)) == [CPU]


def test_a_source_of_any_shape_is_read() -> None:
    odd = [{"type": ["x"]}, {"type": "Pods", "pods": 3}, {"type": "Pods", "pods": {}}, {}]
    assert [name for name, *_ in read(hpa(json.dumps(odd)))] == [None] * 4


def test_findings_are_told_at_the_annotation() -> None:
    obj = hpa(json.dumps(METRICS[:1]), targetCPUUtilizationPercentage=70)
    entry = described(obj, obj)
    assert entry is not None
    assert entry["written"]
    assert [metric["path"] for metric in entry["metrics"]] == [
        ["metadata", "annotations", ANNOTATION],
        ["spec"],
    ]
