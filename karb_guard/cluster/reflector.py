"""Keeps a copy of one collection by list and watch, in a thread of its own."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping

from karb_guard.cluster.client import ClusterClient, Json, WatchStream
from karb_guard.cluster.errors import ClusterError, ExpiredError

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
ABSENT_WAIT_SECONDS = 10.0
"""Between looks for a collection that is not there (no such resource) or that we may not read."""

STARTING, SYNCED, ABSENT, FORBIDDEN, FAILING = (
    "starting",
    "synced",
    "absent",
    "forbidden",
    "failing",
)
STATES = (STARTING, SYNCED, ABSENT, FORBIDDEN, FAILING)

_NOTHING = object()

Key = tuple[str, str]
"""(namespace or ``""``, name)."""


class Reflector:
    """A read-only copy of a collection, projected object by object.

    ``project`` keeps what its users need (labels, a spec) so that the copy stays small. Readers
    get the map as it is at that moment; it is replaced on relisting and changed one key at a time.
    ``on_change`` is called from the thread after each change.
    """

    def __init__(
        self,
        client: ClusterClient,
        path: str,
        project: Callable[[Json], object],
        query: Mapping[str, str] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._client = client
        self._path = path
        self._project = project
        self._query = dict(query or {})
        self._on_change = on_change or (lambda: None)
        self._items: dict[Key, object] = {}
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
        """End the watch; the copy stays readable."""
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def wait(self, seconds: float) -> bool:
        """Wait for the first complete list; whether it came."""
        return self._synced.wait(seconds)

    @property
    def synced(self) -> bool:
        """Whether a complete list was read at some time."""
        return self._synced.is_set()

    @property
    def items(self) -> Mapping[Key, object]:
        """The copy. Don't change it."""
        return self._items

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
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    def _failed(self, error: ClusterError) -> None:
        """Say it, once for what stays so; of a collection that is not there nothing is left."""
        state = {404: ABSENT, 403: FORBIDDEN, 401: FORBIDDEN}.get(error.status or 0, FAILING)
        if state == FAILING or state != self.state:
            logger.warning("%s: %s; trying again", self._path, error)
        changed, self.state = state != self.state, state
        if state == ABSENT:
            self._items = {}
        if changed:
            self._on_change()

    def _follow(self) -> None:
        """List, then watch for as long as the server lets us. Returns only by an error or stop."""
        items, version = self._client.list(self._path, self._query)
        self._items = {_key(item): self._project(item) for item in items}
        self._synced.set()
        self.state = SYNCED
        self._on_change()
        while not self._stopping.is_set():
            self._stream = self._client.watch(self._path, version, self._query)
            for kind, obj in self._stream:
                version = str((obj.get("metadata") or {}).get("resourceVersion", version))
                self._take(kind, obj)

    def _take(self, kind: str, obj: Json) -> None:
        if kind == "BOOKMARK":
            return
        key = _key(obj)
        if kind == "DELETED":
            if self._items.pop(key, _NOTHING) is _NOTHING:
                return
        else:
            projected = self._project(obj)
            if self._items.get(key, _NOTHING) == projected:
                return  # a status, a heartbeat: nothing that anybody reads
            self._items[key] = projected
        self._on_change()


def _key(obj: Json) -> Key:
    metadata = obj.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
