"""What admission knows of a namespace is its labels, not what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from karb_guard.engine.interface import Answer, Answered
from karb_guard.evaluation import EvaluationSettings, Evaluator
from tests.support.webhook_rig import invariant, pod
from webhook.loading import SharedEvaluator

ASKING = [
    replace(invariant("asks-both"), context=("namespace", "networkpolicies")),
]


class Listening:
    """An engine that keeps the contexts that it was given."""

    name = "listening"

    def __init__(self) -> None:
        self.contexts: list[Any] = []

    def evaluate(
        self,
        _group: str,
        _params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        self.contexts += [document["context"] for document in inputs]
        return [Answered(()) for _ in inputs]

    def close(self) -> None:
        """Nothing to give back."""


def contexts(labels: Mapping[str, str] | None) -> list[Any]:
    engine = Listening()
    evaluator = SharedEvaluator(Evaluator(engine, EvaluationSettings(ASKING)))
    evaluator.evaluate(pod("server"), "inference", labels)
    return engine.contexts


def test_a_policy_sees_the_namespace_and_no_claim_about_its_network_policies() -> None:
    (context,) = contexts({"team": "ml"})
    assert context["namespace"]["labels"]["team"] == "ml"
    assert "networkpolicies" not in context


def test_labels_that_change_are_seen_at_once_and_by_their_own_namespace_alone() -> None:
    engine = Listening()
    evaluator = SharedEvaluator(Evaluator(engine, EvaluationSettings(ASKING)))
    labels = {"team": "ml"}
    evaluator.evaluate(pod("server"), "inference", labels)
    labels["team"] = "web"  # in place, as a copy that is kept up to date may
    evaluator.evaluate(pod("server"), "inference", labels)
    evaluator.evaluate(
        {**pod("server"), "metadata": {"namespace": "other"}}, "other", {"team": "x"}
    )
    evaluator.evaluate(pod("server"), "inference", labels)
    seen = [(c["namespace"]["name"], c["namespace"]["labels"]["team"]) for c in engine.contexts]
    assert seen == [("inference", "ml"), ("inference", "web"), ("other", "x"), ("inference", "web")]


def test_a_namespace_whose_labels_are_not_known_is_left_out() -> None:
    assert contexts(None) == [{}]
