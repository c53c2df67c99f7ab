"""What an autoscaler would do at 0, 1 and its maximum agrees with the controller's formulas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.autoscaling import rates
from karb_guard.autoscaling.explanation import bounds_of, explain, tolerances_of
from karb_guard.autoscaling.replicas import (
    Tolerances,
    by_average,
    by_mean,
    by_utilization,
    by_value,
)
from karb_guard.autoscaling.signals import Meaning, Signal, signals_of
from karb_guard.evaluation.autoscaling.objects import horizontal, scaled_object

Json = dict[str, Any]
REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}


def hpa(*metrics: Json, **spec: Any) -> Json:
    whole = {"scaleTargetRef": REF, "maxReplicas": 4, "metrics": list(metrics), **spec}
    return horizontal({"apiVersion": "autoscaling/v2", "metadata": {"name": "llm"}, "spec": whole})


def keda(*triggers: Json, **spec: Any) -> Json:
    whole = {"scaleTargetRef": {"name": "llm"}, "triggers": list(triggers), **spec}
    return scaled_object({"metadata": {"name": "llm"}, "spec": whole})


def external(**target: Any) -> Json:
    return {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}


def prometheus(metric_type: str | None = None, **metadata: str) -> Json:
    trigger: Json = {"type": "prometheus", "metadata": {"query": "sum(q)", **metadata}}
    return trigger if metric_type is None else {**trigger, "metricType": metric_type}


@pytest.mark.parametrize(
    ("entry", "meaning", "target"),
    [
        (hpa(), Meaning.UTILIZATION, 80),
        (hpa(external(type="Value", value="1500m")), Meaning.VALUE, 1.5),
        (hpa(external(type="AverageValue", averageValue="8")), Meaning.TOTAL, 8),
        (keda(prometheus(threshold="8")), Meaning.TOTAL, 8),
        (keda(prometheus("Value", threshold="0.5")), Meaning.VALUE, 0.5),
        (keda(prometheus(threshold="{{ .x }}")), Meaning.TOTAL, None),
        (keda(prometheus(threshold="nan")), Meaning.TOTAL, None),
        (
            keda({"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}),
            Meaning.UTILIZATION,
            70,
        ),
        (
            keda({"type": "memory", "metricType": "AverageValue", "metadata": {"value": "70"}}),
            Meaning.MEAN,
            70,
        ),
        (keda({"type": "cron", "metadata": {"desiredReplicas": "3"}}), Meaning.SCHEDULE, 3),
    ],
)
def test_a_target_s_real_meaning(entry: Json, meaning: Meaning, target: float | None) -> None:
    (signal,) = signals_of(entry)
    assert (signal.meaning, signal.target) == (meaning, target)


TARGETS = st.integers(1, 10_000)


@given(st.sampled_from([Meaning.TOTAL, Meaning.VALUE]), TARGETS, st.integers(1, 200))
def test_beyond_its_bounds_a_reading_changes_the_number(
    meaning: Meaning, target: int, replicas: int
) -> None:
    bounds = bounds_of(Signal("s", meaning, target), replicas, Tolerances())
    assert bounds is not None

    def desired(reading: float) -> int:
        if meaning is Meaning.TOTAL:
            return by_average(reading, target, replicas)
        return by_value(reading, target, replicas, replicas)

    assert desired(bounds.grows_above * 1.001) > replicas
    assert desired(bounds.grows_above * 0.999) == replicas
    assert desired(bounds.shrinks_below * 1.001) == replicas
    assert desired(bounds.shrinks_below * 0.5) <= max(1, replicas - 1)


@given(TARGETS, st.integers(1, 50))
def test_a_mean_asks_for_pods_in_proportion(target: int, pods: int) -> None:
    assert by_mean([2 * target] * pods, target, pods) == 2 * pods
    assert by_mean([target] * pods, target, pods) == pods
    assert by_utilization([160] * pods, [100] * pods, 80, pods) == 2 * pods


def at(entry: Json) -> dict[int, Any]:
    return {each.replicas: each for each in explain(entry).at}


def test_it_is_asked_at_zero_one_and_the_maximum() -> None:
    assert sorted(at(hpa(maxReplicas=4))) == [0, 1, 4]
    assert sorted(at(hpa(maxReplicas=1))) == [0, 1]


def test_an_hpa_at_zero() -> None:
    asleep = external(type="AverageValue", averageValue="8")
    assert "stands still" in at(hpa())[0].notes[0]
    notes = at(hpa(asleep, minReplicas=0))[0].notes
    assert "ScaledToZero" in notes[0]
    assert "x / 8" in notes[1]


def test_keda_at_zero_and_back() -> None:
    cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    queue = prometheus(threshold="8", activationThreshold="2")
    seen = at(keda(queue, cpu, minReplicaCount=0, maxReplicaCount=9, cooldownPeriod=60))
    assert seen[0].notes == (
        "KEDA asks each trigger every 30 s",
        "prometheus: sum(q): to 1 above 2",
        "cpu: never, it is measured in pods",
    )
    assert any("after 60 s" in note for note in seen[9].notes)
    assert not any("goes to 0" in note for note in at(keda(queue, minReplicaCount=2))[1].notes)


def test_steps_follow_the_rates_and_the_bounds() -> None:
    assert (at(hpa(maxReplicas=40))[1].most, at(hpa(maxReplicas=40))[40].fewest) == (4, 1)
    assert at(hpa(maxReplicas=40, behavior={}))[1].most == 5
    slow = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
    assert at(hpa(maxReplicas=40, behavior=slow))[1].most == 2
    down = {"scaleDown": {"policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]}}
    assert at(hpa(maxReplicas=40, behavior=down))[40].fewest == 36
    off = {"scaleUp": {"selectPolicy": "Disabled"}}
    assert at(hpa(maxReplicas=40, behavior=off))[1].most == 1
    assert at(hpa(maxReplicas=40, minReplicas=6))[1].most == 6


@pytest.mark.parametrize(
    ("written", "meant"),
    [("0.2", 0.2), ("50m", 0.05), (None, 0.1), ("x", 0.1), (0, 0.0), ("-1", 0.1)],
)
def test_tolerances(written: Any, meant: float) -> None:
    rules = {} if written is None else {"tolerance": written}
    assert tolerances_of(hpa(behavior={"scaleUp": rules})).up == pytest.approx(meant)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 50), st.integers(50, 200))
def test_what_is_limited_stays_between_the_current_number_and_the_desired(
    current: int, desired: int, low: int, high: int
) -> None:
    found = rates.limited(current, desired, (low, high), (rates.UP, rates.DOWN))
    low_end, high_end = sorted((current, desired))
    assert low_end <= found <= high_end or found in (low, high)


def test_a_formula_is_one_signal_beside_those_of_pods() -> None:
    modifiers = {"formula": "(a + b) / 2", "target": "2.5", "activationTarget": "1"}
    cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    entry = keda(prometheus(threshold="8"), cpu, advanced={"scalingModifiers": modifiers})
    pods, composite = signals_of(entry)
    assert pods.meaning is Meaning.UTILIZATION
    assert composite == Signal("scalingModifiers: (a + b) / 2", Meaning.TOTAL, 2.5, 1.0)
    asleep = explain(entry).at[0].notes
    assert any("above 1" in note for note in asleep)


def test_a_formula_may_be_a_value() -> None:
    modifiers = {"formula": "a", "target": "2", "metricType": "Value"}
    entry = keda(prometheus(threshold="8"), advanced={"scalingModifiers": modifiers})
    (composite,) = signals_of(entry)
    assert (composite.meaning, composite.target) == (Meaning.VALUE, 2)


@pytest.mark.parametrize(
    ("behavior", "kept"),
    [
        (None, "2 replicas"),
        ("static", "2 replicas"),
        ("currentReplicas", "the replicas that run"),
        ("currentReplicasIfHigher", "2 replicas, or those that run if they are more"),
        ("currentReplicasIfLower", "2 replicas, or those that run if they are fewer"),
        ("scalingModifiers", "what the formula makes of the triggers that answer"),
    ],
)
def test_a_fallback_is_what_its_behavior_says(behavior: str | None, kept: str) -> None:
    fallback = {"failureThreshold": 3, "replicas": 2, "behavior": behavior}
    notes = explain(keda(prometheus(threshold="8"), fallback=fallback)).notes
    assert f"after 3 failures of a trigger: {kept}" in notes
