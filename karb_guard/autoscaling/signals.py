"""What an autoscaler goes by, with the real meaning of its targets.

An autoscaler comes in the shape that policies see (``karb_guard.evaluation.autoscaling.shapes``).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]

_TARGETS = (
    "threshold",
    "value",
    "targetValue",
    "queryValue",
    "targetQueryValue",
    "lagThreshold",
    "listLength",
    "queueLength",
)
_ASKED = ("query", "metricName", "metric", "topic", "queueName", "listName", "scalerAddress")
_PODS = ("cpu", "memory")


class Meaning(enum.Enum):
    """How a reading becomes a number of replicas."""

    UTILIZATION = "percent of the request, mean over the pods"
    MEAN = "mean over the pods"
    TOTAL = "total, divided by the replicas"
    VALUE = "the reading itself; more replicas do not make it smaller by arithmetic"
    SCHEDULE = "by the clock"
    OWN = "measured by the operator"


class Signal(NamedTuple):
    """One metric of an HPA, or one trigger of a ScaledObject."""

    name: str
    meaning: Meaning
    target: float | None
    """In the metric's own unit; percent of a utilisation; none where it can't be read here."""
    activation: float = 0.0
    """A trigger's: above it (strictly) a service of 0 replicas wakes."""
    wakes: bool = True
    """Whether it can be read while there are no pods."""


def signals_of(entry: Json) -> list[Signal]:
    """The signals of an autoscaler, in its own order."""
    triggers = entry["triggers"]
    composite = _composite(entry["modifiers"] or {})
    if composite is not None:
        # Metrics of pods stay beside it (getScaledObjectMetricSpecs in controllers/keda/hpa.go).
        triggers = [trigger for trigger in triggers if trigger["type"] in _PODS]
    found = [*map(_of_metric, entry["metrics"]), *map(_of_trigger, triggers)]
    return found if composite is None else [*found, composite]


def _composite(modifiers: Json) -> Signal | None:
    """What a formula makes of all the triggers that are no metrics of pods."""
    if not modifiers.get("formula"):
        return None
    meaning = Meaning.VALUE if modifiers["metricType"] == "Value" else Meaning.TOTAL
    return Signal(
        f"scalingModifiers: {modifiers['formula']}",
        meaning,
        next(_numbers(modifiers, ("target",)), None),
        next(_numbers(modifiers, ("activationTarget",)), 0.0),
    )


def _of_metric(metric: Json) -> Signal:
    kind, goal = metric["type"], metric["target"]
    name = " ".join(word for word in (metric["name"], _place(metric)) if word) or "(no name)"
    if goal["averageUtilization"] is not None:
        return Signal(name, Meaning.UTILIZATION, goal["averageUtilization"], wakes=False)
    if kind in ("Object", "External"):
        average = goal["averageValue"] is not None
        amount = goal["averageValue"] if average else goal["value"]
        return Signal(name, Meaning.TOTAL if average else Meaning.VALUE, _units(amount))
    return Signal(name, Meaning.MEAN, _units(goal["averageValue"]), wakes=False)


def _place(metric: Json) -> str:
    return f"of container {metric['container']}" if metric["container"] else ""


def _units(milli: int | None) -> float | None:
    return None if milli is None else milli / 1000


def _of_trigger(trigger: Json) -> Signal:
    kind, metadata = str(trigger["type"]), trigger["metadata"]
    asked = next((metadata[key] for key in _ASKED if metadata.get(key)), "")
    name = f"{kind}: {asked}" if asked else kind
    target = next(_numbers(metadata, _TARGETS), None)
    if kind in _PODS:
        average = "AverageValue" in (trigger["metricType"], metadata.get("type"))
        meaning = Meaning.MEAN if average else Meaning.UTILIZATION
        return Signal(name, meaning, target, wakes=False)
    if kind == "cron":
        shown = f"cron: {metadata.get('start', '?')} to {metadata.get('end', '?')}"
        return Signal(shown, Meaning.SCHEDULE, next(_numbers(metadata, ("desiredReplicas",)), None))
    meaning = Meaning.VALUE if trigger["metricType"] == "Value" else Meaning.TOTAL
    keys = [key for key in metadata if key.startswith("activation")]
    return Signal(name, meaning, target, next(_numbers(metadata, keys), 0.0))


def _numbers(metadata: Json, keys: Any) -> Iterator[float]:
    """The values that are plain numbers."""
    for key in keys:
        try:
            value = float(metadata.get(key) or "")
        except ValueError:
            continue
        if math.isfinite(value):
            yield value
