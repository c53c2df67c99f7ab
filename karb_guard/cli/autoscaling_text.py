"""What ``karb-guard autoscaling explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.autoscaling import rates
from karb_guard.autoscaling.explanation import (
    DOWN_WINDOW_SECONDS,
    At,
    Bounds,
    Explanation,
    explain,
    plain,
)
from karb_guard.autoscaling.signals import Meaning, Signal
from karb_guard.evaluation.autoscaling.find import Found, notes_of_own
from karb_guard.reports.snippet import printable

Json = dict[str, Any]


def as_text(found: Found) -> str:
    """For people; names and queries are written by others, so nothing acts on the terminal."""
    return "".join(f"{printable(line)}\n" for line in _lines(found))


def as_json(found: Found) -> Json:
    """For programs: the same facts."""
    ref = found.prepared.ref
    return {
        "workload": {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "podsPerReplica": list(found.groups),
        },
        "autoscalers": [_scaler_json(found, entry) for entry in found.scalers],
    }


def _lines(found: Found) -> Iterator[str]:
    ref = found.prepared.ref
    yield f"{ref.kind} {ref.name}" + (f" in namespace {ref.namespace}" if ref.namespace else "")
    if any(size > 1 for size in found.groups):
        yield f"  a replica is a group of {max(found.groups)} pods"
    if len(found.scalers) > 1:
        names = ", ".join(f"{entry['kind']} {entry['name']}" for entry in found.scalers)
        yield f"  WARNING: {len(found.scalers)} autoscalers, which undo each other's work: {names}"
    for entry in found.scalers:
        yield ""
        yield from _of_one(found, explain(entry))


def _of_one(found: Found, one: Explanation) -> Iterator[str]:
    own = notes_of_own(found.prepared) if one.own else ()
    yield f"{one.kind} {one.name}" + (" (the operator's own autoscaler)" if one.own else "")
    yield f"  replicas: {_bound(one.lowest)} to {_bound(one.highest, 'unlimited')}"
    for note in (*own, *one.notes):
        yield f"  {note}"
    for signal in one.signals:
        yield f"  signal {signal.name}: {_goal(signal)}"
    if not one.own:
        yield f"  up: {_pace(one, one.up, 0)}"
        yield f"  down: {_pace(one, one.down, DOWN_WINDOW_SECONDS)}"
    for at in one.at:
        yield f"  at {at.replicas}:"
        yield from (f"    {line}" for line in _moves(at))


def _bound(value: int | None, unset: str = "?") -> str:
    return unset if value is None else str(value)


def _goal(signal: Signal) -> str:
    unit = " %" if signal.meaning is Meaning.UTILIZATION else ""
    target = "no target that can be read" if signal.target is None else plain(signal.target)
    return f"target {target}{unit if signal.target is not None else ''} ({signal.meaning.value})"


def _pace(one: Explanation, rules: rates.Rules, unset_window: int) -> str:
    if rules.select == "Disabled":
        return "disabled"
    window = unset_window if rules.window is None else rules.window
    waits = f"window {window} s"
    if not one.behavior:
        return f"{waits}; " + ("twice as many, at least 4" if rules is rates.UP else "no rate")
    steps = [
        f"{p.value}{' %' if p.kind == 'Percent' else ' pods'} in {p.period} s"
        for p in rules.policies
    ]
    joined = " or ".join(steps)
    which = f", whichever is {'less' if rules.select == 'Min' else 'more'}" if steps[1:] else ""
    return f"{waits}; {joined}{which}"


def _moves(at: At) -> Iterator[str]:
    yield from at.notes
    for each in at.bounds:
        unit = " %" if each.signal.meaning is Meaning.UTILIZATION else ""
        yield (
            f"{each.signal.name}: more above {plain(each.grows_above)}{unit}, "
            f"fewer below {plain(each.shrinks_below)}{unit}"
        )
    if at.most is not None and at.fewest is not None:
        yield f"one step: up to {at.most}, down to {at.fewest}"
    if not (at.notes or at.bounds) and at.most is None:
        yield "nothing is known of the operator's own steps"


def _scaler_json(found: Found, entry: Mapping[str, Any]) -> Json:
    one = explain(entry)
    own = notes_of_own(found.prepared) if one.own else ()
    return {
        "kind": one.kind,
        "name": one.name,
        "own": one.own,
        "min": one.lowest,
        "max": one.highest,
        "notes": [*own, *one.notes],
        "signals": [_signal_json(signal) for signal in one.signals],
        "scaleUp": None if one.own else _rules_json(one, one.up, 0),
        "scaleDown": None if one.own else _rules_json(one, one.down, DOWN_WINDOW_SECONDS),
        "at": [_at_json(at) for at in one.at],
    }


def _signal_json(signal: Signal) -> Json:
    return {
        "name": signal.name,
        "meaning": signal.meaning.name.lower(),
        "target": signal.target,
        "activation": signal.activation,
        "readableAtZero": signal.wakes,
    }


def _rules_json(one: Explanation, rules: rates.Rules, unset_window: int) -> Json:
    window = unset_window if rules.window is None else rules.window
    policies = [
        {"type": p.kind, "value": p.value, "periodSeconds": p.period} for p in rules.policies
    ]
    return {
        "stabilizationWindowSeconds": window,
        "selectPolicy": rules.select,
        "policies": policies if one.behavior else [],
    }


def _at_json(at: At) -> Json:
    return {
        "replicas": at.replicas,
        "notes": list(at.notes),
        "bounds": [_bounds_json(bounds) for bounds in at.bounds],
        "most": at.most,
        "fewest": at.fewest,
    }


def _bounds_json(bounds: Bounds) -> Json:
    return {
        "signal": bounds.signal.name,
        "growsAbove": bounds.grows_above,
        "shrinksBelow": bounds.shrinks_below,
    }
