"""Defaults of the HorizontalPodAutoscaler (``SetDefaults_HorizontalPodAutoscaler``)."""

from __future__ import annotations

from typing import Any

from karb_guard.defaulting.table import filled

_CPU_UTILIZATION = 80
"""``autoscaling.DefaultCPUUtilization``."""


def autoscaler(spec: dict[str, Any]) -> dict[str, Any]:
    """autoscaling/v2: one replica at least, 80 % of CPU, and a behavior is filled if there is one.

    An autoscaler without ``behavior`` gets none: the controller then acts on its own defaults.
    """
    new = dict(filled("HorizontalPodAutoscaler", spec))
    if not new.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _CPU_UTILIZATION}
        new["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = new.get("behavior")
    if type(behavior) is dict:
        new["behavior"] = {
            **behavior,
            "scaleUp": _rules(behavior.get("scaleUp"), _scale_up()),
            "scaleDown": _rules(behavior.get("scaleDown"), _scale_down()),
        }
    return new


def autoscaler_v1(spec: dict[str, Any]) -> dict[str, Any]:
    """autoscaling/v1. Its CPU target is filled in by conversion, out of annotations: not here."""
    return filled("HorizontalPodAutoscaler", spec)


def _rules(given: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    """``copyHPAScalingRules``: what is given replaces the default as a whole."""
    items = given.items() if type(given) is dict else ()
    return {**defaults, **{key: value for key, value in items if value is not None}}


def _scale_up() -> dict[str, Any]:
    """``defaultHPAScaleUpRules``."""
    return {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [_policy("Pods", 4), _policy("Percent", 100)],
    }


def _scale_down() -> dict[str, Any]:
    """``defaultHPAScaleDownRules``: the window is the controller's flag, so it stays unset."""
    return {"selectPolicy": "Max", "policies": [_policy("Percent", 100)]}


def _policy(kind: str, value: int) -> dict[str, Any]:
    return {"type": kind, "value": value, "periodSeconds": 15}
