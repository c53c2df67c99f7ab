"""Watches of the objects that decisions read; a collection that is not there blocks nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from karb_guard.cluster import reflector
from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.reflector import Reflector
from karb_guard.decisions import rollouts, waiver_objects
from webhook.metrics import Metrics
from webhook.neighbours import WATCHED
from webhook.objects import ENFORCEMENT, ROLLOUTS, WAIVERS, ClusterObjects

SYNC_SECONDS = 3.0
"""How long to wait for all of them before serving."""
READY_SECONDS = 60.0
"""How long readiness waits for what decisions go by, where it can't be read: what a rollout
enforces must not pass because its list failed once. Then labels and configuration decide, as they
would in a cluster that does not have these kinds: an API server in trouble must not lack the
webhook too."""

Json = dict[str, Any]


class Watches:
    """Feeds ``ClusterObjects`` from the API server."""

    def __init__(
        self,
        client: ClusterClient,
        objects: ClusterObjects,
        metrics: Metrics,
        record: tuple[str, str] | None = None,
    ) -> None:
        """``record`` names the ConfigMap (namespace, name) of the enforcement record."""
        self._client = client
        self._objects = objects
        self._metrics = metrics
        self._started: float | None = None
        self._seen: set[str] = set()
        self._reflectors = {
            ROLLOUTS: self._watch(ROLLOUTS, rollouts.PATH, rollouts.project),
            WAIVERS: self._watch(WAIVERS, waiver_objects.PATH, waiver_objects.project),
        }
        for name, collection in WATCHED.items():
            self._reflectors[name] = self._watch(name, collection.path, collection.kept)
        if record is not None:
            path = f"/api/v1/namespaces/{segment(record[0])}/configmaps"
            query = {"fieldSelector": f"metadata.name={record[1]}"}
            self._reflectors[ENFORCEMENT] = self._watch(ENFORCEMENT, path, _data, query)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch until the context ends; begins with a short wait for the first lists."""
        self._started = time.monotonic()
        for each in self._reflectors.values():
            each.start()
        try:
            deadline = self._started + SYNC_SECONDS
            while not all(map(_read, self._reflectors.values())) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield
        finally:
            for each in self._reflectors.values():
                each.stop()

    def missing(self) -> str | None:
        """What decisions go by and nobody could read yet; ``None`` after ``READY_SECONDS``."""
        if self._started is not None and time.monotonic() - self._started > READY_SECONDS:
            return None
        watched = [name for name in (ROLLOUTS, WAIVERS, ENFORCEMENT) if name in self._reflectors]
        unread = [name for name in watched if name not in self._seen]
        return f"not read yet: {', '.join(unread)}" if unread else None

    @property
    def settled(self) -> bool:
        """Whether rollouts were read, or are known not to be there."""
        return self._reflectors[ROLLOUTS].state in (reflector.SYNCED, reflector.ABSENT)

    def _watch(
        self,
        collection: str,
        path: str,
        project: Callable[[Json], object],
        query: dict[str, str] | None = None,
    ) -> Reflector:
        def changed() -> None:
            if _read(made):
                # What was not there once may be asked for in vain later, while an API server
                # restarts: no reason to go away together with it.
                self._seen.add(collection)
            known = made.state in (reflector.SYNCED, reflector.ABSENT)
            self._objects.take(collection, made.items, known=known)
            for state in reflector.STATES:
                self._metrics.watches.labels(collection, state).set(state == made.state)

        made = Reflector(self._client, path, project, query, changed)
        return made


def _read(watch: Reflector) -> bool:
    """Whether it was listed once, or can't be: it is not there, or not for us to read."""
    return watch.synced or watch.state in (reflector.ABSENT, reflector.FORBIDDEN)


def _data(obj: Json) -> Json:
    return dict(obj.get("data") or {})
