"""A small world for rollouts: objects, scans and scrapes made by hand, and a clock to turn."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from karb_guard.model.stage import Stage
from karb_guard.rollout.counters import Sample, Scrape
from karb_guard.rollout.evidence import Counts, ScanEvidence
from karb_guard.rollout.machine import Born
from karb_guard.rollout.plan import Plan, World, advance

INVARIANT = "res-mem"
NAMES = {INVARIANT: INVARIANT, "KARB-RES-002": INVARIANT}
START = datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.UTC)
"""A Monday."""
HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
GATES = {"soak": "24h", "denialWindow": "1h", "maxDenials": 5}

Json = dict[str, Any]


def rollout(namespaces: Mapping[str, str], gates: Json | None = None, **spec: Any) -> Json:
    """An InvariantRollout of ``res-mem`` with ``gates``; ``namespaces`` are name -> target."""
    entries = [{"name": name, "stage": stage} for name, stage in namespaces.items()]
    wanted = {"invariant": INVARIANT, "namespaces": entries, "gates": {**GATES, **(gates or {})}}
    metadata = {"name": INVARIANT, "generation": 1, "uid": "u"}
    return {"metadata": metadata, "spec": {**wanted, **spec}, "status": {}}


def scan(at: datetime.datetime, *namespaces: str, **found: Counts) -> ScanEvidence:
    """A scan of ``namespaces``; ``found`` is namespace -> counts."""
    counts = {(name.replace("_", "-"), INVARIANT): c for name, c in found.items()}
    return ScanEvidence(
        at=at,
        cluster="test",
        namespaces=frozenset({*namespaces, *(key[0] for key in counts)}),
        counts=counts,
        invariants=frozenset({INVARIANT}),
    )


class Rig:
    """One rollout, driven step by step; its object is all that is kept between two steps."""

    def __init__(self, obj: Json, labels: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.obj = obj
        self.now = START
        self.labels = dict(labels or {e["name"]: {} for e in obj["spec"]["namespaces"]})
        self.found: dict[str, Counts] = {}
        self.counts: dict[tuple[str, str, Stage], int] = {}
        self.started = (START - 100 * HOUR).timestamp()
        self.scanning = True
        self.answering = True
        self.last_scan: ScanEvidence | None = None
        self.born: dict[str, Born] = {}
        self.journey: dict[str, list[str]] = {name: [] for name in self.labels}
        self.plan: Plan | None = None

    def world(self) -> World:
        if self.scanning:
            self.last_scan = scan(self.now, *self.labels)
            counts = {(n, INVARIANT): c for n, c in self.found.items()}
            self.last_scan = ScanEvidence(
                self.now, "test", frozenset(self.labels), counts, {}, {}, frozenset({INVARIANT})
            )
        if self.answering:
            scrape = Scrape(self.now, [Sample("a", self.started, dict(self.counts))])
        else:
            scrape = Scrape(self.now, [], ["a: no answer"])
        return World(self.now, self.labels, self.last_scan, scrape, NAMES, born=self.born)

    def step(self, *, write: bool = True) -> Plan:
        plan = advance(self.obj, self.world())
        if write:
            self.obj = {**self.obj, "status": plan.status}
            for before, entry in plan.steps:
                self.journey[entry.name].append(entry.stage.value)
                assert before is None or before is not entry.stage
        self.plan = plan
        return plan

    def run(self, length: datetime.timedelta, every: datetime.timedelta = 10 * MINUTE) -> None:
        end = self.now + length
        while self.now < end:
            self.now += every
            self.step()

    def deny(self, namespace: str, count: int, stage: Stage = Stage.ENFORCE) -> None:
        key = (namespace, INVARIANT, stage)
        self.counts[key] = self.counts.get(key, 0) + count

    def entry(self, namespace: str) -> Json:
        return next(e for e in self.obj["status"]["namespaces"] if e["name"] == namespace)

    def stage(self, namespace: str) -> str:
        return str(self.entry(namespace)["stage"])

    def reason(self, namespace: str) -> str:
        return str(self.entry(namespace)["reason"])
