"""What people and clocks get wrong: a moment, a label's value, a namespace of the same name."""

from __future__ import annotations

import datetime

import pytest

from karb_guard.rollout.machine import Born
from karb_guard.rollout.times import text_of
from tests.support.rollout_world import HOUR, MINUTE, START, Rig, rollout

DAY = 24 * HOUR


def walked(**gates: int) -> Rig:
    """A namespace that has got to enforce."""
    rig = Rig(rollout({"a": "enforce"}, gates))
    rig.step()
    rig.run(49 * HOUR)
    assert rig.stage("a") == "enforce"
    return rig


@pytest.mark.parametrize("ahead", [MINUTE, HOUR, 3650 * DAY])
def test_a_request_of_the_future_waits_for_its_time_and_survives_no_step(
    ahead: datetime.timedelta,
) -> None:
    rig = walked(maxRollbacks=1)
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["step"]) == ("warn", "RolledBack")
    rig.run(2 * HOUR)
    asked = rig.now + 10 * MINUTE + ahead
    rig.obj["metadata"]["annotations"] = {"promote.karb.dev/a": f"enforce {text_of(asked)} bob"}
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Held")
    assert f"asked for at {text_of(asked)}, which is not yet" in rig.entry("a")["message"]
    if ahead > DAY:
        return
    rig.run(ahead)
    assert rig.stage("a") == "enforce"
    rig.deny("a", 6)
    rig.run(30 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Held")


def test_a_request_is_good_for_one_stage_also_in_the_very_moment_it_was_made() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(2 * HOUR)
    asked = rig.now + 10 * MINUTE
    rig.obj["metadata"]["annotations"] = {"promote.karb.dev/a": f"enforce {text_of(asked)}"}
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.now) == ("warn", asked)
    rig.run(2 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Soaking")


def reborn(rig: Rig, namespace: str, uid: str, at: datetime.datetime) -> None:
    rig.born[namespace] = Born(uid, at)


def test_a_namespace_that_was_made_anew_begins_anew() -> None:
    rig = Rig(rollout({"a": "enforce", "b": "enforce"}))
    reborn(rig, "a", "1", START)
    rig.step()
    rig.run(49 * HOUR)
    assert rig.stage("a") == "enforce"
    rig.scanning = False
    reborn(rig, "a", "2", rig.now + MINUTE)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.reason("a"), rig.entry("a")["uid"]) == ("audit", "Started", "2")
    assert rig.entry("a")["message"] == f"audit since {text_of(rig.now)}: the namespace is new"
    assert rig.stage("b") == "enforce"
    assert rig.plan is not None
    assert [(s.before, s.entry.name) for s in rig.plan.steps] == [(None, "a")]
    rig.run(25 * HOUR)
    assert (rig.stage("a"), rig.entry("a")["message"]) == ("audit", "no scan since audit began")


def test_a_namespace_that_is_younger_than_its_entry_of_a_status_without_uids_begins_anew() -> None:
    rig = walked()
    assert "uid" not in rig.entry("a")
    reborn(rig, "a", "1", START)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["uid"]) == ("enforce", "1")
    del rig.entry("a")["uid"]
    reborn(rig, "a", "2", rig.now + MINUTE)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["uid"]) == ("audit", "2")


def test_a_scan_from_before_the_namespace_says_nothing_about_it() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.obj["status"] = {"namespaces": [{"name": "a", "stage": "warn", "uid": "1"}]}
    reborn(rig, "a", "1", START + 2 * HOUR)
    rig.run(HOUR)
    rig.scanning = False
    rig.run(2 * HOUR)
    said = (rig.stage("a"), rig.entry("a")["message"])
    assert said == ("warn", "no scan since the namespace was made")


def test_an_order_of_waves_that_no_namespace_is_in_lets_nobody_go() -> None:
    obj = rollout({"a": "enforce", "b": "enforce"}, canary={"label": "ring", "order": ["canray"]})
    rig = Rig(obj, {"a": {"ring": "canary"}, "b": {}})
    rig.step()
    rig.run(30 * HOUR)
    for name in "ab":
        assert (rig.stage(name), rig.reason(name)) == ("audit", "WaitingForCanary")
    assert rig.entry("a")["message"] == (
        "no namespace of this rollout has ring=canray: spec.canary.order would keep nobody waiting"
    )
    condition = next(c for c in rig.obj["status"]["conditions"] if c["type"] == "WavesFound")
    assert (condition["status"], condition["reason"]) == ("False", "EmptyWaves")
    assert condition["message"] == "no namespace of this rollout has ring=canray"
    rig.labels["a"] = {"ring": "canray"}
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.stage("b")) == ("warn", "audit")


def test_a_wave_that_is_empty_beside_others_is_told_and_keeps_nobody() -> None:
    obj = rollout({"a": "enforce"}, canary={"label": "ring", "order": ["canray", "early"]})
    rig = Rig(obj, {"a": {"ring": "early"}})
    rig.step()
    rig.run(24 * HOUR)
    assert rig.stage("a") == "warn"
    found = {c["type"]: c for c in rig.obj["status"]["conditions"]}
    assert found["WavesFound"]["message"] == "no namespace of this rollout has ring=canray"
    del rig.obj["spec"]["canary"]
    rig.run(10 * MINUTE)
    found = {c["type"]: c for c in rig.obj["status"]["conditions"]}
    assert (found["WavesFound"]["status"], found["WavesFound"]["message"]) == ("True", "")


def test_a_stage_that_began_in_the_future_begins_now() -> None:
    rig = walked()
    rig.entry("a")["since"] = text_of(rig.now + 365 * DAY)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["since"]) == ("enforce", text_of(rig.now))
