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


def test_a_namespace_whose_labels_are_not_known_is_left_out() -> None:
    assert contexts(None) == [{}]
