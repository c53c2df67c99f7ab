"""Autoscalers that are objects of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.defaulting.autoscalers import autoscaler, autoscaler_v1
from karb_guard.evaluation.autoscaling.annotated import ANNOTATION, annotated
from karb_guard.evaluation.autoscaling.given import AMOUNTS, milli, tolerances
from karb_guard.evaluation.autoscaling.given import metrics as given_metrics
from karb_guard.evaluation.autoscaling.promql import aggregate
from karb_guard.evaluation.autoscaling.shapes import (
    MAX_ITEMS,
    Json,
    mapping,
    mappings,
    number,
    scaler,
    target,
    text,
)
from karb_guard.evaluation.autoscaling.thresholds import numbers

HPA = ("autoscaling", "HorizontalPodAutoscaler")
SCALED_OBJECT = ("keda.sh", "ScaledObject")
POD_AUTOSCALER = ("autoscaling.aibrix.ai", "PodAutoscaler")
"""AIBrix's, which scales by itself, or makes an HPA."""
KINDS = (HPA, SCALED_OBJECT, POD_AUTOSCALER)

_CPU_UTILIZATION = 80
_PAUSED = "autoscaling.keda.sh/paused"
_PAUSED_AT = "autoscaling.keda.sh/paused-replicas"
_HELD = ("autoscaling.keda.sh/paused-scale-in", "autoscaling.keda.sh/paused-scale-out")
_NO = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""What Go's ``strconv.ParseBool`` takes for false; KEDA takes for true what is no boolean."""
_TAKES_OVER = "scaledobject.keda.sh/transfer-hpa-ownership"
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_MODIFIERS = ("formula", "target", "activationTarget", "metricType")
_INTERVALS = {"pollingInterval": 30, "cooldownPeriod": 300, "initialCooldownPeriod": 0}
"""Seconds (KEDA's defaults)."""


def horizontal(obj: Mapping[str, Any]) -> Json:
    """A HorizontalPodAutoscaler of any version, with the API server's defaults."""
    spec = dict(mapping(obj.get("spec")))
    if _is_v1(obj):
        filled = autoscaler_v1(spec)
        metrics = [_metric(item) for item in annotated(obj)]
        percent = number(spec.get("targetCPUUtilizationPercentage"))
        if percent is not None or not metrics:
            metrics.append(_utilization("cpu", _CPU_UTILIZATION if percent is None else percent))
    else:
        filled = autoscaler(spec)
        metrics = [_metric(item) for item in mappings(filled.get("metrics"))]
    behavior = filled.get("behavior")
    return scaler(
        HPA[1],
        name_of(obj),
        target=target(spec.get("scaleTargetRef"), None, None),
        min=number(filled.get("minReplicas"), 1),
        max=number(spec.get("maxReplicas")),
        metrics=metrics,
        behavior=behavior if isinstance(behavior, dict) else None,
    )


def _is_v1(obj: Mapping[str, Any]) -> bool:
    return str(obj.get("apiVersion", "")).rpartition("/")[2] == "v1"


def _utilization(name: str, percent: int | None) -> Json:
    goal = {"type": "Utilization", "value": None, "averageValue": None}
    return _described("Resource", name, None, {**goal, "averageUtilization": percent})


def _described(kind: str | None, name: str | None, container: str | None, goal: Json) -> Json:
    return {"type": kind, "name": name, "container": container, "target": goal}


def _metric(metric: Mapping[str, Any]) -> Json:
    """One metric; amounts of the target in milli-units, utilisation in percent."""
    kind = text(metric.get("type"))
    source = mapping(metric.get(_SOURCES.get(kind or "", "")))
    goal = mapping(source.get("target"))
    name = source.get("name") or mapping(source.get("metric")).get("name")
    amounts = {field: milli(goal.get(field)) for field in AMOUNTS}
    # autoscaling/v2beta1 has the percentage beside the resource's name.
    percent = goal.get("averageUtilization", source.get("targetAverageUtilization"))
    utilization = number(percent)
    meant = "Utilization" if utilization is not None and not any(amounts.values()) else None
    return _described(
        kind,
        text(name),
        text(source.get("container")),
        {"type": text(goal.get("type")) or meant, **amounts, "averageUtilization": utilization},
    )


def scaled_object(obj: Mapping[str, Any]) -> Json:
    """A KEDA ScaledObject with KEDA's defaults (``GetHPAMinReplicas`` and its neighbours)."""
    spec = mapping(obj.get("spec"))
    fallback = spec.get("fallback")
    advanced = mapping(spec.get("advanced"))
    hpa, modifiers = (
        mapping(advanced.get(field))
        for field in ("horizontalPodAutoscalerConfig", "scalingModifiers")
    )
    behavior = hpa.get("behavior")
    return scaler(
        SCALED_OBJECT[1],
        name_of(obj),
        target=target(spec.get("scaleTargetRef"), "apps/v1", "Deployment"),
        min=number(spec.get("minReplicaCount"), 0),
        max=number(spec.get("maxReplicaCount"), 100),
        idle=number(spec.get("idleReplicaCount")),
        paused=_pause(obj),
        behavior=behavior if isinstance(behavior, dict) else None,
        triggers=[_trigger(item) for item in mappings(spec.get("triggers"))],
        modifiers={field: text(modifiers.get(field)) for field in _MODIFIERS},
        fallback=_fallback(fallback) if isinstance(fallback, Mapping) else None,
        **{field: number(spec.get(field), unset) for field, unset in _INTERVALS.items()},
    )


def _pause(obj: Mapping[str, Any]) -> str | None:
    """The annotation that stops all scaling (``NeedToBePausedByAnnotation``), if it is on.

    ``paused-replicas`` counts whatever its value: ``"0"`` holds the workload at zero.
    """
    if _is_on(obj, _PAUSED):
        return _PAUSED
    annotations = mapping(mapping(obj.get("metadata")).get("annotations"))
    return _PAUSED_AT if isinstance(annotations.get(_PAUSED_AT), str) else None


def _is_on(obj: Mapping[str, Any], key: str) -> bool:
    """``getBoolAnnotation``."""
    value = mapping(mapping(obj.get("metadata")).get("annotations")).get(key)
    return isinstance(value, str) and value not in _NO


def _fallback(fallback: Mapping[str, Any]) -> Json:
    """Its numbers, and its ``behavior``, which is static where it is not set (``doFallback``)."""
    numbers_of = {field: number(fallback.get(field)) for field in ("failureThreshold", "replicas")}
    return {**numbers_of, "behavior": text(fallback.get("behavior")) or "static"}


def _trigger(trigger: Mapping[str, Any]) -> Json:
    """A trigger.

    ``numbers``: what KEDA reads as a number in its metadata; ``aggregate``: how a PromQL query
    makes one answer of several pods'.
    """
    items = list(mapping(trigger.get("metadata")).items())[:MAX_ITEMS]
    metadata = {key: value for name, item in items if (key := text(name)) and (value := text(item))}
    kind, metric_type = text(trigger.get("type")), text(trigger.get("metricType"))
    return {
        "type": kind,
        "name": text(trigger.get("name")),
        "metricType": metric_type,
        "metadata": metadata,
        "numbers": numbers(kind, metric_type, metadata),
        "aggregate": aggregate(metadata.get("query", "")) if kind == "prometheus" else None,
        "auth": text(mapping(trigger.get("authenticationRef")).get("name")),
    }


def described(obj: Mapping[str, Any], raw: Mapping[str, Any]) -> Json | None:
    """``input.autoscaler`` of an HPA or ScaledObject; ``None`` for every other object.

    ``obj`` is cleaned and has the API server's defaults, ``raw`` is as written.

    The entry that workloads see of it (``autoscaling.shapes.scaler``), and:

    * each metric's ``path``, and ``source``: the field beside its type (null where that is wrong);
    * ``written``: whether the author gave metrics; without any an HPA goes by 80 % of CPU;
    * each metric's ``sources`` and ``amounts``, and the ``tolerances`` (``autoscaling.given``);
    * each trigger's ``path``;
    * ``held``: the annotations by which it scales in one direction alone.
    """
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    kind = (group, str(obj.get("kind", "")))
    if kind == HPA:
        entry = horizontal(obj)
        given = mapping(raw.get("spec"))
        beside = 0 if given.get("metrics") else len(annotated(obj)) if _is_v1(obj) else 0
        entry["written"] = bool(
            given.get("metrics") or given.get("targetCPUUtilizationPercentage") or beside
        )
        for index, metric in enumerate(entry["metrics"]):
            metric["source"] = _SOURCES.get(metric["type"] or "")
            metric["path"] = ["spec", "metrics", index] if given.get("metrics") else ["spec"]
            if index < beside:
                metric["path"] = ["metadata", "annotations", ANNOTATION]
        for metric, more in zip(entry["metrics"], given_metrics(obj, raw), strict=False):
            metric.update(more)
        entry["tolerances"] = tolerances(entry["behavior"])
        return entry
    if kind == SCALED_OBJECT:
        entry = scaled_object(obj)
        for index, trigger in enumerate(entry["triggers"]):
            trigger["path"] = ["spec", "triggers", index]
        entry["tolerances"] = tolerances(entry["behavior"])
        entry["held"] = [key for key in _HELD if _is_on(obj, key)]
        return entry
    return None


def is_made_by_keda(obj: Mapping[str, Any]) -> bool:
    """Whether KEDA made the HPA of a ScaledObject, which is judged in its place."""
    kind = (str(obj.get("apiVersion", "")).rpartition("/")[0], obj.get("kind"))
    owners = mappings(mapping(obj.get("metadata")).get("ownerReferences"))
    return kind == HPA and any(
        owner.get("kind") == SCALED_OBJECT[1]
        and (text(owner.get("apiVersion")) or "").startswith(f"{SCALED_OBJECT[0]}/")
        for owner in owners
    )


def pod_autoscaler(obj: Mapping[str, Any]) -> Json:
    """An AIBrix PodAutoscaler."""
    spec = mapping(obj.get("spec"))
    return scaler(
        POD_AUTOSCALER[1],
        name_of(obj),
        target=target(spec.get("scaleTargetRef"), None, None),
        min=number(spec.get("minReplicas"), 1),
        max=number(spec.get("maxReplicas")),
    )


def taken_over(obj: Mapping[str, Any]) -> str | None:
    """The name of the HPA that a ScaledObject takes over, where it says so (``verifyHpas``).

    KEDA refuses to work beside an HPA on its target that it does not own, unless the ScaledObject
    names that one and has the annotation.
    """
    metadata, spec = mapping(obj.get("metadata")), mapping(obj.get("spec"))
    if mapping(metadata.get("annotations")).get(_TAKES_OVER) != "true":
        return None
    config = mapping(mapping(spec.get("advanced")).get("horizontalPodAutoscalerConfig"))
    return text(config.get("name"))


def name_of(obj: Mapping[str, Any]) -> str:
    """``metadata.name``, or an empty text."""
    return text(mapping(obj.get("metadata")).get("name")) or ""
