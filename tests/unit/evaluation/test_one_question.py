"""An object goes through the engine once, whatever invariants meet it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from karb_guard.engine.interface import Answer
from karb_guard.evaluation import EvaluationSettings, Evaluator
from tests.support.judging import catalogue, embedded

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "ai"},
    "spec": {"containers": [{"name": "c", "image": "example.org/c:1"}]},
}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "r", "namespace": "ai"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}


class Counting:
    """The embedded engine, and what it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[str, frozenset[str], int]] = []

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        self.asked.append((group, frozenset(params), len(inputs)))
        return embedded().evaluate(group, params, inputs)

    def close(self) -> None:
        """Nothing is held."""


def judged(*names: str) -> tuple[Counting, Evaluator]:
    engine = Counting()
    chosen = catalogue().select(names)
    return engine, Evaluator(engine, EvaluationSettings(invariants=chosen))


def test_a_pod_is_asked_about_once_for_pods_and_for_its_kind() -> None:
    engine, evaluator = judged("res-mem", "cost-cpu-on-gpu")
    (evaluation,) = evaluator.evaluate([POD])
    assert engine.asked == [("pods", {"res-mem", "cost-cpu-on-gpu"}, 1)]
    assert [f.name for f in evaluation.findings] == ["res-mem"]


def test_what_only_names_the_kind_is_asked_alone() -> None:
    engine, evaluator = judged("cost-cpu-on-gpu")
    evaluator.evaluate([POD])
    assert engine.asked == [("/Pod", {"cost-cpu-on-gpu"}, 1)]


def test_kinds_without_pods_are_asked_about_by_themselves() -> None:
    engine, evaluator = judged("res-mem", "rbac-wild")
    evaluations = evaluator.evaluate([POD, ROLE, POD])
    assert engine.asked == [
        ("pods", {"res-mem"}, 2),
        ("rbac.authorization.k8s.io/Role", {"rbac-wild"}, 1),
    ]
    found = [{f.name for f in evaluation.findings} for evaluation in evaluations]
    assert found == [{"res-mem"}, {"rbac-wild"}, {"res-mem"}]
