"""What holds on every path: nothing without evidence, no stage skipped, a kill changes nothing."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.model.stage import Stage
from karb_guard.rollout.counters import Sample, Scrape
from karb_guard.rollout.evidence import Counts, ScanEvidence
from karb_guard.rollout.plan import World, advance
from karb_guard.rollout.times import text_of
from tests.support.rollout_world import INVARIANT, MINUTE, NAMES, START, rollout

NAMESPACES = ("a", "b", "c")
RANKS = {stage.value: stage.rank for stage in Stage}

Json = dict[str, Any]

counts = st.builds(
    Counts,
    open=st.sampled_from([0, 0, 0, 1]),
    waived=st.just(0),
    ends=st.sampled_from([(), (), (datetime.date(2026, 3, 2),)]),
    unknown=st.sampled_from([0, 0, 0, 2]),
)
moves = st.fixed_dictionaries(
    {
        "minutes": st.integers(0, 90),
        "scan": st.sampled_from(["none", "old", "fresh", "fresh", "fresh", "partial", "future"]),
        "counts": st.dictionaries(st.sampled_from(NAMESPACES), counts, max_size=2),
        "replica": st.sampled_from(
            ["same", "same", "same", "same", "silent", "restarted", "unready"]
        ),
        "denials": st.dictionaries(st.sampled_from(NAMESPACES), st.integers(0, 12), max_size=2),
        "paused": st.sampled_from([False, False, False, True]),
        "targets": st.one_of(
            st.none(),
            st.dictionaries(
                st.sampled_from(NAMESPACES), st.sampled_from(["off", "audit", "warn", "enforce"])
            ),
        ),
        "request": st.sampled_from([None, None, *NAMESPACES]),
        "killed": st.booleans(),
    }
)


class Walk:
    """Applies moves to one object and checks each step."""

    def __init__(self, *, canary: bool) -> None:
        spec: Json = {"canary": {"label": "ring", "order": ["a", "b"]}} if canary else {}
        gates = {"soak": "30m", "denialWindow": "20m", "evidenceMaxAge": "2h", "maxDenials": 5}
        self.obj = rollout(dict.fromkeys(NAMESPACES, "enforce"), gates, **spec)
        self.now = START
        self.started = START.timestamp() - 10
        self.counts: dict[tuple[str, str, Stage], int] = {}
        self.promotions = 0

    def world(self, move: Json) -> World:
        self.now += move["minutes"] * MINUTE
        for name, count in move["denials"].items():
            stage = self.stages().get(name, "audit")
            key = (name, INVARIANT, Stage(stage))
            self.counts[key] = self.counts.get(key, 0) + count
        if move["replica"] == "restarted":
            self.started = self.now.timestamp() - 1
            self.counts.clear()
        problem = "not ready" if move["replica"] == "unready" else ""
        sample = Sample("r", self.started, dict(self.counts), problem)
        silent = move["replica"] == "silent"
        scrape = Scrape(self.now, [] if silent else [sample], ["r: silent"] if silent else [])
        labels = {name: {"ring": name} for name in NAMESPACES}
        return World(self.now, labels, self.scan(move), scrape, NAMES)

    def scan(self, move: Json) -> ScanEvidence | None:
        ages = {"old": 130 * MINUTE, "future": -60 * MINUTE}
        if move["scan"] == "none":
            return None
        seen = NAMESPACES[:1] if move["scan"] == "partial" else NAMESPACES
        found = {(name, INVARIANT): c for name, c in move["counts"].items()}
        return ScanEvidence(
            at=self.now - ages.get(move["scan"], 0 * MINUTE),
            namespaces=frozenset(seen),
            counts=found,
            invariants=frozenset({INVARIANT}),
        )

    def stages(self) -> dict[str, str]:
        return {e["name"]: e["stage"] for e in self.obj["status"].get("namespaces", [])}

    def step(self, move: Json) -> None:
        if move["targets"] is not None:
            self.obj["spec"]["namespaces"] = [
                {"name": n, "stage": s} for n, s in move["targets"].items()
            ]
        self.obj["spec"]["paused"] = move["paused"]
        world = self.world(move)
        if move["request"]:
            key = f"promote.karb.dev/{move['request']}"
            self.obj["metadata"]["annotations"] = {key: f"enforce {text_of(self.now)}"}
        before, frozen = self.stages(), copy.deepcopy(self.obj)
        plan = advance(self.obj, world)
        assert self.obj == frozen, "a step changes nothing by itself"
        if move["killed"]:  # before the write: the next process starts from the same object
            again = advance(copy.deepcopy(self.obj), world)
            assert again.status == plan.status
        self.obj = {**self.obj, "status": plan.status}
        self.check(before, world, move)
        # After the write: whoever does the same again finds nothing to do.
        repeated = advance(self.obj, world)
        assert not [s for s in repeated.steps if s.entry.step.value == "Promoted"]

    def check(self, before: dict[str, str], world: World, move: Json) -> None:
        targets = {e["name"]: e["stage"] for e in self.obj["spec"]["namespaces"]}
        for name, stage in self.stages().items():
            assert RANKS[stage] <= max(RANKS[targets[name]], RANKS["off"]), "beyond spec"
            if name not in before:
                assert stage in ("audit", "off")
                continue
            if RANKS[stage] <= RANKS[before[name]]:
                continue
            self.promotions += 1
            assert RANKS[stage] == RANKS[before[name]] + 1, "a stage was skipped"
            assert not move["paused"]
            if before[name] != "off":
                self.evidence(name, world, move)

    def evidence(self, name: str, world: World, move: Json) -> None:
        assert move["replica"] == "same"
        assert move["scan"] in ("fresh", "partial")
        assert world.scan is not None
        assert name in world.scan.namespaces
        found = move["counts"].get(name, Counts())
        assert found.open == 0
        assert found.unknown == 0
        assert all(end >= self.now.date() for end in found.ends)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(moves, min_size=1, max_size=25), st.booleans())
def test_every_path_keeps_the_rules(path: list[Json], canary: bool) -> None:
    walk = Walk(canary=canary)
    for move in path:
        walk.step(move)


def test_the_paths_hold_promotions_at_all() -> None:
    walk = Walk(canary=False)
    quiet = {"scan": "fresh", "counts": {}, "replica": "same", "denials": {}, "paused": False}
    quiet |= {"targets": None, "request": None, "killed": True, "minutes": 10}
    for _ in range(10):
        walk.step(quiet)
    assert walk.promotions == 2 * len(NAMESPACES)
