"""Which replica may write: leader election by a coordination Lease, as client-go does it.

A holder renews its Lease. Everybody else measures with a clock of their own how long the Lease has
looked the same, and takes it over after the duration that is written in it: times that other
machines wrote are never compared with ours, so that clocks may differ
(k8s.io/client-go/tools/leaderelection). Whoever could not renew for a while stops calling itself
leader before anybody else may start to. Writes are guarded by resourceVersions besides: a Lease
keeps two writers from working against each other, it is no lock.

A Lease that is let go or deleted is taken at once: a watch tells.
"""

from __future__ import annotations

import datetime
import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from karb_guard.cluster.client import ClusterClient, Json, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from karb_guard.cluster.logs import log_to
from karb_guard.cluster.reflector import Reflector

logger = logging.getLogger(__name__)

LONGEST_DURATION_SECONDS = 600
"""However long a Lease claims to be good, a dead holder keeps nobody waiting for longer."""
JITTER = 1.2
"""A follower waits up to this many retries more, so that replicas don't ask in step (client-go)."""

Clock = Callable[[], float]


class Leadership(Protocol):
    """What a writer asks before it writes."""

    @property
    def is_leader(self) -> bool:
        """Whether this process may write now. Never waits."""
        ...


class Alone:
    """The only replica there is: always the leader."""

    is_leader = True


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long what lasts, in seconds; the defaults are client-go's."""

    duration: int = 15
    """After so long without a renewal others take over."""
    renew_deadline: float = 10.0
    """After so long without a renewal the holder no longer calls itself leader."""
    retry: float = 2.0
    """Between attempts."""

    def __post_init__(self) -> None:
        if not 0 < self.retry < self.renew_deadline < self.duration <= LONGEST_DURATION_SECONDS:
            raise ValueError(f"lease times have to grow: retry, renew_deadline, duration: {self}")


def seconds_since_boot() -> float:
    """A clock that nobody sets; on Linux it also counts while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def own_identity() -> str:
    """A name for this process that no other has: host name (the Pod's) and a random end."""
    return f"{socket.gethostname()[:200]}_{os.getpid()}_{secrets.token_hex(4)}"


def collection(namespace: str) -> str:
    """The path of a namespace's Leases."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{segment(namespace)}/leases"


@dataclass(frozen=True, slots=True)
class Candidacy:
    """Which Lease is stood for, and as whom."""

    namespace: str
    name: str
    identity: str = field(default_factory=own_identity)
    times: LeaseTimes = LeaseTimes()
    owner: Json | None = None
    """An ownerReference: when that object goes, the Lease goes too."""


class Leader:
    """Takes part in an election, in a thread of its own."""

    def __init__(
        self,
        client: ClusterClient,
        candidacy: Candidacy,
        on_change: Callable[[bool], None] | None = None,
        clock: Clock = seconds_since_boot,
    ) -> None:
        """``on_change(is_leader)`` is called from the thread whenever that changes."""
        namespace, name = candidacy.namespace, candidacy.name
        self.identity = candidacy.identity
        self.name = name
        self._client = client
        self._collection = collection(namespace)
        self._path = f"{self._collection}/{segment(name)}"
        self._times = candidacy.times
        self._owner = candidacy.owner
        self._on_change = on_change or (lambda _: None)
        self._clock = clock
        self._told = False
        self._renewed_at: float | None = None
        self._seen: Json | None = None
        self._seen_at = 0.0
        self._failing = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._watch = Reflector(
            client,
            self._collection,
            _holder,
            {"fieldSelector": f"metadata.name={name}"},
            self._look,
        )
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    @property
    def is_leader(self) -> bool:
        """Whether this process holds the Lease and renewed it lately. Never waits."""
        renewed = self._renewed_at
        return renewed is not None and self._clock() < renewed + self._times.renew_deadline

    @property
    def holder(self) -> str:
        """Who held the Lease when it was last looked at; empty for nobody."""
        return _holder(self._seen) if self._seen is not None else ""

    def start(self) -> None:
        """Begin; returns at once."""
        self._watch.start()
        self._thread.start()

    def stop(self) -> None:
        """Take no further part, and let the Lease go so that another takes it at once."""
        self._stopping.set()
        self._wake.set()
        self._watch.stop()
        if self._thread.is_alive():
            self._thread.join(self._times.renew_deadline)
        self._release()

    def attempt(self) -> bool:
        """Take or renew the Lease once; whether we hold it now. Raises ``ClusterError``."""
        # Before the request: others count from when they see the renewal, which is later.
        started = self._clock()
        lease = self._client.get(self._path, timeout=self._timeout)
        self._observe(lease, started)
        if lease is not None and self._held_by_another(lease, started):
            self._renewed_at = None
            return False
        if lease is None:
            written = self._client.create(self._collection, self._fresh(), timeout=self._timeout)
        else:
            written = self._client.replace(self._path, self._ours(lease), timeout=self._timeout)
        self._observe(written, started)
        self._renewed_at = started
        return True

    @property
    def _timeout(self) -> float:
        return self._times.renew_deadline / 2

    def _observe(self, lease: Json | None, now: float) -> None:
        spec = None if lease is None else dict(lease.get("spec") or {})
        if self._seen is None or spec != self._seen.get("spec"):
            self._seen_at = now
        self._seen = None if spec is None else {"spec": spec}

    def _held_by_another(self, lease: Json, now: float) -> bool:
        if _holder(lease) in ("", self.identity):
            return False
        return now < self._seen_at + self._duration_of(lease)

    def _duration_of(self, lease: Json) -> float:
        claimed = (lease.get("spec") or {}).get("leaseDurationSeconds")
        if not isinstance(claimed, int) or claimed < 1:
            return self._times.duration
        return min(claimed, LONGEST_DURATION_SECONDS)

    def _fresh(self) -> Json:
        now = _now()
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.name,
                "labels": {"app.kubernetes.io/name": "karb-guard"},
                **({"ownerReferences": [self._owner]} if self._owner else {}),
            },
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": self._times.duration,
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }

    def _ours(self, lease: Json) -> Json:
        old, now = lease.get("spec") or {}, _now()
        spec = {
            **old,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._times.duration,
            "renewTime": now,
        }
        if _holder(lease) != self.identity:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(old.get("leaseTransitions") or 0) + 1
        return {**lease, "spec": spec}

    def _look(self) -> None:
        """The Lease changed: worth an attempt at once if nobody holds it."""
        if not self.is_leader and not any(self._watch.items.values()):
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._try()
            self._wake.wait(self._until_next())

    def _until_next(self) -> float:
        """Seconds to the next attempt: when the Lease runs out, if that is sooner."""
        if self.is_leader or self._seen is None:
            return self._times.retry
        jitter: float = random.random()  # noqa: S311 - replicas must not ask in step
        left = self._seen_at + self._duration_of(self._seen) - self._clock()
        return min(self._times.retry * (1 + JITTER * jitter), max(left, 0.0) + jitter / 4 + 0.01)

    def _try(self) -> None:
        try:
            self.attempt()
            self._failing = False
        except ConflictError:
            pass  # someone was faster: the next look says who
        except ClusterError as error:
            if not self._failing:  # once, not every two seconds of an outage
                log_to(
                    logger,
                    logging.WARNING,
                    "lease not renewed",
                    lease=self.name,
                    problem=str(error),
                )
            self._failing = True
        except Exception:
            logger.exception("lease not renewed")
        self._tell()

    def _tell(self) -> None:
        leads = self.is_leader
        if leads == self._told:
            return
        self._told = leads
        what = "leading" if leads else "no longer leading"
        log_to(
            logger, logging.INFO, what, lease=self.name, identity=self.identity, holder=self.holder
        )
        self._on_change(leads)

    def _release(self) -> None:
        held, self._renewed_at = self._renewed_at is not None, None
        self._tell()
        if not held:
            return
        try:
            lease = self._client.get(self._path, timeout=self._timeout)
            if lease is None or _holder(lease) != self.identity:
                return
            spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
            spec["renewTime"] = _now()
            self._client.replace(self._path, {**lease, "spec": spec}, timeout=self._timeout)
        except ClusterError as error:  # it runs out by itself
            log_to(logger, logging.INFO, "lease not let go", lease=self.name, problem=str(error))


def _holder(lease: Json) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
