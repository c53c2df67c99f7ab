"""Kubernetes Events (events.k8s.io/v1), written behind the reviews' back.

``post`` only puts something into a bounded queue: no review ever waits for an Event, and what
does not fit is dropped and counted. A thread of its own writes. Per object a token bucket limits
how much is written, as client-go's spam filter does, and a repetition of the same Event becomes
its ``series`` instead of another object (KEP-383, https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/).
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import logging
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any, Protocol

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.workloads.owners import controller_of
from webhook.logs import log
from webhook.metrics import Metrics

Json = dict[str, Any]

QUEUE_SIZE = 1000
"""Events that wait; about a kilobyte each."""
MAX_KEYS = 2000
"""Objects and series that are remembered; the least recently used ones are forgotten."""
BURST = 10
"""Writes about one object at once."""
REFILL_SECONDS = 60.0
"""One more write about it after each."""
TOTAL_BURST = 200
TOTAL_REFILL_SECONDS = 0.2
"""The same for all objects together: whoever invents owners must not keep the API server busy."""
MAX_OWNERS = 2
"""Owners of an owner that are told too: a ReplicaSet's Deployment, a Job's CronJob."""
SERIES_SECONDS = 360.0
"""A repetition within this time belongs to the series; afterwards it is an Event of its own."""
TIMEOUT_SECONDS = 5.0
MAX_NOTE_BYTES = 1024
"""The API server's limit for ``note``."""
MAX_WORD_CHARACTERS = 128
"""Its limit for ``reason`` and ``reportingInstance``."""
ACTION = "Admission"
"""What the reporting controller does, in one word."""
NORMAL, WARNING = "Normal", "Warning"
CONTROLLER = "karb.dev/karb-guard"
_CLUSTER_SCOPED_NAMESPACE = "default"
"""Where Events about cluster-scoped objects are stored."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """What an Event is about: an ObjectReference."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""

    def as_json(self) -> Json:
        """The API's form, without empty fields."""
        found = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
        }
        return {key: value for key, value in found.items() if value}


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell."""

    ref: Reference
    reason: str
    note: str
    type_: str
    owners: bool


class Poster(Protocol):
    """Where Events go: a recorder, or nowhere."""

    def post(
        self,
        ref: Reference,
        reason: str,
        note: str,
        type_: str = WARNING,
        owners: bool = False,
    ) -> None:
        """Tell about ``ref``; never waits, never raises.

        ``reason`` is an UpperCamelCase word, ``type_`` is ``Normal`` or
        ``Warning``; ``note`` is cut to 1,024 bytes. ``owners``: the controllers that own ``ref``
        (a ReplicaSet's Deployment) are told the same.
        """
        ...


class NoEvents:
    """No API server at hand, or Events are switched off."""

    def post(
        self,
        ref: Reference,
        reason: str,
        note: str,
        type_: str = WARNING,
        owners: bool = False,
    ) -> None:
        """Nobody is told."""


@dataclasses.dataclass(slots=True)
class _Bucket:
    """Writes that one object has left."""

    tokens: float
    at: float

    def take(self, burst: int, refill_seconds: float, now: float) -> bool:
        """Take one token; whether there was one."""
        self.tokens = min(float(burst), self.tokens + (now - self.at) / refill_seconds)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclasses.dataclass(slots=True)
class _Series:
    """An Event that was written, and how often it came since."""

    path: str
    count: int
    at: float


@contextlib.contextmanager
def recording(client: ClusterClient | None, metrics: Metrics) -> Iterator[Poster]:
    """Events while the context lasts; without a client nobody is told."""
    if client is None:
        yield NoEvents()
        return
    recorder = Recorder(client, socket.gethostname(), metrics)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()


class Owners:
    """Which controller owns a ReplicaSet or a Job; asked once and remembered for a while."""

    PATHS = MappingProxyType(
        {
            ("apps/v1", "ReplicaSet"): "/apis/apps/v1/namespaces/{}/replicasets/{}",
            ("batch/v1", "Job"): "/apis/batch/v1/namespaces/{}/jobs/{}",
        }
    )
    FORGET_SECONDS = 300.0

    def __init__(self, client: ClusterClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._known: collections.OrderedDict[Reference, tuple[float, Reference | None]] = (
            collections.OrderedDict()
        )

    def of(self, ref: Reference) -> Reference | None:
        """The owner, or ``None`` where there is none or it can't be told."""
        path = self.PATHS.get((ref.api_version, ref.kind))
        if path is None:
            return None
        asked, owner = self._known.get(ref, (-self.FORGET_SECONDS, None))
        now = self._clock()
        if now - asked < self.FORGET_SECONDS:
            return owner
        owner = self._ask(path.format(segment(ref.namespace), segment(ref.name)), ref)
        self._known[ref] = (now, owner)
        _forget(self._known)
        return owner

    def _ask(self, path: str, ref: Reference) -> Reference | None:
        try:
            found = self._client.get(path, timeout=TIMEOUT_SECONDS)
        except ClusterError as error:
            about = f"{ref.kind} {ref.name}"
            log(logging.WARNING, "owner not read", about=about, problem=str(error))
            return None
        metadata = (found or {}).get("metadata") or {}
        if metadata.get("uid") != ref.uid:  # another one of the same name, or a made-up reference
            return None
        return controller_reference(metadata, ref.namespace)


class Recorder:
    """Writes Events from a thread; use ``start`` and ``stop``."""

    def __init__(
        self,
        client: ClusterClient,
        instance: str,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        size: int = QUEUE_SIZE,
    ) -> None:
        """``instance`` names this process, such as the Pod's name; ``clock`` is in seconds."""
        self._client = client
        self._instance = instance[:MAX_WORD_CHARACTERS] or CONTROLLER
        self._metrics = metrics
        self._clock = clock
        self._queue: queue.Queue[Event | None] = queue.Queue(size)
        self._buckets: collections.OrderedDict[Reference, _Bucket] = collections.OrderedDict()
        self._series: collections.OrderedDict[Event, _Series] = collections.OrderedDict()
        self._total = _Bucket(TOTAL_BURST, clock())
        self._owners = Owners(client, clock)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def post(
        self,
        ref: Reference,
        reason: str,
        note: str,
        type_: str = WARNING,
        owners: bool = False,
    ) -> None:
        """See ``Poster``."""
        text = clip_bytes(note, MAX_NOTE_BYTES)
        event = Event(ref, _word(reason), text, type_, owners)
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._metrics.events.labels("queue-full").inc()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Write what waits, for ``seconds`` at most, and end."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._stopping = True
        self._thread.join(seconds)
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            event = self._queue.get()
            if event is None:
                return
            self._tell(event)

    def _tell(self, event: Event) -> None:
        """Write one Event, and the same for the owners of its object."""
        for _ in range(1 + MAX_OWNERS):
            self._metrics.events.labels(self._write(event)).inc()
            owner = self._owners.of(event.ref) if event.owners else None
            if owner is None:
                return
            event = dataclasses.replace(event, ref=owner)

    def _write(self, event: Event) -> str:
        """Write one Event; how it went, as the metric's label."""
        if not self._allowed(event.ref):
            series = self._series.get(event)
            if series is not None:
                series.count += 1  # the next write tells of it
            return "rate-limited"
        try:
            return self._repeat(event) or self._create(event)
        except ClusterError as error:
            about = f"{event.ref.kind} {event.ref.name}"
            log(logging.WARNING, "event not written", about=about, problem=str(error))
        except Exception:
            # An answer that nobody thought of must not end the thread.
            logging.getLogger(__name__).exception("event not written")
        return "failed"

    def _allowed(self, ref: Reference) -> bool:
        """Take a token of the object's bucket and one of everybody's."""
        now = self._clock()
        bucket = self._buckets.pop(ref, None) or _Bucket(BURST, now)
        self._buckets[ref] = bucket
        _forget(self._buckets)
        if not bucket.take(BURST, REFILL_SECONDS, now):
            return False
        return self._total.take(TOTAL_BURST, TOTAL_REFILL_SECONDS, now)

    def _repeat(self, event: Event) -> str | None:
        """Count in the series of an Event that was written; ``None`` where there is none."""
        series = self._series.get(event)
        if series is None:
            return None
        if self._clock() - series.at > SERIES_SECONDS:
            del self._series[event]
            return None
        count = series.count + 1
        change = {"series": {"count": count, "lastObservedTime": _now()}}
        try:
            self._client.merge(series.path, change, TIMEOUT_SECONDS)
        except ClusterError as error:
            if error.status != 404:  # it outlived the API server's --event-ttl
                raise
            del self._series[event]
            return None
        series.count, series.at = count, self._clock()
        self._series.move_to_end(event)
        return "series"

    def _create(self, event: Event) -> str:
        namespace = event.ref.namespace or _CLUSTER_SCOPED_NAMESPACE
        collection = f"/apis/events.k8s.io/v1/namespaces/{segment(namespace)}/events"
        document = self._document(event, namespace)
        self._client.create(collection, document, TIMEOUT_SECONDS)
        path = f"{collection}/{segment(document['metadata']['name'])}"
        self._series[event] = _Series(path, 1, self._clock())
        _forget(self._series)
        return "written"

    def _document(self, event: Event, namespace: str) -> Json:
        # Names are at most 253 characters; what is added makes them unique.
        name = f"{event.ref.name[:230].rstrip('.-')}.{secrets.token_hex(8)}"
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": _now(),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": ACTION,
            "reason": event.reason,
            "type": event.type_,
            "regarding": event.ref.as_json(),
            "note": event.note,
        }


def controller_reference(metadata: Json, namespace: str) -> Reference | None:
    """The controller that ``metadata.ownerReferences`` names, in ``namespace``."""
    found = controller_of(metadata)
    if found is None:
        return None
    parts = [found.get(key) for key in ("apiVersion", "kind", "name")]
    uid = found.get("uid")
    if not all(isinstance(part, str) and part for part in (*parts, uid)):
        return None
    api_version, kind, name = map(str, parts)
    return Reference(api_version, kind, name, namespace, str(uid))


def clip_bytes(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` bytes of UTF-8, with an ellipsis where something is cut."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"


def _word(text: str) -> str:
    return text[:MAX_WORD_CHARACTERS]


def _forget(known: collections.OrderedDict[Any, Any]) -> None:
    while len(known) > MAX_KEYS:
        known.popitem(last=False)


def _now() -> str:
    """A MicroTime."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
