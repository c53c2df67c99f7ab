"""Who is above an object that a controller makes: live looks, bounded, off the event loop.

Asked only when a request would be denied, and only for requests of controllers. What is known of
an owner's creation never changes, so it is remembered by uid.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from karb_guard.cluster.client import ClusterClient, object_path
from karb_guard.model.errors import KarbGuardError
from karb_guard.model.finding import ObjectRef
from karb_guard.workloads.owners import controller_of
from karb_guard.workloads.plural import plural
from webhook.logs import log
from webhook.looks import Looks
from webhook.rules import BUILT_IN_GROUPS

TIMEOUT_SECONDS = 1.0
"""For the whole chain."""
MAX_REMEMBERED = 10_000
THREADS = 4

_MADE_BY: Mapping[tuple[str, str], frozenset[tuple[str, str]]] = MappingProxyType(
    {
        ("apps", "ReplicaSet"): frozenset({("apps", "Deployment")}),
        ("apps", "StatefulSet"): frozenset(),
        ("batch", "Job"): frozenset({("batch", "CronJob")}),
        ("", "ReplicationController"): frozenset(),
    }
)
"""Kinds that controllers make -> Kubernetes' own kinds whose controllers make them; of operators'
kinds any may be above. Of nothing else is the reference to its own controller followed."""


class Owner(NamedTuple):
    """An object above another one."""

    ref: ObjectRef
    uid: str
    created: str
    """RFC 3339, as the API server wrote it."""
    above: Mapping[str, Any] | None
    """The reference to its own controller, where it is to be followed."""


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
        self._known: dict[str, Owner] = {}
        self._looks = Looks("owners", THREADS, timeout)

    async def above(self, metadata: Mapping[str, Any], namespace: str) -> tuple[Owner, ...]:
        """The controllers above an object, nearest first; empty where one can't be found."""
        reference = controller_of(dict(metadata))
        if reference is None:
            return ()
        remembered = self._remembered(reference, namespace)
        if remembered is not None:
            return remembered
        try:
            return await self._looks.within(self._chain, reference, namespace)
        except TimeoutError:
            return ()

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._looks.close()

    def _remembered(
        self, reference: Mapping[str, Any] | None, namespace: str
    ) -> tuple[Owner, ...] | None:
        chain: list[Owner] = []
        while reference is not None:
            found = self._recalled(reference, namespace)
            if found is None:
                return None
            chain.append(found)
            reference = found.above
        return tuple(chain)

    def _recalled(self, reference: Mapping[str, Any], namespace: str) -> Owner | None:
        """What is remembered of the uid, if the reference means that object in all it says."""
        found = self._known.get(str(reference.get("uid")))
        return found if found is not None and found.ref == _ref(reference, namespace) else None

    def _chain(self, reference: Mapping[str, Any] | None, namespace: str) -> tuple[Owner, ...]:
        deadline = time.monotonic() + self._looks.seconds
        chain: list[Owner] = []
        while reference is not None:
            left = deadline - time.monotonic()
            found = self._look(reference, namespace, left) if left > 0 else None
            if found is None:
                return ()
            chain.append(found)
            reference = found.above
        return tuple(chain)

    def _look(self, reference: Mapping[str, Any], namespace: str, seconds: float) -> Owner | None:
        """The owner that the reference names, if it is there with that uid."""
        recalled = self._recalled(reference, namespace)
        if recalled is not None:
            return recalled
        ref, uid = _ref(reference, namespace), str(reference.get("uid", ""))
        where = object_path(ref.api_version, namespace, plural(ref.kind), ref.name)
        try:
            obj = self._get(where, seconds)
        except KarbGuardError as error:
            log(logging.WARNING, "owner not read", owner=where, problem=str(error))
            return None
        metadata = (obj or {}).get("metadata") or {}
        if not uid or metadata.get("uid") != uid:
            return None  # gone, or another object of that name
        created = str(metadata.get("creationTimestamp", ""))
        found = Owner(ref, uid, created, _above(ref, metadata))
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[uid] = found
        return found


def _ref(reference: Mapping[str, Any], namespace: str) -> ObjectRef:
    version, kind, name = (str(reference.get(key, "")) for key in ("apiVersion", "kind", "name"))
    return ObjectRef(version, kind, name, namespace)


def _above(ref: ObjectRef, metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The reference of a stored object to follow; ``None`` where the object is the top.

    Who wrote a stored object can't be seen. What people write names whatever controller they like,
    an old one say, to pass for old; what only controllers make has been judged at its own door,
    without the word of anybody else.
    """
    makers = _MADE_BY.get((ref.api_version.rpartition("/")[0], ref.kind))
    reference = controller_of(metadata)
    if makers is None or reference is None:
        return None
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    followed = group not in BUILT_IN_GROUPS or (group, reference.get("kind")) in makers
    return reference if followed else None


def owners_of(client: ClusterClient) -> LiveOwners:
    """Owners by an API server's answers."""
    return LiveOwners(lambda path, seconds: client.get(path, timeout=seconds))
