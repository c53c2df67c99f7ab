"""Denials are counted replica by replica: what one of them hides, the others still show."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from karb_guard.model.stage import Stage
from karb_guard.rollout import plan as plans
from karb_guard.rollout.counters import MAX_REPLICAS, Sample, Scrape
from karb_guard.rollout.entry import Entry
from karb_guard.rollout.plan import World, advance
from karb_guard.rollout.times import moment_of, text_of
from tests.support.controlplane import REPOSITORY
from tests.support.rollout_world import HOUR, INVARIANT, MINUTE, NAMES, START, rollout

Json = dict[str, Any]
BIRTH = (START - 100 * HOUR).timestamp()
ROUND = MINUTE / 2


@dataclass
class Replica:
    """One webhook: how much it denied in namespace ``prod``, and whether it answers."""

    counted: int = 0
    started: float = BIRTH
    answers: bool = True
    other: dict[tuple[str, str, Stage], int] = field(default_factory=dict)

    def sample(self, name: str) -> Sample:
        counts = {("prod", INVARIANT, Stage.ENFORCE): self.counted} if self.counted else {}
        return Sample(name, self.started, {**counts, **self.other})


class Fleet:
    """A namespace ``prod`` at enforce, and replicas of a webhook; at most 5 denials an hour."""

    def __init__(self, namespaces: int = 1, **replicas: Replica) -> None:
        self.replicas = replicas
        self.now = START
        self.names = ["prod", *(f"n{i}" for i in range(1, namespaces))]
        self.obj = rollout(dict.fromkeys(self.names[:200], "enforce"), stage="enforce")
        since = text_of(START - 50 * HOUR)
        told = {"stage": "enforce", "since": since, "reason": "Reached", "step": "Promoted"}
        self.obj["status"] = {"namespaces": [{"name": n, **told} for n in self.names]}
        self.listed = True

    def look(self, after: Any = ROUND) -> Entry:
        self.now += after
        samples = [r.sample(n) for n, r in self.replicas.items() if r.answers and self.listed]
        silent = [f"{n}: TimeoutError" for n, r in self.replicas.items() if not r.answers]
        if not self.listed:
            silent = ["the replicas are not known: the API server is away"]
        scrape = Scrape(self.now, samples, silent)
        plan = advance(self.obj, World(self.now, {n: {} for n in self.names}, None, scrape, NAMES))
        self.obj = json.loads(json.dumps({**self.obj, "status": plan.status}))
        return next(e for e in plan.entries if e.name == "prod")

    @property
    def webhook(self) -> Json:
        found: Json = self.obj["status"]["webhook"]
        return found

    @property
    def written(self) -> Json:
        return next(e for e in self.obj["status"]["namespaces"] if e["name"] == "prod")


def is_calm(entry: Entry) -> bool:
    """Whether nobody is blamed: rolling back empties the window too."""
    return (entry.stage, entry.denied) == (Stage.ENFORCE, 0)


def pair() -> Fleet:
    """Two replicas that were looked at twice."""
    fleet = Fleet(a=Replica(890), b=Replica(100))
    fleet.look()
    assert is_calm(fleet.look())
    return fleet


def test_denials_of_one_replica_roll_back_while_another_does_not_answer() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    fleet.look()
    fleet.replicas["b"].counted += 6
    back = fleet.look()
    assert (back.stage, back.step.value) == (Stage.WARN, "RolledBack"), back
    assert "6 denials in 1h, 5 are allowed" in back.message


def test_denials_are_summed_over_hours_while_a_replica_is_away() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    for _ in range(5):
        fleet.replicas["b"].counted += 1
        assert fleet.look().stage is Stage.ENFORCE
    assert fleet.look().denied == 5
    fleet.replicas["b"].counted += 1
    assert fleet.look().stage is Stage.WARN


def test_a_replica_that_ends_hides_no_denials_of_the_others() -> None:
    fleet = Fleet(a=Replica(400), b=Replica(100))
    fleet.look()
    del fleet.replicas["a"]
    fleet.replicas["b"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_of_a_rolling_update_all_that_is_seen_counts() -> None:
    fleet = pair()
    fleet.replicas["a"] = Replica(4, started=(fleet.now + ROUND / 2).timestamp())
    fleet.replicas["b"].counted += 1
    assert fleet.look().denied == 5
    del fleet.replicas["b"]
    fleet.replicas["c"] = Replica(1, started=(fleet.now + ROUND / 2).timestamp())
    assert fleet.look().stage is Stage.WARN


def test_what_a_replica_counted_before_it_was_silent_is_counted_once() -> None:
    fleet = pair()
    for answers in (False, False, True, False, True):
        fleet.replicas["a"].answers = answers
        assert is_calm(found := fleet.look()), found
    fleet.replicas["a"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_what_it_denied_while_it_was_silent_for_a_short_time_is_counted() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    fleet.look()
    fleet.replicas["a"].counted += 6
    fleet.replicas["a"].answers = True
    assert fleet.look().stage is Stage.WARN


def test_nobody_is_blamed_for_what_a_replica_denied_hours_ago() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    for _ in range(20):
        fleet.look(10 * MINUTE)
    fleet.replicas["a"].counted += 600
    fleet.replicas["a"].answers = True
    assert is_calm(found := fleet.look()), found
    fleet.replicas["a"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_replica_that_begins_anew_while_it_is_silent_is_counted_from_zero() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    fleet.look()
    fleet.replicas["a"] = Replica(6, started=fleet.now.timestamp() - 1)
    assert fleet.look().stage is Stage.WARN


def test_the_life_of_a_replica_that_nobody_knew_is_not_counted() -> None:
    fleet = pair()
    fleet.replicas["c"] = Replica(5000)
    assert is_calm(fleet.look())
    fleet.replicas["c"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_moment_without_a_list_of_replicas_repeats_and_loses_nothing() -> None:
    fleet = pair()
    fleet.listed = False
    fleet.look()
    fleet.listed = True
    assert is_calm(fleet.look())
    fleet.listed = False
    fleet.look()
    fleet.listed = True
    fleet.replicas["b"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_replica_that_is_gone_is_forgotten() -> None:
    fleet = pair()
    del fleet.replicas["a"]
    fleet.look()
    assert [r["name"] for r in fleet.webhook["replicas"]] == ["b"]
    assert (fleet.written["counted"], fleet.written["counts"]) == (100, [100])


def test_replicas_that_come_and_go_beside_a_silent_one_push_no_living_one_out() -> None:
    fleet = Fleet(**{"00": Replica(), "zz": Replica(100)})
    fleet.look()
    fleet.replicas["00"].answers = False
    for turn in range(2 * MAX_REPLICAS):
        fleet.replicas[f"m{turn}"] = Replica(started=fleet.now.timestamp())
        fleet.replicas.pop(f"m{turn - 1}", None)
        fleet.look()
    assert len(fleet.webhook["replicas"]) == MAX_REPLICAS
    fleet.replicas["zz"].answers = False
    fleet.replicas["new"] = Replica(started=fleet.now.timestamp())
    fleet.look()
    assert len(fleet.webhook["replicas"]) == MAX_REPLICAS
    fleet.replicas["zz"].answers = True
    fleet.replicas["zz"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_status_of_the_controller_before_is_read_and_counted_from() -> None:
    fleet = pair()
    del fleet.written["counts"]
    assert fleet.written["counted"] == 990
    assert is_calm(found := fleet.look()), found
    del fleet.written["counts"]
    fleet.replicas["b"].counted += 6
    assert fleet.look().stage is Stage.WARN


@pytest.mark.parametrize("counts", [[1], [1, 2, 3], [1, 2], ["x", None], "no", [-7, 997]])
def test_counts_that_fit_nothing_are_as_if_they_were_not_there(counts: object) -> None:
    fleet = pair()
    fleet.written["counts"] = counts
    assert is_calm(found := fleet.look()), found
    assert fleet.written["counts"] == [890, 100]


def test_a_replica_whose_count_is_not_known_is_stored_as_such() -> None:
    fleet = Fleet(a=Replica(890), b=Replica(100))
    fleet.look()
    fleet.replicas["a"].answers = False
    fleet.look()
    del fleet.written["counts"]  # by a controller that kept only the sum
    fleet.look()
    assert (fleet.written["counted"], fleet.written["counts"]) == (100, [-1, 100])
    fleet.replicas["a"].answers = True
    assert is_calm(found := fleet.look()), found
    assert fleet.written["counts"] == [890, 100]


def test_where_there_is_no_room_for_every_count_the_sum_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plans, "MAX_COUNTS", 1)
    fleet = pair()
    assert "counts" not in fleet.written
    fleet.replicas["b"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_sum_of_which_a_part_is_not_known_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(a=Replica(890), b=Replica())
    fleet.look()
    fleet.replicas["a"].answers = False
    fleet.look()
    del fleet.written["counts"]
    monkeypatch.setattr(plans, "MAX_COUNTS", 1)
    fleet.look()
    assert fleet.written.keys().isdisjoint({"counts", "counted"})
    fleet.replicas["a"].answers = True
    assert is_calm(found := fleet.look()), found


def test_without_denials_no_counts_are_stored() -> None:
    fleet = Fleet(a=Replica(), b=Replica())
    fleet.look()
    fleet.look()
    assert "counts" not in fleet.written
    fleet.replicas["a"].answers = False
    fleet.replicas["b"].counted += 6
    assert fleet.look().stage is Stage.WARN


def test_a_status_with_every_count_of_every_replica_fits_into_an_object() -> None:
    names = 1000
    fleet = Fleet(names)
    for i in range(MAX_REPLICAS):
        many = {(f"n{j}", INVARIANT, Stage.ENFORCE): 999_999 for j in range(1, names)}
        fleet.replicas[f"karb-guard-webhook-5d59d67564-{i:05}"] = Replica(other=many)
    fleet.look()
    size = len(json.dumps(fleet.obj, separators=(",", ":")))
    print(f"{size} bytes")
    assert size < 1_000_000


def test_a_clock_that_jumped_ahead_is_not_gone_by() -> None:
    fleet = pair()
    ahead = copy.deepcopy(fleet)
    ahead.look(365 * 24 * HOUR)
    ahead.now = fleet.now
    ahead.look()
    assert moment_of(ahead.webhook["since"]) == ahead.now
    assert ahead.webhook["message"] == "the clock went back by 364d 23h"
    ahead.replicas["b"].counted += 6
    assert ahead.look().stage is Stage.WARN


def test_a_moment_of_the_future_that_an_older_controller_left_is_mended() -> None:
    fleet = pair()
    fleet.webhook["since"] = text_of(fleet.now + 365 * 24 * HOUR)
    fleet.look()
    assert moment_of(fleet.webhook["since"]) == fleet.now


def test_the_crd_has_all_that_is_written_so_that_the_api_server_drops_nothing() -> None:
    fleet = pair()
    fleet.replicas["a"].answers = False
    fleet.replicas["b"].counted += 1
    fleet.written["uid"] = "1"
    fleet.look()
    assert "counts" in fleet.written
    assert "uid" in fleet.written
    assert "seenAt" in fleet.webhook["replicas"][0]
    crd = REPOSITORY / "charts/karb-guard/files/crds/invariantrollouts.yaml"
    version = yaml.safe_load(crd.read_text("utf-8"))["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert list(_unknown(fleet.obj["status"], schema, "status")) == []


def _unknown(value: object, schema: Json, path: str) -> Iterator[str]:
    """Fields that a structural schema does not have: they would be pruned."""
    if isinstance(value, dict):
        for key, inner in value.items():
            found = schema.get("properties", {}).get(key)
            if found is None:
                yield f"{path}.{key}"
            else:
                yield from _unknown(inner, found, f"{path}.{key}")
    for inner in value if isinstance(value, list) else ():
        yield from _unknown(inner, schema["items"], f"{path}[]")
