"""What people may ask for by command, and why they are refused."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest

from karb_guard.model.stage import Stage
from karb_guard.rollout.evidence import Counts
from karb_guard.rollout.outlook import rows
from karb_guard.rollout.wishes import RefusedError, promoted, rolled_back
from tests.support.rollout_world import HOUR, Rig, rollout


def soaking(**gates: Any) -> Rig:
    rig = Rig(rollout({"a": "enforce"}, gates))
    rig.step()
    rig.run(2 * HOUR)
    return rig


def ask(rig: Rig) -> str:
    rig.obj, done = promoted(rig.obj, "a", {}, by="alice", now=rig.now)
    return done


def test_a_wish_takes_one_step_and_status_is_left_alone() -> None:
    rig = soaking()
    before = copy.deepcopy(rig.obj["status"])
    assert "audit -> warn without soak time" in ask(rig)
    assert rig.obj["status"] == before
    rig.run(datetime.timedelta(minutes=10))
    assert rig.stage("a") == "warn"


def test_a_wish_beyond_spec_raises_its_target_by_one_stage() -> None:
    rig = soaking()
    rig.obj["spec"]["namespaces"][0]["stage"] = "audit"
    rig.run(HOUR)
    assert "spec asks for warn" in ask(rig)
    assert rig.obj["spec"]["namespaces"] == [{"name": "a", "stage": "warn"}]


def test_a_shut_gate_refuses_a_wish_and_says_why() -> None:
    rig = soaking()
    rig.obj["spec"]["paused"] = True
    rig.run(HOUR)
    with pytest.raises(RefusedError, match=r"Paused: spec\.paused is set; asking spares"):
        ask(rig)


def test_violations_refuse_a_wish_while_it_soaks() -> None:
    rig = soaking()
    rig.found["a"] = Counts(open=3)
    rig.run(HOUR)
    assert rig.reason("a") == "Soaking"
    with pytest.raises(RefusedError, match="3 unwaived violations"):
        ask(rig)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda o: o["spec"].pop("gates"), "has no spec.gates"),
        (lambda o: o["status"].pop("namespaces"), "has no entry for namespace a"),
        (lambda o: o["status"]["namespaces"][0].update(stage="enforce"), "is at enforce"),
        (lambda o: o["spec"].update(namespaces=[{}]), "needs one of name and selector"),
    ],
)
def test_what_cannot_be_promoted_is_refused(change: Any, why: str) -> None:
    rig = soaking()
    change(rig.obj)
    with pytest.raises(RefusedError, match=why):
        ask(rig)


def test_rolling_back_lowers_what_spec_asks_for() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(49 * HOUR)
    rig.obj, done = rolled_back(rig.obj, "a", {}, None)
    assert "spec asks for warn in namespace a (enforce before)" in done
    assert rig.obj["spec"]["namespaces"] == [{"name": "a", "stage": "warn"}]
    rig.obj, _ = rolled_back(rig.obj, "a", {}, Stage.OFF)
    with pytest.raises(RefusedError, match="is at off: that is not above off"):
        rolled_back(rig.obj, "a", {}, Stage.OFF)


def test_a_selector_s_namespace_gets_an_entry_of_its_own() -> None:
    obj = rollout({}, stage="enforce")
    rig = Rig(obj, {"a": {}, "b": {}})
    rig.step()
    rig.run(49 * HOUR)
    changed, _ = rolled_back(rig.obj, "a", {}, Stage.AUDIT)
    assert changed["spec"]["namespaces"] == [{"name": "a", "stage": "audit"}]
    rig.obj = changed
    rig.run(HOUR)
    assert (rig.stage("a"), rig.stage("b")) == ("audit", "enforce")


def test_a_namespace_that_spec_says_nothing_about_is_refused() -> None:
    with pytest.raises(RefusedError, match="says nothing about namespace z"):
        rolled_back(soaking().obj, "z", {}, None)


def test_rows_say_what_comes_next_and_when() -> None:
    rig = soaking()
    (row,) = rows(rig.obj, {"a": {}, "elsewhere": {}}, rig.now)
    assert (row.stage, row.following, row.target) == ("audit", "warn", "enforce")
    assert row.not_before == "2026-03-03T08:00:00Z"
    assert row.reason == "Soaking"
