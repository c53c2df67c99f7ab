"""What moves a namespace, what keeps it, and which gate says so."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any

import pytest

from karb_guard.decisions import rollouts
from karb_guard.model.stage import Stage
from karb_guard.rollout import plan as plans
from karb_guard.rollout.counters import Sample, Scrape
from karb_guard.rollout.evidence import Counts
from karb_guard.rollout.plan import advance, worth_writing
from karb_guard.rollout.times import text_of
from tests.support.rollout_world import HOUR, MINUTE, NAMES, START, Rig, rollout

DAY = 24 * HOUR


def walked(**gates: Any) -> Rig:
    """A namespace that has got to enforce."""
    rig = Rig(rollout({"a": "enforce"}, gates))
    rig.step()
    rig.run(49 * HOUR)
    assert rig.stage("a") == "enforce"
    return rig


def test_with_all_evidence_it_walks_to_enforce_one_stage_a_soak_time() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    assert (rig.stage("a"), rig.reason("a")) == ("audit", "Started")
    rig.run(23 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("audit", "Soaking")
    rig.run(HOUR)
    assert rig.stage("a") == "warn"
    assert "no unwaived violation" in rig.entry("a")["message"]
    rig.run(24 * HOUR)
    assert (rig.stage("a"), rig.journey["a"]) == ("enforce", ["audit", "warn", "enforce"])
    assert rig.entry("a")["since"] == text_of(rig.now)


def test_the_webhook_reads_the_stage_that_was_written() -> None:
    rig = walked()
    found = rollouts.compiled([rollouts.project(rig.obj)], NAMES).of("res-mem")
    assert found is not None
    said = found.for_namespace("a", {})
    assert said is not None
    assert (said.stage, said.since) == (Stage.ENFORCE, rig.entry("a")["since"])


def test_it_goes_no_further_than_spec_asks() -> None:
    rig = Rig(rollout({"a": "warn"}))
    rig.step()
    rig.run(5 * DAY, HOUR / 4)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Reached")


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (Counts(open=1), "Violations"),
        (Counts(unknown=1), "NoEvidence"),
        (Counts(waived=1, ends=(datetime.date(2026, 3, 2),)), "Violations"),
    ],
    ids=["a violation", "an undecided object", "a waiver that ended"],
)
def test_what_a_scan_found_keeps_it(counts: Counts, reason: str) -> None:
    rig = Rig(rollout({"a": "enforce", "b": "enforce"}))
    rig.found["a"] = counts
    rig.step()
    rig.run(3 * DAY)
    assert (rig.stage("a"), rig.reason("a")) == ("audit", reason)
    assert rig.stage("b") == "enforce"


def test_a_waiver_that_counts_keeps_nothing_until_its_last_day_is_over() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.found["a"] = Counts(waived=1, ends=(datetime.date(2026, 3, 3),))
    rig.step()
    rig.run(26 * HOUR)
    assert rig.stage("a") == "warn"
    rig.run(30 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Violations")
    assert "expired waiver" in rig.entry("a")["message"]


def test_without_a_scan_nothing_moves_and_an_old_one_is_none() -> None:
    rig = Rig(rollout({"a": "enforce"}, {"evidenceMaxAge": "12h"}))
    rig.scanning = False
    rig.step()
    rig.run(2 * DAY)
    assert (rig.stage("a"), rig.reason("a")) == ("audit", "NoEvidence")
    rig.scanning = True
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "warn"
    rig.scanning = False
    rig.run(27 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "NoEvidence")


def test_a_scan_from_before_the_stage_says_nothing_about_it() -> None:
    rig = Rig(rollout({"a": "enforce"}, {"evidenceMaxAge": "1000h"}))
    rig.step()
    rig.run(23 * HOUR)
    rig.scanning = False
    rig.run(HOUR)
    assert rig.stage("a") == "warn"
    rig.run(3 * DAY)
    assert (rig.stage("a"), rig.entry("a")["message"]) == ("warn", "no scan since warn began")
    rig.scanning = True
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "enforce"


def test_a_namespace_that_the_scan_did_not_see_stays() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.now += 2 * DAY
    world = rig.world()
    assert world.scan is not None
    blind = plans.World(
        world.now,
        world.namespaces,
        type(world.scan)(world.now, invariants=world.scan.invariants),
        world.scrape,
        NAMES,
    )
    entry = advance(rig.obj, blind).entries[0]
    assert (entry.stage, entry.message) == (Stage.AUDIT, "the namespace is not in the scan")


@pytest.mark.parametrize("how", ["silent", "restarted", "unready", "none"])
def test_a_replica_that_is_missing_is_missing_evidence(how: str) -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(23 * HOUR + 50 * MINUTE)
    rig.now += 10 * MINUTE
    world = rig.world()
    scrapes = {
        "silent": Scrape(rig.now, [], ["a: no answer"]),
        "restarted": Scrape(rig.now, [Sample("a", rig.now.timestamp() - 60)]),
        "unready": Scrape(rig.now, [Sample("a", rig.started, problem="not ready")]),
        "none": Scrape(rig.now),
    }
    seen = plans.World(world.now, world.namespaces, world.scan, scrapes[how], NAMES)
    entry = advance(rig.obj, seen).entries[0]
    assert (entry.stage, entry.reason.value) == (Stage.AUDIT, "NoEvidence"), entry
    assert advance(rig.obj, world).entries[0].stage is Stage.WARN


def test_after_a_restart_a_whole_window_has_to_pass() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(23 * HOUR + 30 * MINUTE)
    rig.started = rig.now.timestamp()
    rig.run(HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("audit", "NoEvidence")
    rig.run(20 * MINUTE)
    assert rig.stage("a") == "warn"


def test_what_would_be_denied_keeps_it() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(23 * HOUR + 50 * MINUTE)
    rig.deny("a", 6, Stage.AUDIT)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.reason("a")) == ("audit", "Denials")
    rig.run(HOUR)
    assert rig.stage("a") == "warn"


def test_denials_roll_back_by_themselves_and_it_soaks_again() -> None:
    rig = walked()
    rig.run(HOUR)
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["step"]) == ("warn", "RolledBack")
    assert "6 denials in 1h, 5 are allowed" in rig.entry("a")["message"]
    rig.run(23 * HOUR)
    assert rig.stage("a") == "warn"
    rig.run(2 * HOUR)
    assert rig.stage("a") == "enforce"


def test_denials_are_counted_in_a_window() -> None:
    rig = walked()
    for _ in range(20):
        rig.deny("a", 2)
        rig.run(40 * MINUTE)
    assert rig.stage("a") == "enforce"


@pytest.mark.parametrize("state", ["paused", "frozen"])
def test_paused_or_frozen_it_still_rolls_back(state: str) -> None:
    rig = walked()
    if state == "paused":
        rig.obj["spec"]["paused"] = True
    else:
        rig.obj["spec"]["gates"]["freezeWindows"] = [
            {"from": text_of(START), "until": text_of(START + 30 * DAY)}
        ]
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["step"]) == ("warn", "RolledBack")
    rig.run(3 * DAY, HOUR / 4)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", state.capitalize())


def test_rolled_back_too_often_it_waits_for_a_person() -> None:
    rig = walked()
    for _ in range(2):
        rig.run(HOUR)
        rig.deny("a", 6)
        rig.run(30 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Held")
    asked = f"enforce {text_of(rig.now)} alice"
    rig.obj["metadata"]["annotations"] = {"promote.karb.dev/a": asked}
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "enforce"
    assert "rollbacks" not in rig.entry("a")


def test_asking_spares_the_soak_time_of_one_stage_and_nothing_else() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(2 * HOUR)
    rig.obj["metadata"]["annotations"] = {"promote.karb.dev/a": f"enforce {text_of(rig.now)}"}
    rig.found["a"] = Counts(open=1)
    rig.run(10 * MINUTE)
    assert rig.reason("a") == "Violations"
    rig.found.clear()
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "warn"
    rig.run(5 * HOUR)
    assert (rig.stage("a"), rig.reason("a")) == ("warn", "Soaking")


def test_denials_may_be_told_not_to_roll_back() -> None:
    rig = walked(rollBack=False)
    rig.deny("a", 600)
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.reason("a")) == ("enforce", "Denials")


def test_lowering_spec_lowers_at_once_and_raising_it_walks_again() -> None:
    rig = walked()
    rig.obj["spec"]["namespaces"][0]["stage"] = "audit"
    rig.run(10 * MINUTE)
    assert (rig.stage("a"), rig.entry("a")["step"]) == ("audit", "Lowered")
    rig.obj["spec"]["namespaces"][0]["stage"] = "enforce"
    rig.run(23 * HOUR)
    assert rig.stage("a") == "audit"


def test_waves_go_in_the_order_of_a_label() -> None:
    names = {"first": "1", "second": "2", "third": "none"}
    obj = rollout(dict.fromkeys(names, "enforce"), canary={"label": "ring", "order": ["1", "2"]})
    rig = Rig(obj, {name: {"ring": value} for name, value in names.items()})
    rig.step()
    rig.run(24 * HOUR)
    assert [rig.stage(n) for n in names] == ["warn", "audit", "audit"]
    assert rig.reason("third") == "WaitingForCanary"
    assert rig.entry("third")["message"] == "first (ring=1) goes to warn first"
    rig.found["second"] = Counts(open=1)
    rig.run(10 * DAY, HOUR / 4)
    assert [rig.stage(n) for n in names] == ["enforce", "audit", "audit"]
    rig.found.clear()
    rig.run(10 * DAY, HOUR / 4)
    assert [rig.stage(n) for n in names] == ["enforce", "enforce", "enforce"]
    assert all(j == ["audit", "warn", "enforce"] for j in rig.journey.values())


def test_a_controller_that_was_away_blames_nobody_for_what_it_did_not_see() -> None:
    rig = walked()
    rig.now += 5 * HOUR
    rig.deny("a", 50)
    rig.step()
    assert rig.stage("a") == "enforce"
    assert rig.obj["status"]["webhook"]["message"].startswith("nobody looked for 5h")
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "warn"


def test_a_window_shorter_than_a_round_still_rolls_back() -> None:
    rig = walked(denialWindow="10s")
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "warn"


def test_a_replica_that_is_away_for_a_while_is_not_counted_twice() -> None:
    rig = walked()
    rig.deny("a", 100)
    rig.obj["status"]["namespaces"][0]["counted"] = 100
    rig.answering = False
    rig.run(10 * MINUTE)
    rig.answering = True
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "enforce"


def test_denials_of_a_replica_that_began_anew_are_counted() -> None:
    rig = walked()
    rig.deny("a", 100)
    rig.obj["status"]["namespaces"][0]["counted"] = 100
    rig.counts.clear()
    rig.started = (rig.now + MINUTE).timestamp()
    rig.deny("a", 6)
    rig.run(10 * MINUTE)
    assert rig.stage("a") == "warn"


def test_a_spec_that_cannot_be_read_changes_no_stage() -> None:
    rig = walked()
    before = copy.deepcopy(rig.obj["status"]["namespaces"])
    rig.obj["spec"]["gates"]["soak"] = "long"
    rig.run(10 * MINUTE)
    assert rig.obj["status"]["namespaces"] == before
    condition = rig.obj["status"]["conditions"][0]
    assert (condition["type"], condition["status"]) == ("SpecReadable", "False")
    assert "spec.gates.soak=long" in condition["message"]
    again = rig.step(write=False).status
    assert not worth_writing(rig.obj["status"], again, MINUTE)


def test_a_new_object_that_cannot_be_read_is_told_once() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.obj["spec"]["invariant"] = "nobody"
    assert "see karb-guard list" in rig.step().status["conditions"][0]["message"]
    rig.now += HOUR
    assert not worth_writing(rig.obj["status"], rig.step(write=False).status, MINUTE)


def test_entries_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MAX_NAMESPACES", 3)
    rig = Rig(rollout({f"n{i}": "enforce" for i in range(5)}))
    rig.step()
    assert [e["name"] for e in rig.obj["status"]["namespaces"]] == ["n0", "n1", "n2"]
    assert rig.obj["status"]["beyond"] == 2


def test_a_full_status_fits_into_an_object() -> None:
    names = {f"{'n' * 58}-{i:04}": "enforce" for i in range(plans.MAX_NAMESPACES)}
    obj = rollout({}, stage="enforce")
    rig = Rig(obj, {name: {} for name in names})
    rig.step()
    rig.run(HOUR, HOUR / 12)
    for name in names:
        rig.deny(name, 1, Stage.AUDIT)
    rig.run(5 * MINUTE, 5 * MINUTE)
    size = len(json.dumps(rig.obj))
    print(f"{size} bytes")
    assert size < 1_000_000


def test_what_only_the_clock_changed_is_written_now_and_then() -> None:
    rig = Rig(rollout({"a": "enforce"}))
    rig.step()
    rig.run(2 * HOUR)
    old = rig.obj["status"]
    rig.now += MINUTE
    assert not worth_writing(old, rig.step(write=False).status, 5 * MINUTE)
    rig.now += 5 * MINUTE
    assert worth_writing(old, rig.step(write=False).status, 5 * MINUTE)
    rig.deny("a", 1, Stage.AUDIT)
    assert worth_writing(rig.obj["status"], rig.step(write=False).status, 9 * HOUR)
