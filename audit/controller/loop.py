"""The controller: looks, decides, writes; round after round, while it leads."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.controller import pod_security
from audit.controller.events import Teller
from audit.controller.labelling import Labelling
from audit.controller.replicas import Replicas, scraped
from audit.controller.sources import EvidenceSource
from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.leases import Leadership
from karb_guard.cluster.logs import log_to
from karb_guard.decisions import rollouts
from karb_guard.rollout.machine import Born
from karb_guard.rollout.plan import World, advance, is_staged, worth_writing
from karb_guard.rollout.times import moment_of

logger = logging.getLogger(__name__)

EVERY = datetime.timedelta(seconds=30)
WRITTEN_EVERY = datetime.timedelta(minutes=5)
"""What only the clock changed."""
NAMESPACES = "/api/v1/namespaces"

Json = dict[str, Any]
Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The clock on the wall."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a round looks."""

    replicas: Replicas
    scans: EvidenceSource
    names: Mapping[str, str]
    """Short name or permanent id -> short name, of every invariant."""


class Controller:
    """Moves stages. What it knows is in the objects' status: it may be killed at any time."""

    def __init__(
        self,
        client: ClusterClient,
        sources: Sources,
        leadership: Leadership,
        now: Clock = utc_now,
        written_every: datetime.timedelta = WRITTEN_EVERY,
    ) -> None:
        self._client, self._sources = client, sources
        self._leadership, self._now = leadership, now
        self._written_every = written_every
        self._teller = Teller(client)
        self._stopping = threading.Event()
        self._said = ""
        self._said_of_labels = ""
        self._failed: dict[str, str] = {}
        """Rollout -> why it could not be moved when it was tried last."""

    def stop(self) -> None:
        """End after the round that runs."""
        self._stopping.set()

    def run(self, every: datetime.timedelta = EVERY) -> None:
        """Round after round until ``stop``; an API server that is away is waited for."""
        while not self._stopping.is_set():
            problem = ""
            try:
                if self._leadership.is_leader:
                    self.round()
            except ClusterError as error:
                problem = str(error)
            except Exception:
                logger.exception("a round of the rollout controller failed")
            if problem and problem != self._said:
                log_to(logger, logging.WARNING, "round not ended", problem=problem)
            self._said = problem
            self._stopping.wait(every.total_seconds())

    def round(self) -> None:
        """Look once and move what may be moved. Raises ``ClusterError``."""
        objects, _ = self._client.list(rollouts.PATH)
        staged = [obj for obj in self._counting(objects) if is_staged(obj)]
        found, _ = self._client.list(NAMESPACES)
        namespaces = {n["metadata"]["name"]: n for n in found if not _ending(n)}
        labelling = Labelling(self._client, objects)
        if staged:
            world = self._world(namespaces)
            self._teller.begin_round()
            for obj in self._failed_last(staged):
                if not self._leadership.is_leader:
                    return
                self._guarded(obj, world, namespaces, labelling)
        self._release(labelling, namespaces)

    def _failed_last(self, staged: list[Json]) -> list[Json]:
        """In the order to go by: whose write may time out again keeps nobody waiting."""
        names = {obj["metadata"]["name"] for obj in staged}
        self._failed = {name: why for name, why in self._failed.items() if name in names}
        return sorted(staged, key=lambda obj: obj["metadata"]["name"] in self._failed)

    def _guarded(
        self, obj: Json, world: World, namespaces: Mapping[str, Json], labelling: Labelling
    ) -> None:
        """Move one rollout. Never raises: what is wrong with one keeps no other one where it is."""
        name, answered = obj["metadata"]["name"], True
        try:
            self._one(obj, world, namespaces, labelling)
        except ClusterError as error:
            problem, answered = str(error), error.status > 0
        except Exception as error:
            logger.exception("a rollout could not be moved")
            problem = f"a mistake of karb-guard: {type(error).__name__}"
        else:
            self._failed.pop(name, None)
            return
        if self._failed.get(name) != problem:
            log_to(logger, logging.WARNING, "rollout not moved", invariant=name, problem=problem)
        self._failed[name] = problem
        if answered:  # where no answer came, an Event would not get through either
            self._teller.warn(obj, problem, world.now)

    def _release(self, labelling: Labelling, namespaces: Mapping[str, Json]) -> None:
        """Take away the labels that no rollout asks for any more."""
        problems = []
        for namespace, manager in labelling.left(namespaces.values()):
            if not self._leadership.is_leader:
                return
            problem = pod_security.release(self._client, namespace, manager)
            name = namespace["metadata"]["name"]
            if problem:
                problems.append(f"{name}: {problem}")
            else:
                log_to(logger, logging.INFO, "labels released", namespace=name, manager=manager)
        said = "; ".join(problems)[:1000]
        if said and said != self._said_of_labels:
            log_to(logger, logging.WARNING, "labels not released", problem=said)
        self._said_of_labels = said

    def _counting(self, objects: list[Json]) -> list[Json]:
        """Of two objects about one invariant the older one, as readers of stages have it."""
        found: dict[str, Json] = {}
        for obj in sorted(objects, key=_age):
            invariant = (obj.get("spec") or {}).get("invariant")
            found.setdefault(self._sources.names.get(str(invariant), str(invariant)), obj)
        return list(found.values())

    def _world(self, namespaces: Mapping[str, Json]) -> World:
        scan = self._sources.scans.latest()
        scrape = scraped(self._sources.replicas, self._now)
        labels = {name: n["metadata"].get("labels") or {} for name, n in namespaces.items()}
        born = {name: _born(n) for name, n in namespaces.items()}
        return World(scrape.at, labels, scan, scrape, self._sources.names, born=born)

    def _one(
        self, obj: Json, world: World, namespaces: Mapping[str, Json], labelling: Labelling
    ) -> None:
        plan = advance(obj, world)
        # Labels follow what is stored, one round later: a status that is not written moves nothing.
        plan = labelling.follow(obj, plan, namespaces)
        if worth_writing(obj.get("status"), plan.status, self._written_every):
            try:
                written = {**obj, "status": plan.status}
                self._client.replace(f"{_path(obj)}/status", written)
            except ConflictError:
                return  # somebody was faster: the next round looks again
            for before, entry in plan.steps:
                fields = {"invariant": obj["metadata"]["name"], "namespace": entry.name}
                said = {"from": before.value if before else "", "to": entry.stage.value}
                why = {"step": entry.step.value, "why": entry.message}
                log_to(logger, logging.INFO, "stage", **fields, **said, **why)
        for entry in plan.entries:
            self._teller.tell(obj, entry, world.now)


def _path(obj: Json) -> str:
    return f"{rollouts.PATH}/{segment(obj['metadata']['name'])}"


def _age(obj: Json) -> tuple[str, str]:
    metadata = obj["metadata"]
    return str(metadata.get("creationTimestamp") or "9"), str(metadata["name"])


def _born(namespace: Json) -> Born:
    metadata = namespace["metadata"]
    return Born(str(metadata.get("uid") or ""), moment_of(metadata.get("creationTimestamp")))


def _ending(namespace: Json) -> bool:
    return bool(namespace["metadata"].get("deletionTimestamp"))
