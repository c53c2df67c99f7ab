"""What decisions read of the cluster besides namespaces, as plain data, compiled where it is used.

``take`` may be called from any thread and only remembers; reviews compile what they need once a
change. Nothing here waits or does I/O.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from karb_guard.decisions import rollouts, waiver_objects, waivers
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.rollouts import Rollouts
from karb_guard.decisions.stages import StagePolicy
from karb_guard.decisions.waiver_objects import Lifetimes
from karb_guard.decisions.waivers import WaiverObjects
from webhook.logs import log
from webhook.metrics import Metrics

ROLLOUTS, WAIVERS, ENFORCEMENT = "invariantrollouts", "waivers", "enforcement"
COLLECTIONS = (ROLLOUTS, WAIVERS, ENFORCEMENT)

Items = Mapping[tuple[str, str], Any]
"""(namespace or ``""``, name) -> what the collection's ``project`` makes of an object."""


class ClusterObjects:
    """The newest state of each collection, and what was compiled of it."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics
        self._items: dict[str, Items] = {key: {} for key in COLLECTIONS}
        self._changes = dict.fromkeys(COLLECTIONS, 0)
        self._names: Mapping[str, str] | None = None
        self._policies: dict[bool, tuple[Any, StagePolicy]] = {}
        """With and without break-glass."""
        self._rollouts: tuple[Any, Rollouts] = ((), rollouts.NONE)
        self._waivers: tuple[Any, dict[str, list[Any]], dict[str, WaiverObjects]] = ((), {}, {})

    def take(self, collection: str, items: Items) -> None:
        """Remember the state of a collection; it may go on changing until the next call."""
        self._items[collection] = items
        self._changes[collection] += 1

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
