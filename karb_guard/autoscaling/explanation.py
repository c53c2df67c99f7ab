"""The effective autoscaler, and what it would do at 0, 1 and its maximum of replicas."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.autoscaling import rates
from karb_guard.autoscaling.replicas import Tolerances
from karb_guard.autoscaling.signals import Meaning, Signal, signals_of

Json = Mapping[str, Any]

SYNC_SECONDS = 15
"""``--horizontal-pod-autoscaler-sync-period``."""
DOWN_WINDOW_SECONDS = 300
"""``--horizontal-pod-autoscaler-downscale-stabilization``."""
KEDA_KINDS = ("ScaledObject",)
HPA_KINDS = ("HorizontalPodAutoscaler",)


class Bounds(NamedTuple):
    """Where one signal makes an autoscaler move, at a number of replicas."""

    signal: Signal
    grows_above: float
    shrinks_below: float


class At(NamedTuple):
    """What happens at a number of replicas."""

    replicas: int
    bounds: tuple[Bounds, ...]
    most: int | None
    """Replicas after one step up; none where nothing is known of steps."""
    fewest: int | None
    notes: tuple[str, ...]


class Explanation(NamedTuple):
    """One autoscaler."""

    kind: str
    name: str
    own: bool
    """The operator of the workload's kind runs it."""
    lowest: int | None
    highest: int | None
    """None: unlimited."""
    signals: tuple[Signal, ...]
    up: rates.Rules
    down: rates.Rules
    behavior: bool
    """Whether `behavior` is set; without it an HPA has rules of its own."""
    notes: tuple[str, ...]
    at: tuple[At, ...]


def explain(entry: Json) -> Explanation:
    """An autoscaler in the shape of ``karb_guard.evaluation.autoscaling.shapes.scaler``."""
    signals = tuple(signals_of(entry))
    up, down = _rules(entry, "scaleUp", rates.UP), _rules(entry, "scaleDown", rates.DOWN)
    found = Explanation(
        entry["kind"],
        entry["name"],
        entry["own"],
        entry["min"],
        entry["max"],
        signals,
        up,
        down,
        entry["behavior"] is not None,
        tuple(_notes(entry)),
        (),
    )
    counts = sorted({0, 1, *([entry["max"]] if entry["max"] else [])})
    return found._replace(at=tuple(_at(entry, found, count) for count in counts))


def tolerances_of(entry: Json) -> Tolerances:
    """``behavior.*.tolerance``, 10 % where it is not set."""
    down, up = (_tolerance(entry, key) for key in ("scaleDown", "scaleUp"))
    return Tolerances(down, up)


def bounds_of(signal: Signal, replicas: int, tolerances: Tolerances) -> Bounds | None:
    """The readings beyond which ``signal`` asks for another number, at 1 or more ``replicas``.

    A total is the whole: it is compared with target x replicas. ``None`` where no number decides.
    """
    if signal.target is None or signal.meaning in (Meaning.SCHEDULE, Meaning.OWN):
        return None
    goal = signal.target * (replicas if signal.meaning is Meaning.TOTAL else 1)
    return Bounds(signal, goal * (1 + tolerances.up), goal * (1 - tolerances.down))


def _at(entry: Json, found: Explanation, replicas: int) -> At:
    if replicas == 0 or found.own:
        return At(replicas, (), None, None, tuple(_asleep(entry) if replicas == 0 else ()))
    tolerances = tolerances_of(entry)
    each = (bounds_of(signal, replicas, tolerances) for signal in found.signals)
    highest, lowest = found.highest or replicas, max(1, found.lowest or 0)
    most = (
        rates.most(replicas, found.up)
        if found.behavior
        else rates.most_without_behavior(replicas, highest)
    )
    fewest = rates.fewest(replicas, found.down) if found.behavior else lowest
    return At(
        replicas,
        tuple(bounds for bounds in each if bounds is not None),
        min(highest, max(most, lowest)),
        min(replicas, max(lowest, fewest)),
        tuple(_awake(entry, found, replicas)),
    )


def _awake(entry: Json, found: Explanation, replicas: int) -> Iterator[str]:
    if found.lowest is not None and replicas < found.lowest:
        yield f"below the minimum: it goes to {found.lowest} at once, whatever the signals say"
    if replicas == found.highest:
        yield "the maximum: whatever the signals ask for beyond it is not served"
    if entry["kind"] in KEDA_KINDS and entry["min"] == 0:
        yield (
            f"goes to 0 at once after {entry['cooldownPeriod']} s in which no trigger was active,"
            " from any number of replicas"
        )
    elif entry["min"] == 0:
        yield "goes to 0 when all of its metrics ask for 0"


def _asleep(entry: Json) -> Iterator[str]:
    """What happens at zero replicas."""
    if entry["own"]:
        yield (
            "it goes to 0 without requests, and the next one wakes it"
            if entry["min"] == 0
            else f"it does not go there: the minimum is {entry['min']}"
        )
    elif entry["kind"] in KEDA_KINDS:
        yield from _keda_asleep(entry)
    elif entry["min"] == 0:
        awake = [s for s in signals_of(entry) if s.wakes]
        yield (
            "only if it went there itself (condition ScaledToZero): a workload that was created or"
            " set to 0 stays there"
        )
        for signal in awake:
            if signal.target:
                yield f"{signal.name}: {_ratio(signal)} (no tolerance)"
    else:
        yield f"it does not go there (minimum {entry['min']}); set to 0 by hand, it stands still"


def _ratio(signal: Signal) -> str:
    """How many replicas a reading asks for at zero."""
    target = plain(signal.target or 0.0)
    return f"a reading of x asks for x / {target} replicas, rounded up"


def _keda_asleep(entry: Json) -> Iterator[str]:
    first = max(1, entry["min"] or 0)
    yield f"KEDA asks each trigger every {entry['pollingInterval']} s"
    for signal in signals_of(entry):
        if signal.meaning is Meaning.SCHEDULE:
            yield f"{signal.name}: to {first} when its time begins"
        elif signal.wakes:
            yield f"{signal.name}: to {first} above {plain(signal.activation)}"
        else:
            yield f"{signal.name}: never, it is measured in pods"
    if entry["min"]:
        yield f"without any of that, to the minimum of {entry['min']}"


def _notes(entry: Json) -> Iterator[str]:
    if entry["paused"]:
        yield f"paused by the annotation {entry['paused']}: there is no HPA, and nothing scales"
    if entry["kind"] in KEDA_KINDS:
        first = max(1, entry["min"] or 0)
        yield f"KEDA makes the HPA of it: minimum {first}, maximum {entry['max']}"
        fallback = entry["fallback"]
        if fallback is not None:
            yield f"after {fallback['failureThreshold']} failures of a trigger: {_kept(fallback)}"
        elif not entry["own"]:
            yield "no fallback: while a trigger fails, the number stands still"
    elif entry["kind"] in HPA_KINDS:
        yield f"the controller looks every {SYNC_SECONDS} s; of several metrics the largest wins"


def _kept(fallback: Json) -> str:
    """What a fallback makes of the replicas (``doFallback`` in pkg/fallback/fallback.go)."""
    replicas = f"{fallback['replicas']} replicas"
    return {
        "currentReplicas": "the replicas that run",
        "currentReplicasIfHigher": f"{replicas}, or those that run if they are more",
        "currentReplicasIfLower": f"{replicas}, or those that run if they are fewer",
        "scalingModifiers": "what the formula makes of the triggers that answer",
    }.get(fallback["behavior"], replicas)


def _rules(entry: Json, key: str, unset: rates.Rules) -> rates.Rules:
    given = (entry["behavior"] or {}).get(key)
    given = given if isinstance(given, Mapping) else {}
    policies = tuple(
        rates.Policy(p["type"], p["value"], p["periodSeconds"])
        for p in given.get("policies") or ()
        if isinstance(p, Mapping)
        and isinstance(p.get("type"), str)
        and all(type(p.get(field)) is int for field in ("value", "periodSeconds"))
    )
    window, select = given.get("stabilizationWindowSeconds"), given.get("selectPolicy")
    return rates.Rules(
        policies or unset.policies,
        select if isinstance(select, str) else unset.select,
        window if type(window) is int else unset.window,
    )


def _tolerance(entry: Json, key: str) -> float:
    rules = (entry["behavior"] or {}).get(key)
    written = rules.get("tolerance") if isinstance(rules, Mapping) else None
    text = str(written)
    try:
        value = float(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)
    except ValueError:
        return 0.1
    return value if 0 <= value < math.inf else 0.1


def plain(value: float) -> str:
    """A number as people write it."""
    return f"{value:.10g}"
