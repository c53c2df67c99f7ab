"""A field of the wrong type is cut out before policies see it: that never looks like a pass."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.invariants.params import effective
from karb_guard.model.finding import Evaluation
from tests.support.judging import catalogue, embedded

PRIVILEGED = "spec.containers[0].securityContext.privileged"


def judged(obj: dict[str, Any], *names: str) -> Evaluation:
    everything = catalogue()
    settings = EvaluationSettings(
        invariants=tuple(i for i in everything.invariants if i.name in names),
        params=effective(everything, {}, everything),
    )
    (evaluation,) = Evaluator(embedded(), settings).evaluate([obj])
    return evaluation


def pod(privileged: Any) -> dict[str, Any]:
    container = {"name": "a", "image": "r/a:v1", "securityContext": {"privileged": privileged}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [container]},
    }


def test_without_malformed_the_cut_field_is_said_to_be_undecided() -> None:
    evaluation = judged(pod("true"), "pss-baseline")
    assert not evaluation.findings
    (unknown,) = evaluation.unknowns
    assert unknown.name == "malformed"
    assert unknown.reason == (
        f"{PRIVILEGED} must be a boolean, not a string; it was left out of the check"
    )


def test_with_malformed_it_is_a_finding_and_not_said_twice() -> None:
    evaluation = judged(pod("true"), "pss-baseline", "malformed")
    assert [finding.name for finding in evaluation.findings] == ["malformed"]
    assert not evaluation.unknowns


@pytest.mark.parametrize("names", [("pss-baseline",), ("np-metadata",)])
def test_nothing_is_undecided_where_every_field_was_seen(names: tuple[str, ...]) -> None:
    assert not judged(pod(False), *names).unknowns


def test_nothing_is_undecided_where_no_invariant_looks_at_the_kind() -> None:
    assert not judged(pod("true"), "np-metadata").unknowns
