"""``Waiver`` objects in lint's input: they cover findings there as they do at admission.

What is wrong with a waiver itself (it can't be read, has expired, covers nothing) is a finding
about that document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard.decisions import waiver_objects, waivers
from karb_guard.decisions.waiver_objects import Lifetimes, NotCounting, WaiverObject
from karb_guard.decisions.waivers import Reach, WaiverObjects, WaiverOutcome, WaiverRules
from karb_guard.model.finding import Coverage, Evaluation, Finding

Key = tuple[str, str]
"""(namespace or ``""``, name)."""


@dataclass(slots=True)
class Uses:
    """What the waivers of one input did for the objects that were judged so far."""

    used: set[Key] = field(default_factory=set)
    """They cover a finding."""
    idle: set[Key] = field(default_factory=set)
    """They reach an object that their invariant judged."""
    open: set[Key] = field(default_factory=set)
    """They reach an object about which their invariant could not decide."""

    def add(self, other: Uses) -> None:
        """What they did elsewhere, too."""
        self.used |= other.used
        self.idle |= other.idle
        self.open |= other.open


class WaiverDocuments:
    """The waivers of one input, and which of them were of use."""

    def __init__(self, objects: Iterable[Mapping[str, Any]], rules: Lifetimes) -> None:
        found: dict[str, list[dict[str, Any]]] = {}
        for obj in objects:
            if waiver_objects.is_waiver(obj):
                projection = waiver_objects.project(obj)
                found.setdefault(projection["namespace"], []).append(projection)
        self._of = {
            namespace: WaiverObjects(*waiver_objects.read_all(projections, rules))
            for namespace, projections in found.items()
        }
        self._read: dict[Key, WaiverObject | NotCounting] = {}
        for known in self._of.values():
            self._read |= {(each.namespace, each.name): each for each in known.counting}
            self._read |= {(each.namespace, each.name): each for each in known.others}
        self.uses = Uses()

    def known(self, obj: Mapping[str, Any], evaluation: Evaluation) -> Evaluation:
        """The same evaluation; a waiver's kind is one that we know."""
        if self._of and waiver_objects.is_waiver(obj):
            return evaluation._replace(coverage=Coverage.KNOWN)
        return evaluation

    def reach(self, obj: Mapping[str, Any], evaluation: Evaluation) -> Reach | None:
        """The waivers of the object's namespace, and what they are held against."""
        objects = self._of.get(evaluation.object.namespace or "")
        if objects is None or waiver_objects.is_waiver(obj):
            return None
        owners = [evaluation.owner] if evaluation.owner is not None else []
        return Reach(objects, waiver_objects.subject_of(obj, evaluation, owners))

    def remember(self, evaluation: Evaluation, outcome: WaiverOutcome, reach: Reach) -> None:
        """Note which waivers were of use for one object."""
        self.uses.used |= {
            (each.waiver.namespace, each.waiver.name)
            for each in outcome.waived
            if isinstance(each.waiver, WaiverObject)
        }
        undecided = {unknown.name for unknown in evaluation.unknowns}
        for waiver in reach.objects.counting:
            if waiver_objects.reaches(waiver, reach.subject):
                unsure = evaluation.not_evaluated is not None or waiver.invariant in undecided
                (self.uses.open if unsure else self.uses.idle).add((waiver.namespace, waiver.name))

    def findings(
        self,
        obj: Mapping[str, Any],
        evaluation: Evaluation,
        rules: WaiverRules,
        *,
        complete: bool,
    ) -> Iterator[Finding]:
        """What is wrong with ``obj``, if it is a waiver. Ask once all objects are remembered.

        A waiver of a workload that is not in the input is called unused only where the input is
        ``complete``.
        """
        if not waiver_objects.is_waiver(obj):
            return
        projection = waiver_objects.project(obj)
        key = projection["namespace"], projection["name"]
        found = self._read.get(key)
        if isinstance(found, NotCounting) and found.cause in ("expired", "invalid"):
            name = waivers.EXPIRED if found.cause == "expired" else waivers.INVALID
            if rules.is_enabled(name):
                yield waivers.about_object(name, found.key, found.detail, rules, evaluation)
        elif isinstance(found, WaiverObject) and self._is_unused(key, complete=complete):
            where = "in the workloads it names"
            if found.container:
                where = f"in a container {found.container} of the workloads it names"
            detail = {"invariant": found.invariant, "where": where}
            if rules.is_enabled(waivers.UNUSED) and rules.is_enabled(found.invariant):
                yield waivers.about_object(waivers.UNUSED, found.key, detail, rules, evaluation)

    def _is_unused(self, key: Key, *, complete: bool) -> bool:
        if key in self.uses.used or key in self.uses.open:
            return False
        return complete or key in self.uses.idle
