"""What of a cluster a scan needs, derived from what is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard.decisions import rollouts, waiver_objects
from karb_guard.evaluation.slices.reads import (
    BINDINGS,
    FACTS,
    NAMESPACE,
    RBAC_FACTS,
    GroupKind,
    Reads,
    reads_of,
)
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.workloads import ROWS
from karb_guard.workloads.podless import carries_no_pods

POD: GroupKind = ("", "Pod")
WAIVER: GroupKind = (waiver_objects.GROUP, waiver_objects.KIND)
ROLLOUT: GroupKind = (rollouts.GROUP, rollouts.KIND)
_OURS = frozenset({WAIVER, ROLLOUT})


@dataclass(frozen=True, slots=True)
class Plan:
    """Which kinds are listed, which of their objects stay at hand, and who misses one."""

    judges_pods: bool
    """Whether an invariant is about pods, so that whatever carries some is judged."""
    matched: frozenset[GroupKind]
    """Kinds that an invariant names."""
    reads: Mapping[str, Reads]
    """Context key -> what its slice reads, of the keys that are asked for."""
    askers: Mapping[str, tuple[str, ...]]
    """Context key -> short names of the invariants that ask for it."""
    by_kind: Mapping[str, tuple[str, ...]]
    """Match value (``pods``, ``apps/Deployment``) -> short names."""
    context: frozenset[GroupKind] = frozenset()
    """Kinds that are read beside the judged ones."""
    everywhere: frozenset[GroupKind] = frozenset()
    """Of these, what is looked for across namespaces."""
    labelled: Mapping[GroupKind, str] = field(default_factory=dict)
    """Kinds of which only objects with some label are read, and the label selector."""

    @property
    def needs_workloads(self) -> bool:
        """Whether what carries pods is listed: it is judged, or context is made of it."""
        return self.judges_pods or any(reads.workloads for reads in self.reads.values())

    def carries(self, group: str, kind: str) -> bool:
        """Whether the kind is known to carry pods."""
        return (group, kind) in ROWS

    def names(self, group: str, kind: str) -> bool:
        """Whether the kind is listed because it is known to be needed."""
        key = (group, kind)
        if key in self.matched or key in self.context or key in _OURS:
            return True
        return self.needs_workloads and key in ROWS

    def may_carry(self, group: str, kind: str) -> bool:
        """Whether nobody here knows the kind, so that it may carry pods."""
        return self.needs_workloads and not self.names(group, kind) and self._unknown(group, kind)

    def _unknown(self, group: str, kind: str) -> bool:
        return (group, kind) not in ROWS and not carries_no_pods(group, kind)

    def pins(self, group: str, kind: str) -> bool:
        """Whether its objects stay at hand during the whole scan, whatever their namespace."""
        return (group, kind) in self.everywhere or (group, kind) in _OURS

    def selector(self, group: str, kind: str) -> str | None:
        """The label selector that a kind is listed with."""
        key = (group, kind)
        return None if key in self.matched else self.labelled.get(key)

    def skips(self, obj: Mapping[str, Any], group: str, kind: str) -> bool:
        """Whether an object lacks the label with which its kind is read."""
        selector = self.selector(group, kind)
        if selector is None:
            return False
        key, _, value = selector.partition("=")
        metadata = obj.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
        return not isinstance(labels, Mapping) or labels.get(key) != value

    def judges(self, group: str, kind: str) -> bool:
        """Whether objects of the kind get a verdict, where they carry pods or not."""
        return self.judges_pods or (group, kind) in self.matched

    def unsupplied(self, unlisted: Iterable[GroupKind]) -> frozenset[str]:
        """The context keys that can't be supplied without these kinds."""
        return frozenset(key for kind in unlisted for key in self._keys_with(kind))

    def undecided(self, kind: GroupKind) -> tuple[str, ...]:
        """The invariants that can't decide everything without the objects of a kind."""
        names = {name for key in self._keys_with(kind) for name in self.askers.get(key, ())}
        names |= set(self.by_kind.get("/".join(kind), ()))
        if kind in ROWS or self._unknown(*kind):
            names |= set(self.by_kind.get(PODS_GROUP, ()))
        return tuple(sorted(names))

    def _keys_with(self, kind: GroupKind) -> list[str]:
        carries = kind in ROWS and kind != POD
        return [
            key
            for key, reads in self.reads.items()
            if kind in reads.here or kind in reads.everywhere or (carries and reads.workloads)
        ]


def plan_of(invariants: Iterable[Invariant]) -> Plan:
    """The plan for a set of enabled invariants."""
    askers: dict[str, list[str]] = {}
    by_kind: dict[str, list[str]] = {}
    for invariant in invariants:
        for key in invariant.context:
            askers.setdefault(key, []).append(invariant.name)
        for match in invariant.match:
            by_kind.setdefault(match, []).append(invariant.name)
    reads = {key: reads_of(key) for key in sorted(askers)}
    matched = frozenset(_group_kind(match) for match in by_kind if match != PODS_GROUP)
    pods = PODS_GROUP in by_kind
    all_reads = [*reads.values(), FACTS, *([RBAC_FACTS] if matched & set(BINDINGS) else ())]
    everywhere = {kind for each in all_reads for kind in each.everywhere}
    return Plan(
        judges_pods=pods,
        matched=matched,
        reads=reads,
        askers={key: tuple(names) for key, names in askers.items()},
        by_kind={match: tuple(names) for match, names in by_kind.items()},
        context=frozenset({*(k for each in all_reads for k in each.here), *everywhere, NAMESPACE}),
        everywhere=frozenset(everywhere),
        labelled={kind: text for each in all_reads for kind, text in each.labelled.items()},
    )


def _group_kind(match: str) -> GroupKind:
    group, _, kind = match.rpartition("/")
    return group, kind
