"""One step of a whole ``InvariantRollout``: every namespace, its order of waves, its status."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from karb_guard.decisions import rollouts
from karb_guard.decisions.rollouts import Rollout
from karb_guard.model.stage import Stage
from karb_guard.network.selectors import InvalidPolicyError
from karb_guard.rollout import counters, gates, machine
from karb_guard.rollout import entry as entries
from karb_guard.rollout.counters import Scrape
from karb_guard.rollout.entry import STEPS, Entry, Reason
from karb_guard.rollout.evidence import ScanEvidence
from karb_guard.rollout.gates import Gates, GatesError
from karb_guard.rollout.machine import Asked, Born, Evidence, Request
from karb_guard.rollout.times import moment_of, text_of

MAX_NAMESPACES = 1_000
"""Entries of a status: some 600 bytes each, and etcd takes 1.5 MiB. The others stay at audit."""
MAX_COUNTS = 20_000
"""Counts of single replicas in a status, of namespaces in which anything was counted; beyond them
the sum alone is kept: 20 replicas for 1,000 such namespaces, 50 for 400."""
PROMOTE = "promote.karb.dev/"
"""Annotations of an ``InvariantRollout``: ``promote.karb.dev/<namespace>: <stage> <time>``."""
CONDITIONS = ("SpecReadable", "EvidenceComplete", "WavesFound")

Json = dict[str, Any]
Labels = Mapping[str, str]


class Step(NamedTuple):
    """A stage that began now."""

    before: Stage | None
    """``None``: the namespace had no entry."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step makes of one object."""

    status: Json
    steps: Sequence[Step] = ()
    entries: Sequence[Entry] = ()
    """Of the new status."""
    targets: Mapping[str, Stage] = field(default_factory=dict)
    """Namespace -> what ``spec`` asks for."""
    problem: str = ""
    """Why nothing is raised at all: ``spec`` can't be read."""


@dataclass(frozen=True, slots=True)
class World:
    """What is the same for every rollout of one step."""

    now: datetime.datetime
    """Aware, in UTC."""
    namespaces: Mapping[str, Labels]
    """Name -> labels, of every namespace there is, but those being deleted."""
    scan: ScanEvidence | None
    scrape: Scrape
    names: Mapping[str, str]
    """Short name or permanent id -> short name, of every invariant there is."""
    max_gap: datetime.timedelta = counters.MAX_GAP
    born: Mapping[str, Born] = field(default_factory=dict)
    """Namespace -> which one of its name it is."""


def is_staged(obj: Mapping[str, Any]) -> bool:
    """Whether the object's stages are reached step by step."""
    spec = obj.get("spec")
    return isinstance(spec, Mapping) and spec.get("gates") is not None


def advance(obj: Mapping[str, Any], world: World) -> Plan:
    """One step of an object with ``spec.gates``. Pure.

    A spec that can't be read raises nothing and lowers nothing; the status says why.
    """
    old = obj.get("status")
    status: Mapping[str, Any] = old if isinstance(old, Mapping) else {}
    try:
        rollout = rollouts.read(rollouts.project(obj))
        asked = gates.read(obj["spec"])
    except (InvalidPolicyError, GatesError) as error:
        return _unreadable(obj, status, str(error), world.now)
    short = world.names.get(rollout.invariant)
    if short is None:
        problem = f"spec.invariant={rollout.invariant[:60]} names no invariant; see karb-guard list"
        return _unreadable(obj, status, problem, world.now)
    observation = counters.observe(
        counters.from_status(status.get("webhook")), world.scrape, world.max_gap
    )
    evidence = Evidence(world.now, short, world.scan, observation)
    return _Advance(_Read(obj, status, rollout, asked), world, evidence).plan()


class _Read(NamedTuple):
    """An object, and what was read of it."""

    obj: Mapping[str, Any]
    status: Mapping[str, Any]
    rollout: Rollout
    gates: Gates


class _Advance:
    """The work of ``advance`` on a readable object."""

    def __init__(self, read: _Read, world: World, evidence: Evidence) -> None:
        obj, status, rollout, _ = read
        self._obj, self._status, self._gates = obj, status, read.gates
        self._world, self._evidence = world, evidence
        wanted = {n: rollout.target(n, labels) for n, labels in world.namespaces.items()}
        self._targets = {n: stage for n, stage in wanted.items() if stage is not None}
        replicas = list(evidence.observation.before.replicas)
        known = (entries.from_status(e, replicas) for e in status.get("namespaces") or ())
        written = {e.name: e for e in known if e is not None and e.name in self._targets}
        born = world.born
        self._before = {n: e for n, e in written.items() if machine.is_of(e, born.get(n))}
        self._anew = written.keys() - self._before.keys()
        self._empty = self._empty_waves()
        self._requests = _requests(obj)

    def plan(self) -> Plan:
        chosen, beyond = self._chosen()
        made = [self._entry(name) for name in chosen]
        steps = [
            Step(old.stage if old else None, e)
            for e in made
            if (old := self._before.get(e.name)) is None or old.stage is not e.stage
        ]
        return Plan(self._written(made, beyond), steps, made, self._targets)

    def _chosen(self) -> tuple[list[str], int]:
        """Who gets an entry: those that have one, then by wave and name; and how many don't."""
        order = sorted(self._targets, key=lambda n: (n not in self._before, self._wave(n), n))
        return sorted(order[:MAX_NAMESPACES]), max(len(order) - MAX_NAMESPACES, 0)

    def _wave(self, name: str) -> int:
        canary = self._gates.canary
        return 0 if canary is None else canary.wave(self._world.namespaces[name])

    def _entry(self, name: str) -> Entry:
        target, before = self._targets[name], self._before.get(name)
        born = self._world.born.get(name)
        if before is None:
            why = "the namespace is new" if name in self._anew else ""
            made = machine.begin(name, target, self._world.now, why)
        else:
            waits_for, request = self._waits_for(before), self._requests.get(name)
            asked = Asked(target, self._gates, waits_for, request, born)
            made = machine.step(before, asked, self._evidence)
        return made if born is None else dataclasses.replace(made, uid=born.uid)

    def _empty_waves(self) -> list[str]:
        """``label=value`` of each wave in which ``spec`` has no namespace."""
        canary = self._gates.canary
        if canary is None:
            return []
        found = {self._wave(name) for name in self._targets}
        return [canary.name(wave) for wave in range(len(canary.order)) if wave not in found]

    def _waits_for(self, entry: Entry) -> str | None:
        """Which namespace of an earlier wave has not got to the next stage, or not for long."""
        canary, following = self._gates.canary, machine.NEXT.get(entry.stage)
        if canary is None or following is None:
            return None
        if len(self._empty) == len(canary.order):
            return f"{self._said_of_waves()}: spec.canary.order would keep nobody waiting"
        own = self._wave(entry.name)
        for name in sorted(self._targets, key=lambda n: (self._wave(n), n)):
            if self._wave(name) >= own:
                return None
            if not self._passed(name, following):
                return f"{name} ({canary.name(self._wave(name))}) goes to {following.value} first"
        return None

    def _said_of_waves(self) -> str:
        return f"no namespace of this rollout has {' or '.join(self._empty)}" if self._empty else ""

    def _passed(self, name: str, following: Stage) -> bool:
        """Whether it has got there before this step and soaked; or was never meant to."""
        target, entry = self._targets[name], self._before.get(name)
        wanted = min(target, following, key=lambda stage: stage.rank)
        if entry is None or entry.stage.rank < wanted.rank:
            return False
        soaked = self._world.now - entry.since >= self._gates.soak_of(entry.stage)
        return entry.stage.rank > following.rank or target.rank < following.rank or soaked

    def _written(self, made: Sequence[Entry], beyond: int) -> Json:
        scan, watched = self._evidence.scan, self._evidence.observation.watched
        tally = Counter(e.stage for e in made)
        status: Json = {
            "observedGeneration": _generation(self._obj),
            "webhook": counters.to_status(watched),
            "summary": ", ".join(f"{s.value} {tally[s]}" for s in Stage if tally[s]),
            "beyond": beyond,
            "namespaces": _rows(made, list(watched.replicas)),
        }
        if scan is not None:
            status["scan"] = {"at": text_of(scan.at), "cluster": scan.cluster[:253]}
        complete = scan is not None and watched.since is not None
        missing = "there is no scan" if scan is None else watched.problem
        conditions = [
            _condition("SpecReadable", True, "Readable", ""),
            _condition(
                "EvidenceComplete",
                complete,
                "Complete" if complete else "Missing",
                "" if complete else missing,
            ),
            _condition(
                "WavesFound",
                not self._empty,
                "EmptyWaves" if self._empty else "Found",
                self._said_of_waves(),
            ),
        ]
        status["conditions"] = _conditions(self._status, conditions, self._obj, self._world.now)
        return status


def _rows(made: Sequence[Entry], replicas: Sequence[str]) -> list[Json]:
    """``status.namespaces``."""
    rows, left = [], MAX_COUNTS
    for entry in made:
        row = entries.to_status(entry, replicas)
        left -= len(row.get("counts", ()))
        rows.append(row if left >= 0 else _summed(row))
    return rows


def _summed(row: Json) -> Json:
    """A row with the sum of its counts alone; without that where one of them is not known."""
    counts = row.get("counts") or ()
    dropped = {"counts", "counted"} if entries.UNKNOWN in counts else {"counts"}
    return {key: value for key, value in row.items() if key not in dropped}


def _unreadable(
    obj: Mapping[str, Any], status: Mapping[str, Any], problem: str, now: datetime.datetime
) -> Plan:
    conditions = [_condition("SpecReadable", False, Reason.INVALID.value, problem)]
    written = {
        **status,
        "observedGeneration": _generation(obj),
        "conditions": _conditions(status, conditions, obj, now),
    }
    return Plan(written, problem=problem)


def _requests(obj: Mapping[str, Any]) -> dict[str, Request]:
    """Annotations that ask for a promotion; what can't be read asks for nothing."""
    found = {}
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    for key, value in annotations.items():
        if not key.startswith(PROMOTE):
            continue
        stage, _, at = str(value).partition(" ")
        moment = moment_of(at.split(" ", 1)[0])
        if moment is not None and stage in (Stage.WARN.value, Stage.ENFORCE.value):
            found[key.removeprefix(PROMOTE)] = Request(Stage(stage), moment)
    return found


def _generation(obj: Mapping[str, Any]) -> int:
    return int((obj.get("metadata") or {}).get("generation") or 0)


def _condition(kind: str, holds: bool, reason: str, message: str) -> Json:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": reason,
        "message": message,
    }


def _conditions(
    status: Mapping[str, Any], new: Sequence[Json], obj: Mapping[str, Any], now: datetime.datetime
) -> list[Json]:
    """The conditions, with the time of their last change kept where they did not change."""
    before = {c["type"]: c for c in status.get("conditions") or () if isinstance(c, Mapping)}
    made = {c["type"]: c for c in new}
    found = []
    for kind in CONDITIONS:
        if kind not in made:
            if kind in before:
                found.append(dict(before[kind]))
            continue
        old = before.get(kind) or {}
        same = old.get("status") == made[kind]["status"] and old.get("lastTransitionTime")
        since = old["lastTransitionTime"] if same else text_of(now)
        more = {"lastTransitionTime": since, "observedGeneration": _generation(obj)}
        found.append({**made[kind], **more})
    return found


def worth_writing(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], every: datetime.timedelta
) -> bool:
    """Whether a status says more than the stored one does.

    That replicas were scraped again, and what is left of a soak time, are written only ``every``
    so often: all rollouts' objects are read by every replica of the webhook.
    """
    if old is None or _lasting(old) != _lasting(new):
        return True
    before = counters.from_status(old.get("webhook")).at
    after = counters.from_status(new.get("webhook")).at
    return before is not None and after is not None and after - before >= every


def _lasting(status: Mapping[str, Any]) -> Json:
    """What of a status is worth a write of its own."""
    webhook = status.get("webhook")
    kept = (
        {k: v for k, v in webhook.items() if k != "scrapedAt"}
        if isinstance(webhook, Mapping)
        else {}
    )
    listed = [
        {k: v for k, v in e.items() if k != "message"} if isinstance(e, Mapping) else e
        for e in status.get("namespaces") or ()
    ]
    return {**status, "webhook": kept, "namespaces": listed, "scan": None}


__all__ = [
    "MAX_NAMESPACES",
    "PROMOTE",
    "STEPS",
    "Plan",
    "Step",
    "World",
    "advance",
    "is_staged",
    "worth_writing",
]
