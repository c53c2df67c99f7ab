"""What a change in the cluster makes worth a second look, and when it is looked at."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from audit.plan import POD, Plan
from karb_guard.evaluation.slices.reads import NAMESPACE, GroupKind

QUIET_SECONDS = 0.7
"""Without a further change: a rollout is a dozen of changes within a second."""
LONGEST_SECONDS = 4.0
"""After the first change, however many follow."""
REST = 3.0
"""Times that a look at everything took, before the next one: a quarter of one processor at most."""
MAX_NAMESPACES = 200
"""Namespaces that are looked at one by one; with more, everything is."""

Json = Mapping[str, Any]

_OWN = frozenset({"managedFields", "resourceVersion", "generation", "selfLink"})
"""Metadata that differs at every write."""
_OF_STATUS: Mapping[GroupKind, frozenset[str]] = {
    ("", "Node"): frozenset({"capacity", "allocatable", "nodeInfo"}),
    POD: frozenset({"phase"}),
    ("resource.k8s.io", "ResourceClaim"): frozenset({"allocation", "reservedFor", "devices"}),
}
"""Fields of a status that decide something; of anything else the conditions do, without their
times and words."""
_OF_CONDITIONS = ("type", "status", "reason")
_WITH_CONDITIONS = frozenset(
    {("autoscaling", "HorizontalPodAutoscaler"), ("apiregistration.k8s.io", "APIService")}
)


class Scopes(NamedTuple):
    """What is to be judged again."""

    everything: bool = False
    namespaces: frozenset[str] = frozenset()
    """The empty name is what is in none."""


def essence(kind: GroupKind, obj: Json) -> bytes:
    """A digest of what a verdict can depend on: equal for two heartbeats of a Node."""
    metadata = obj.get("metadata")
    known = metadata if isinstance(metadata, Mapping) else {}
    content = [
        {key: value for key, value in obj.items() if key not in ("metadata", "status")},
        {key: value for key, value in known.items() if key not in _OWN},
        _told(kind, obj.get("status")),
    ]
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(text, digest_size=16).digest()


def _told(kind: GroupKind, status: object) -> object:
    if not isinstance(status, Mapping):
        return None
    if kind in _OF_STATUS:
        return {key: status[key] for key in _OF_STATUS[kind] if key in status} or None
    conditions = status.get("conditions")
    if kind not in _WITH_CONDITIONS or not isinstance(conditions, list):
        return None
    return [
        [each.get(key) for key in _OF_CONDITIONS]
        for each in conditions
        if isinstance(each, Mapping)
    ]


def place_of(kind: GroupKind, namespace: str, name: str) -> str:
    """The namespace that an object is judged with: a Namespace with its own."""
    return name if kind == NAMESPACE else namespace


def is_far_reaching(plan: Plan, kind: GroupKind, *, namespaced: bool) -> bool:
    """Whether a verdict in any namespace may rest on an object of the kind."""
    return kind in plan.everywhere or (not namespaced and kind in plan.context)


class Dirt:
    """Gathers what changed until it is time to look. Not thread-safe: a lock guards it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._everything = False
        self._names: set[str] = set()
        self._first: float | None = None
        self._last = 0.0
        self._rested = 0.0
        """When everything may be looked at again."""

    def mark(self, *namespaces: str) -> None:
        """These changed."""
        self._touch()
        self._names.update(namespaces)
        self._everything = self._everything or len(self._names) > MAX_NAMESPACES

    def mark_everything(self) -> None:
        """Something changed that may be read anywhere."""
        self._touch()
        self._everything = True

    def _touch(self) -> None:
        self._last = self._clock()
        if self._first is None:
            self._first = self._last

    def due(self) -> float | None:
        """Seconds until it is time to look, 0 or less if it is; ``None`` if nothing changed."""
        if self._first is None:
            return None
        at = min(self._last + QUIET_SECONDS, self._first + LONGEST_SECONDS)
        if self._everything and not self._names:
            at = max(at, self._rested)
        return at - self._clock()

    def take(self) -> Scopes:
        """What to look at now, and forget it.

        While everything is to be looked at and must not yet, the namespaces that changed
        themselves come first.
        """
        if self._everything and self._clock() < self._rested:
            taken = Scopes(namespaces=frozenset(self._names))
            self._names = set()
            return taken
        taken = Scopes(self._everything, frozenset(self._names))
        self._everything, self._names, self._first = False, set(), None
        return taken

    def rest(self, seconds: float) -> None:
        """A look at everything took so long."""
        self._rested = self._clock() + REST * seconds
