"""Who is above an object that a controller makes: live looks, bounded, off the event loop.

Asked only when a request would be denied, and only for requests of controllers. What is known of
an owner's creation never changes, so it is remembered by uid.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.model.errors import KarbGuardError
from karb_guard.model.finding import ObjectRef
from karb_guard.workloads.owners import controller_of
from webhook.logs import log
from webhook.rules import plural

TIMEOUT_SECONDS = 1.0
"""For the whole chain."""
MAX_STEPS = 6
MAX_REMEMBERED = 10_000
THREADS = 4


class Owner(NamedTuple):
    """An object above another one."""

    ref: ObjectRef
    uid: str
    created: str
    """RFC 3339, as the API server wrote it."""
    above: Mapping[str, Any] | None
    """The reference to its own controller."""


class Owners(Protocol):
    """Where owners come from."""

    async def above(self, metadata: Mapping[str, Any], namespace: str) -> tuple[Owner, ...]:
        """The controllers above an object, nearest first; empty where one can't be found."""
        ...


class NoOwners:
    """No API server at hand."""

    async def above(self, _metadata: Mapping[str, Any], _namespace: str) -> tuple[Owner, ...]:
        """Nothing is known."""
        return ()


class LiveOwners:
    """Asks the API server, at most ``TIMEOUT_SECONDS`` a chain."""

    def __init__(
        self,
        get: Callable[[str, float], dict[str, Any] | None],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """``get`` (path, seconds) answers the object or ``None``; it may block and raise."""
        self._get = get
        self._timeout = timeout
        self._known: dict[str, Owner] = {}
        self._threads = ThreadPoolExecutor(THREADS, "owners")

    async def above(self, metadata: Mapping[str, Any], namespace: str) -> tuple[Owner, ...]:
        """The controllers above an object, nearest first; empty where one can't be found."""
        reference = controller_of(dict(metadata))
        if reference is None:
            return ()
        remembered = self._remembered(reference)
        if remembered is not None:
            return remembered
        loop = asyncio.get_running_loop()
        look = loop.run_in_executor(self._threads, self._chain, reference, namespace)
        try:
            return await asyncio.wait_for(look, self._timeout)
        except TimeoutError:
            return ()

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remembered(self, reference: Mapping[str, Any] | None) -> tuple[Owner, ...] | None:
        chain: list[Owner] = []
        while reference is not None:
            found = self._known.get(str(reference.get("uid")))
            if found is None or len(chain) >= MAX_STEPS:
                return None
            chain.append(found)
            reference = found.above
        return tuple(chain)

    def _chain(self, reference: Mapping[str, Any] | None, namespace: str) -> tuple[Owner, ...]:
        deadline = time.monotonic() + self._timeout
        chain: list[Owner] = []
        while reference is not None:
            left = deadline - time.monotonic()
            found = self._look(reference, namespace, left) if left > 0 else None
            if found is None or len(chain) >= MAX_STEPS:
                return ()
            chain.append(found)
            reference = found.above
        return tuple(chain)

    def _look(self, reference: Mapping[str, Any], namespace: str, seconds: float) -> Owner | None:
        """The owner that the reference names, if it is there with that uid."""
        version, kind, name, uid = (
            str(reference.get(key, "")) for key in ("apiVersion", "kind", "name", "uid")
        )
        if uid in self._known:
            return self._known[uid]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        where = f"{root}/namespaces/{segment(namespace)}/{plural(kind)}/{segment(name)}"
        try:
            obj = self._get(where, seconds)
        except KarbGuardError as error:
            log(logging.WARNING, "owner not read", owner=where, problem=str(error))
            return None
        metadata = (obj or {}).get("metadata") or {}
        if not uid or metadata.get("uid") != uid:
            return None  # gone, or another object of that name
        ref = ObjectRef(version, kind, name, namespace)
        created = str(metadata.get("creationTimestamp", ""))
        found = Owner(ref, uid, created, controller_of(metadata))
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[uid] = found
        return found


def owners_of(client: ClusterClient) -> LiveOwners:
    """Owners by an API server's answers."""
    return LiveOwners(lambda path, seconds: client.get(path, timeout=seconds))
