"""What decisions read of the cluster besides namespaces, as plain data, compiled where it is used.

``take`` may be called from any thread and only remembers; reviews compile what they need once a
change. Nothing here waits or does I/O.
"""

from __future__ import annotations

import datetime
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.decisions import rollouts, waiver_objects, waivers
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.rollouts import Rollouts
from karb_guard.decisions.stages import StagePolicy
from karb_guard.decisions.waiver_objects import Lifetimes
from karb_guard.decisions.waivers import WaiverObjects
from webhook.logs import log
from webhook.metrics import Metrics

ROLLOUTS, WAIVERS, ENFORCEMENT = "invariantrollouts", "waivers", "enforcement"


Items = Mapping[tuple[str, str], Any]
"""(namespace or ``""``, name) -> what the collection's ``project`` makes of an object."""


class Collection(NamedTuple):
    """A collection whose objects are kept as they are (``kept``)."""

    path: str
    api_version: str
    kind: str

    def kept(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of one: no status, which changes all the time, and no bookkeeping.

        Items of a list don't repeat their kind.
        """
        metadata = obj.get("metadata")
        told = metadata if isinstance(metadata, Mapping) else {}
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {key: told[key] for key in _KEPT if key in told},
            "spec": obj.get("spec"),
        }


_KEPT = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",  # of two autoscalers the later one is told
    "labels",
    "annotations",
    "ownerReferences",
)


class ClusterObjects:
    """The newest state of each collection, and what was compiled of it."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics
        self._items: dict[str, Items] = defaultdict(dict)
        self._changes: dict[str, int] = defaultdict(int)
        self._known: dict[str, bool] = {}
        self._placed: dict[str, tuple[int, dict[str, list[Any]]]] = {}
        self._names: Mapping[str, str] | None = None
        self._policies: dict[bool, tuple[Any, StagePolicy]] = {}
        """With and without break-glass."""
        self._rollouts: tuple[Any, Rollouts] = ((), rollouts.NONE)
        self._waivers: tuple[Any, dict[str, list[Any]], dict[str, WaiverObjects]] = ((), {}, {})

    def take(self, collection: str, items: Items, *, known: bool = True) -> None:
        """Remember the state of a collection; it may go on changing until the next call.

        ``known``: it is what the cluster has now, as far as anybody can tell.
        """
        self._items[collection] = items
        self._known[collection] = known
        self._changes[collection] += 1

    def knows(self, collections: Iterable[str]) -> bool:
        """Whether each of ``collections`` is as the cluster has it."""
        return all(self._known.get(each, False) for each in collections)

    def in_namespace(self, collection: str, namespace: str) -> Sequence[Any]:
        """The items of a collection in a namespace; sorted out once a change."""
        changes = self._changes[collection]
        placed = self._placed.get(collection)
        if placed is None or placed[0] != changes:
            sorted_out: dict[str, list[Any]] = {}
            for (where, _), item in self._copy(collection).items():
                sorted_out.setdefault(where, []).append(item)
            placed = self._placed[collection] = (changes, sorted_out)
        return placed[1].get(namespace, ())

    def record(self) -> Mapping[str, Any]:
        """The ``data`` of the enforcement record; empty where there is none."""
        return next(iter(self._copy(ENFORCEMENT).values()), {})

    def stages(self, base: StagePolicy, broken: BreakGlass | None = None) -> StagePolicy:
        """``base`` with the rollouts, and with break-glass where it is on for some invariants."""
        key = (base, self._changes[ROLLOUTS], broken)
        kept = self._policies.get(broken is None)
        if kept is None or kept[0] != key:
            kept = (key, base.with_cluster(self.rollouts(base), broken))
            self._policies[broken is None] = kept
        return kept[1]

    def stages_for_record(self, base: StagePolicy) -> StagePolicy:
        """As ``stages``, without break-glass, for another thread than that of the reviews."""
        return base.with_cluster(rollouts.compiled(self._copy(ROLLOUTS).values(), base.names))

    def rollouts(self, base: StagePolicy) -> Rollouts:
        """The rollouts, compiled; what is wrong with one is logged once a change."""
        key = (base, self._changes[ROLLOUTS])
        if self._rollouts[0] != key:
            found = rollouts.compiled(self._copy(ROLLOUTS).values(), base.names)
            self._rollouts = (key, found)
            self._tell(found)
        return self._rollouts[1]

    def waivers(
        self, namespace: str, names: Mapping[str, str], today: datetime.date, max_days: int
    ) -> WaiverObjects | None:
        """The waivers of a namespace on a day; ``None`` where it has none."""
        if not self._items[WAIVERS]:
            return None
        key = (self._changes[WAIVERS], today, max_days)
        if self._waivers[0] != key or self._names is not names:
            self._names = names
            by_namespace: dict[str, list[Any]] = {}
            for (where, _), projection in self._copy(WAIVERS).items():
                by_namespace.setdefault(where, []).append(projection)
            self._waivers = (key, by_namespace, {})
        _, written, compiled = self._waivers
        if namespace not in written:
            return None
        if namespace not in compiled:
            rules = Lifetimes(names, today, max_days, waivers.ABOUT_WAIVERS)
            found = WaiverObjects(*waiver_objects.read_all(written[namespace], rules))
            compiled[namespace] = found
        return compiled[namespace]

    def _tell(self, found: Rollouts) -> None:
        for problem in found.problems:
            log(logging.WARNING, "rollout not heeded", problem=str(problem))
        if self._metrics is None:
            return
        causes = [problem.cause for problem in found.problems]
        for cause in rollouts.CAUSES:
            self._metrics.rollout_problems.labels(cause).set(causes.count(cause))

    def _copy(self, collection: str) -> dict[tuple[str, str], Any]:
        # One step of the interpreter, as the owner of the map may be changing it in its thread.
        return dict(self._items[collection])
