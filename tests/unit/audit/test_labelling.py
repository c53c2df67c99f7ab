"""Which labels of ours nobody asks for any more."""

from __future__ import annotations

from typing import Any, cast

import pytest

from audit.controller.labelling import Labelling
from audit.controller.pod_security import MANAGER, PREFIX, Labels
from karb_guard.cluster.client import ClusterClient
from karb_guard.model.stage import Stage
from karb_guard.rollout.machine import Born
from karb_guard.rollout.plan import Plan
from tests.support.rollout_world import START, Rig, rollout

ASKS = {"podSecurity": {"level": "baseline"}}
NOBODY = cast(ClusterClient, None)
"""Nothing is written here."""

Json = dict[str, Any]


def labelled(name: str, manager: str, operation: str = "Apply") -> Json:
    fields = {"f:metadata": {"f:labels": {f"f:{PREFIX}audit": {}}}}
    entry = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return {"metadata": {"name": name, "managedFields": [entry]}}


def left(objects: list[Json], *namespaces: Json, plan: Plan | None = None) -> list[str]:
    labelling = Labelling(NOBODY, objects)
    if plan is not None:
        labelling.follow(objects[0], plan, {})
    return [namespace["metadata"]["name"] for namespace, _ in labelling.left(namespaces)]


def manager_of(obj: Json) -> str:
    return Labels(obj["metadata"]["name"], {}).manager


@pytest.mark.parametrize("operation", ["Apply", "Update"])
def test_of_a_rollout_that_is_gone_only_what_it_applied_is_left(operation: str) -> None:
    ours = labelled("a", f"{MANAGER}-gone", operation)
    others = labelled("b", "people", operation)
    assert left([], ours, others) == (["a"] if operation == "Apply" else [])


def test_a_rollout_that_no_longer_asks_holds_nothing() -> None:
    obj = rollout({"a": "enforce"})
    assert left([obj], labelled("a", manager_of(obj))) == ["a"]


def test_what_no_plan_was_made_of_loses_nothing() -> None:
    obj = rollout({"a": "enforce"}, **ASKS)
    assert left([obj], labelled("a", manager_of(obj)), labelled("b", manager_of(obj))) == []


def test_what_cannot_be_read_loses_nothing() -> None:
    obj = rollout({"a": "enforce"}, **ASKS)
    held = [labelled(name, manager_of(obj)) for name in "ab"]
    assert left([obj], *held, plan=Plan({}, problem="spec.gates can't be read")) == []


def test_a_namespace_that_is_no_longer_named_is_left() -> None:
    obj = rollout({"a": "enforce"}, **ASKS)
    rig = Rig(obj)
    plan = rig.step(write=False)
    assert [(e.name, e.stage, e.since) for e in plan.entries] == [("a", Stage.AUDIT, START)]
    held = [labelled(name, manager_of(obj)) for name in "ab"]
    assert left([obj], *held, plan=plan) == ["b"]


def test_a_namespace_that_was_made_anew_gets_no_label_of_the_stage_of_the_one_before() -> None:
    rig = Rig(rollout({"a": "enforce"}, **ASKS))
    rig.born["a"] = Born("1", START)
    rig.step()
    rig.obj["status"]["namespaces"][0]["stage"] = "enforce"
    rig.born["a"] = Born("2", START)
    plan = rig.step(write=False)
    namespaces = {"a": {"metadata": {"name": "a", "uid": "2"}}}
    # Nobody is asked to write: NOBODY could not.
    assert Labelling(NOBODY, [rig.obj]).follow(rig.obj, plan, namespaces).entries == plan.entries
