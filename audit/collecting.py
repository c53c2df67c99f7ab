"""Takes what a cluster or a dump holds, and keeps of it what judging needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from audit.folding import Json, controller_key, likeness
from audit.plan import POD, Plan
from audit.spool import Entry, Spool
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.inventory.keys import key_of, namespace_of
from karb_guard.model.audit import Missing
from karb_guard.model.report import Problem

_BULKY_STATUS = frozenset({"images", "conditions", "volumesAttached", "volumesInUse"})
"""Of a Node: nobody reads them, and they are most of it."""


@dataclass(slots=True)
class Collected:
    """Everything that was listed."""

    pinned: list[Json] = field(default_factory=list)
    """What is of no namespace, and what is looked for across namespaces."""
    listed: set[GroupKind] = field(default_factory=set)
    absent: Callable[[str, str], bool] = lambda _group, _kind: False
    """Whether a kind that was not listed is known not to exist."""
    missing: list[Missing] = field(default_factory=list)
    unlisted: set[GroupKind] = field(default_factory=set)
    """Kinds that are needed and could not be listed."""
    problems: list[Problem] = field(default_factory=list)
    not_objects: int = 0
    """Values of an export that are no Kubernetes objects: said, and no problem."""

    def is_listed(self, group: str, kind: str) -> bool:
        """Whether nothing of the kind is hidden from this scan."""
        key = (group, kind)
        return key not in self.unlisted and (key in self.listed or self.absent(group, kind))


class Batch:
    """The objects of one list, which count once the list is complete."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._pinned: list[Json] = []
        self._entries: dict[str, list[Entry]] = {}
        self._pods: dict[tuple[str, object, bytes], list[int]] = {}
        self._problems: list[Problem] = []

    def take(self, objects: Iterable[Json]) -> None:
        """Add objects of any kinds, each with apiVersion and kind."""
        plan = self._collector.plan
        for obj in objects:
            key = key_of(obj)
            if key is None or plan.skips(obj, *key[:2]):
                continue
            group, kind, namespace, _ = key
            slim = without_bulk(obj)
            if namespace is None or plan.pins(group, kind):
                self._pinned.append(slim)
            elif (group, kind) == POD:
                self._take_pod(slim, namespace)
            else:
                self._write(slim, namespace)

    def commit(self) -> None:
        """Let all of it count."""
        collected, spool = self._collector.collected, self._collector.spool
        collected.pinned += self._pinned
        collected.problems += self._problems
        for namespace, entries in self._entries.items():
            spool.place(namespace, entries)
        pods: dict[str, list[Entry]] = {}
        for (namespace, _, _), (offset, size, count) in self._pods.items():
            pods.setdefault(namespace, []).append(Entry(offset, size, count))
        for namespace, entries in pods.items():
            spool.place(namespace, entries)

    def _take_pod(self, pod: Json, namespace: str) -> None:
        """Pods of one controller that are alike are kept once."""
        owner = controller_key(pod)
        if owner is None:
            self._write(pod, namespace)
            return
        try:
            like = likeness(pod, self._collector.bound(pod))
        except TypeError:
            self._write(pod, namespace)  # which says what is wrong with it
            return
        known = self._pods.get((namespace, owner, like))
        if known is not None:
            known[2] += 1
        elif (place := self._text_of(pod)) is not None:
            self._pods[namespace, owner, like] = [*place, 1]

    def _write(self, obj: Json, namespace: str) -> None:
        place = self._text_of(obj)
        if place is not None:
            self._entries.setdefault(namespace, []).append(Entry(*place, 1))

    def _text_of(self, obj: Json) -> tuple[int, int] | None:
        try:
            text = orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS)
        except TypeError as error:
            message = f"it can't be written as JSON: {error}"
            place = (file_of(obj), None, None)
            where = namespace_of(obj) or ""
            self._problems.append(Problem(*place, message, "not-evaluated", namespace=where))
            return None
        return self._collector.spool.write(text)


class Collector:
    """Fills ``Collected`` and the spool."""

    def __init__(self, plan: Plan, spool: Spool, bound: Callable[[Json], object]) -> None:
        """``bound``: what is known of the node that a pod runs on (see ``folding.likeness``)."""
        self.plan = plan
        self.spool = spool
        self.bound = bound
        self.collected = Collected()

    def batch(self) -> Batch:
        """For the objects of one list."""
        return Batch(self)

    def miss(self, what: str, kind: GroupKind, reason: str, namespace: str | None = None) -> None:
        """Note that a kind could not be listed, as a whole or in one namespace."""
        self.collected.unlisted.add(kind)
        undecided = self.plan.undecided(kind)
        self.collected.missing.append(Missing(what, reason, undecided, kind, namespace))


def without_bulk(obj: Json) -> Json:
    """The object without what no invariant reads: who wrote which field, a node's images."""
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
    status = obj.get("status")
    if obj.get("kind") == "Node" and isinstance(status, dict):
        obj["status"] = {k: v for k, v in status.items() if k not in _BULKY_STATUS}
    return obj


def file_of(obj: Mapping[str, Any]) -> str:
    """``namespace/Kind/name``: where a report says that an object is."""
    key = key_of(obj)
    if key is None:
        return "(no kind)"
    _, kind, namespace, name = key
    return "/".join(part for part in (namespace, kind, name or "(no name)") if part)
