"""Follows one collection by list and watch, in a thread of its own, whatever happens to either."""

from __future__ import annotations

import logging
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

from karb_guard.cluster.client import ClusterClient, Json, WatchStream
from karb_guard.cluster.errors import ClusterError, ExpiredError

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
ABSENT_WAIT_SECONDS = 10.0
"""Between looks for a collection that is not there (no such resource) or that we may not read."""
SHORTEST_WATCH_SECONDS = 1.0
"""A watch that ends sooner, without an event, is not opened again at once."""

STARTING, SYNCED, ABSENT, FORBIDDEN, FAILING = (
    "starting",
    "synced",
    "absent",
    "forbidden",
    "failing",
)
STATES = (STARTING, SYNCED, ABSENT, FORBIDDEN, FAILING)


class Follower(ABC):
    """Lists a collection, watches it, and lists it anew when the watch is lost.

    Those who derive from it say what becomes of the objects.
    """

    longest_wait_seconds = LONGEST_WAIT_SECONDS

    def __init__(
        self, client: ClusterClient, path: str, query: Mapping[str, str] | None = None
    ) -> None:
        self._client = client
        self._path = path
        self._query = dict(query or {})
        self._synced = threading.Event()
        self._stopping = threading.Event()
        self._stream: WatchStream | None = None
        self.state = STARTING
        """One of ``STATES``: how the last attempt went."""
        self._thread = threading.Thread(target=self._run, name=f"watch {path}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch; what was seen stays readable."""
        self._stopping.set()
        self._hang_up()

    def wait(self, seconds: float) -> bool:
        """Wait for the first complete list; whether it came."""
        return self._synced.wait(seconds)

    @property
    def synced(self) -> bool:
        """Whether a complete list was read at some time."""
        return self._synced.is_set()

    @abstractmethod
    def _list(self) -> str:
        """Take the whole collection; the resource version to watch from."""

    @abstractmethod
    def _take(self, kind: str, obj: Json) -> None:
        """Take one event of the watch (``ADDED``, ``MODIFIED``, ``DELETED``)."""

    @abstractmethod
    def _gone(self) -> None:
        """Of a collection that is not there nothing is left."""

    @abstractmethod
    def _changed(self) -> None:
        """A list was taken, or the state is another one."""

    def _goes_on(self) -> bool:
        """Whether a watch that the server ended is opened again."""
        return not self._stopping.is_set()

    def _hang_up(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.close()

    def _run(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._follow()
            except ExpiredError:
                wait = FIRST_WAIT_SECONDS
                continue
            except ClusterError as error:
                if not self._stopping.is_set():
                    self._failed(error)
                if self.state in (ABSENT, FORBIDDEN):
                    wait = ABSENT_WAIT_SECONDS
            except Exception:
                # An answer that nobody thought of must not end the watch for good.
                logger.exception("%s: unexpected answer; trying again", self._path)
            if time.monotonic() - started > LONGEST_WAIT_SECONDS:
                wait = FIRST_WAIT_SECONDS
            self._stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            wait = min(wait * 2, self.longest_wait_seconds)

    def _failed(self, error: ClusterError) -> None:
        """Say it, once for what stays so."""
        state = {404: ABSENT, 403: FORBIDDEN, 401: FORBIDDEN}.get(error.status or 0, FAILING)
        if state == FAILING or state != self.state:
            self._say(error)
        changed, self.state = state != self.state, state
        if state == ABSENT:
            self._gone()
        if changed:
            self._changed()

    def _say(self, error: ClusterError) -> None:
        logger.warning("%s: %s; trying again", self._path, error)

    def _follow(self) -> None:
        """List, then watch for as long as the server lets us. Returns only by an error or stop."""
        version = self._list()
        self._synced.set()
        self.state = SYNCED
        self._changed()
        while self._goes_on():
            opened, seen = time.monotonic(), False
            self._stream = self._client.watch(self._path, version, self._query)
            for kind, obj in self._stream:
                seen = True
                version = str((obj.get("metadata") or {}).get("resourceVersion", version))
                if kind != "BOOKMARK":
                    self._take(kind, obj)
            if not seen and time.monotonic() - opened < SHORTEST_WATCH_SECONDS:
                # Whoever is between us and the API server ends what it holds for idle.
                self._stopping.wait(SHORTEST_WATCH_SECONDS)
