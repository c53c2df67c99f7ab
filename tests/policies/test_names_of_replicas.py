"""Our own policies give replicas one answer, whatever the names that the API server gave them.

The embedded engine relies on it (``engine.answer_memory``): it answers replicas without asking.
"""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.assembly.policies import compiled
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.reads import NAMES
from karb_guard.evaluation import Evaluator
from karb_guard.invariants.fixtures import Fixture
from karb_guard.model.finding import Evaluation
from tests.support.judging import document_of, evaluator_for, fixture_id, fixtures, inventory_of

PODS = [f for f in fixtures() if (o := document_of(f).object).get("kind") == "Pod"]


def replica(obj: dict[str, Any], token: str, uid: str) -> dict[str, Any]:
    """The pod as the API server completes it: named, and with its account's token mounted."""
    spec, name = obj.get("spec") or {}, f"kube-api-access-{token}"
    containers = spec.get("containers")
    if not isinstance(containers, list) or not all(isinstance(c, dict) for c in containers):
        return obj
    mount = {"name": name, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    volume = {"name": name, "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    mounted = [{**c, "volumeMounts": [*(c.get("volumeMounts") or []), mount]} for c in containers]
    more = {"volumes": [*(spec.get("volumes") or []), volume], "containers": mounted}
    metadata = {**(obj.get("metadata") or {}), "uid": uid, "creationTimestamp": f"{uid}T00:00:00Z"}
    return {**obj, "metadata": metadata, "spec": {**spec, **more}}


def judged(evaluator: Evaluator, fixture: Fixture, obj: dict[str, Any]) -> Evaluation:
    inventory = inventory_of(fixture, document_of(fixture))
    (found,) = evaluator.evaluate([obj], inventory, json_bytes=1)
    return found


def test_nobody_reads_names_and_all_policies_are_ours() -> None:
    group = compiled([]).catalogue.groups["pods"]
    assert group.unread == NAMES
    assert group.token_volumes is True


@pytest.mark.parametrize("fixture", PODS, ids=fixture_id)
def test_a_replica_is_judged_as_one_that_nobody_has_seen(fixture: Fixture) -> None:
    obj = dict(document_of(fixture).object)
    first, second = replica(obj, "x7k2p", "2026-01-01"), replica(obj, "9qqzz", "2027-02-02")
    remembering = EmbeddedEngine(compiled([]))
    judged(evaluator_for(fixture.header.params, remembering), fixture, first)
    found = judged(evaluator_for(fixture.header.params, remembering), fixture, second)
    fresh = judged(
        evaluator_for(fixture.header.params, EmbeddedEngine(compiled([]))), fixture, second
    )
    assert found == fresh
