"""Since when an invariant is enforced in a namespace: a small record that survives restarts.

A ConfigMap of the webhook's namespace, written by the leader alone. A key is a namespace, its value
JSON: ``{"2026-01-31T10:00:00Z": ["res-mem", "img-tag"]}``. What is no longer enforced is forgotten.
Where the record says nothing (there is none, it is full, enforcement began a moment ago), what
counts is the moment at which this process needed to know first: workloads from before are spared.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.leases import Leadership
from karb_guard.decisions.stages import StageDecision
from karb_guard.model.stage import Stage
from webhook.logs import log
from webhook.objects import ClusterObjects

MAX_BYTES = 900_000
"""Of the record; a ConfigMap holds 1 MiB. Namespaces beyond are not recorded."""
SECONDS = 5.0
"""Between looks at what is enforced."""
MAX_REMEMBERED = 10_000

Times = Mapping[str, str]
"""Invariant's short name -> RFC 3339."""


def now_text() -> str:
    """The time in UTC, to the second, as the API server writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class EnforcedSince:
    """Answers since when, from rollouts, the record, or memory. Never waits."""

    def __init__(self, objects: ClusterObjects, now: Callable[[], str] = now_text) -> None:
        self._objects = objects
        self._now = now
        self._first: dict[tuple[str, str], str] = {}
        self._began = now()

    def of(self, namespace: str, name: str, decision: StageDecision) -> str:
        """RFC 3339."""
        if decision.since is not None:
            return decision.since
        recorded = times_of(self._objects.record().get(namespace)).get(name)
        if recorded is not None:
            return recorded
        known = self._first.get((namespace, name))
        if known is not None:
            return known
        # Forgetting would let "now" begin anew, and spare all that was denied until then. What is
        # asked for beyond begins with the process instead: earlier than its truth, if anything.
        if len(self._first) >= MAX_REMEMBERED:
            return self._began
        return self._first.setdefault((namespace, name), self._now())


def times_of(value: Any) -> Times:
    """One entry of the record; what can't be read is as if absent."""
    try:
        written = orjson.loads(value) if isinstance(value, str) else {}
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(written, dict):
        return {}
    return {
        name: since
        for since, names in written.items()
        if isinstance(names, list)
        for name in names
        if isinstance(name, str)
    }


def updated(
    record: Mapping[str, Any], enforced: Mapping[str, frozenset[str]], now: str
) -> dict[str, str]:
    """The record after a look: what was there keeps its time, what is new begins ``now``."""
    found: dict[str, str] = {}
    room = MAX_BYTES
    for namespace in sorted(enforced, key=lambda name: (name not in record, name)):
        if not enforced[namespace]:
            continue
        known = times_of(record.get(namespace))
        by_time: dict[str, list[str]] = {}
        for name in sorted(enforced[namespace]):
            by_time.setdefault(known.get(name, now), []).append(name)
        text = orjson.dumps(by_time, option=orjson.OPT_SORT_KEYS).decode()
        room -= len(namespace) + len(text)
        if room < 0:
            break
        found[namespace] = text
    return found


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """The ConfigMap."""

    namespace: str
    name: str

    @property
    def collection(self) -> str:
        """The path to create it at."""
        return f"/api/v1/namespaces/{segment(self.namespace)}/configmaps"

    @property
    def path(self) -> str:
        """The path of the object."""
        return f"{self.collection}/{segment(self.name)}"


class RecordKeeper:
    """Keeps the record, in a thread of its own, while this process leads."""

    def __init__(
        self,
        client: ClusterClient,
        place: RecordPlace,
        enforced: Callable[[], Mapping[str, frozenset[str]] | None],
        leadership: Leadership,
    ) -> None:
        """``enforced`` gives namespace -> enforced invariants; ``None`` while nobody knows."""
        self._client = client
        self._place = place
        self._enforced = enforced
        self._leadership = leadership
        self._stopping = threading.Event()
        self._said = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Look every few seconds until the context ends."""
        thread = threading.Thread(target=self._run, name="enforcement", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()

    def keep(self) -> bool:
        """One look; whether the record had to be written. Raises ``ClusterError``."""
        enforced = self._enforced() if self._leadership.is_leader else None
        if enforced is None:
            return False
        stored = self._client.get(self._place.path)
        record = (stored or {}).get("data") or {}
        wanted = updated(record, enforced, now_text())
        if wanted == record and stored is not None:
            return False
        if not self._leadership.is_leader:
            return False
        if stored is None:
            self._client.create(self._place.collection, self._object(wanted))
        else:
            self._client.replace(self._place.path, {**stored, "data": wanted})
        return True

    def _object(self, data: Mapping[str, str]) -> dict[str, Any]:
        metadata = {
            "name": self._place.name,
            "namespace": self._place.namespace,
            "labels": {"app.kubernetes.io/part-of": "karb-guard"},
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}

    def _run(self) -> None:
        while not self._stopping.is_set():
            problem = ""
            try:
                self.keep()
            except ClusterError as error:
                problem = str(error)
            except Exception:
                logging.getLogger(__name__).exception("the enforcement record was not kept")
            if problem and problem != self._said:
                log(logging.WARNING, "enforcement record not written", problem=problem)
            self._said = problem
            self._stopping.wait(SECONDS)


def enforced_in(stages: Mapping[str, StageDecision], enabled: frozenset[str]) -> frozenset[str]:
    """The enabled invariants that are enforced."""
    return frozenset(n for n in enabled if n in stages and stages[n].stage is Stage.ENFORCE)
