"""An object with more violations than anybody reads is refused before findings are made of them."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation import EvaluationSettings, Evaluator, evaluator
from karb_guard.evaluation.findings import Findings
from karb_guard.invariants.params import effective
from karb_guard.model.finding import Evaluation
from tests.support.judging import catalogue, embedded


def judged(obj: dict[str, Any], *names: str) -> Evaluation:
    everything = catalogue()
    settings = EvaluationSettings(
        invariants=tuple(i for i in everything.invariants if i.name in names),
        params=effective(everything, {}, everything),
    )
    (evaluation,) = Evaluator(embedded(), settings).evaluate([obj])
    return evaluation


def pod(containers: int, ports: int) -> dict[str, Any]:
    listed = [{"containerPort": 1 + n, "hostPort": 1 + n} for n in range(ports)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {
            "containers": [
                {"name": f"c{n}", "image": "r/a:v1", "ports": listed} for n in range(containers)
            ]
        },
    }


def test_as_many_violations_as_are_allowed_are_findings() -> None:
    evaluation = judged(pod(10, 100), "pss-baseline")
    assert evaluation.not_evaluated is None
    assert len(evaluation.findings) == evaluator.MAX_VIOLATIONS == 1000


def test_more_of_them_are_no_verdict_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(*_: object) -> None:
        raise AssertionError("a finding was made")

    monkeypatch.setattr(Findings, "of", of)
    evaluation = judged(pod(20, 100), "pss-baseline")
    assert evaluation.not_evaluated == (
        "it breaks invariants in 2,000 places, more than 1,000; "
        "2,000 of them are pss-baseline: correct these or split the object"
    )
    assert evaluation.not_evaluated_cause == "bounds"
    assert not evaluation.findings
    assert not evaluation.unknowns


@pytest.mark.parametrize("names", [("pss-baseline", "malformed"), ("pss-baseline",)])
def test_malformed_fields_count_too(names: tuple[str, ...]) -> None:
    obj = pod(10, 100)
    obj["spec"]["hostNetwork"] = "yes"
    assert "1,001 places" in str(judged(obj, *names).not_evaluated)
