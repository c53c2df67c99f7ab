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


def limited(resources: Any, *, sidecar: bool = False) -> dict[str, Any]:
    containers = [{"name": "a", "image": "r/a:v1", "resources": resources}]
    containers += [{"name": "b", "image": "r/b:v1"}] if sidecar else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": containers},
    }


@pytest.mark.parametrize("resources", [{"limits": {"memory": "16g"}}, {"limits": 16}, "16g"])
def test_what_was_cut_is_not_also_called_missing(resources: Any) -> None:
    evaluation = judged(limited(resources), "res-mem", "malformed")
    assert [finding.name for finding in evaluation.findings] == ["malformed"]


def test_what_is_missing_beside_a_cut_field_is_still_found() -> None:
    evaluation = judged(
        limited({"limits": {"memory": "16g"}}, sidecar=True), "res-mem", "malformed"
    )
    assert [(f.name, f.container) for f in evaluation.findings] == [
        ("malformed", "a"),
        ("res-mem", "b"),
    ]


def test_a_cut_sibling_hides_nothing() -> None:
    evaluation = judged(limited({"limits": {"cpu": "1g"}}), "res-mem", "malformed")
    assert sorted(finding.name for finding in evaluation.findings) == ["malformed", "res-mem"]


def test_without_malformed_the_other_finding_stays() -> None:
    """Nothing else would fail the object."""
    evaluation = judged(limited({"limits": {"memory": "16g"}}), "res-mem")
    assert [finding.name for finding in evaluation.findings] == ["res-mem"]
