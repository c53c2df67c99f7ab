"""Findings against a baseline: what was there when an old repository began, and what is new.

Compared by identity (`karb_guard.model.finding.Identity`), which holds no file, no line and no
list index: moved, reordered and renamed manifests keep their entries. Findings are multisets: two
equal ones need two entries, and a third is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from karb_guard.model.finding import Identity, ObjectRef
from karb_guard.model.report import BaselineResult, BaselineState, LocatedFinding

Entries = Counter[Identity]
"""How many findings of each identity a baseline holds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run judged: the rest of a baseline can't be called mended."""

    invariants: frozenset[str]
    """Ids of the invariants that were evaluated."""
    known: frozenset[str]
    """Ids of all invariants there are; entries of others are gone for good."""
    owners: frozenset[ObjectRef]
    """Objects that were judged, and their topmost template owners."""
    undecided: frozenset[tuple[str, ObjectRef]] = frozenset()
    """(Id of an invariant, an object that it could not decide about)."""

    def fate(self, identity: Identity) -> str:
        """What became of an entry that no finding took: ``gone``, ``absent`` or ``open``."""
        if identity.invariant_id not in self.known:
            return "gone"
        if identity.invariant_id not in self.invariants:
            return "open"
        if identity.owner not in self.owners:
            return "absent"
        return "open" if (identity.invariant_id, identity.owner) in self.undecided else "gone"


def entries_of(findings: Iterable[LocatedFinding]) -> Entries:
    """What a new baseline holds: every finding that no waiver covers."""
    return Counter(found.finding.identity for found in findings if found.waived is None)


def compare(
    findings: Sequence[LocatedFinding], entries: Entries
) -> tuple[list[LocatedFinding], Entries]:
    """The findings, each with its state, in the same order; and the entries that none took.

    Waived findings take no entry: the waiver covers them already.
    """
    left = entries.copy()
    judged = []
    for found in findings:
        identity = found.finding.identity
        state = BaselineState.NEW
        if found.waived is None and left[identity] > 0:
            left[identity] -= 1
            state = BaselineState.UNCHANGED
        judged.append(replace(found, baseline=state))
    return judged, +left


def result(file: str, known: int, left: Entries, scope: Scope) -> BaselineResult:
    """What became of the entries that no finding took.

    Not mentioned are those that stay open: their invariant was not asked, or could not tell.
    """
    fates: dict[str, list[Identity]] = {"gone": [], "absent": [], "open": []}
    for identity in sorted(left.elements(), key=order):
        fates[scope.fate(identity)].append(identity)
    return BaselineResult(file, known, fates["gone"], fates["absent"])


def kept(entries: Entries, outcome: BaselineResult) -> Entries:
    """The entries without those that are no longer needed: a baseline that can only shrink."""
    return entries - Counter([*outcome.gone, *outcome.absent])


def order(identity: Identity) -> tuple[str, ...]:
    """A total order, so that a file never changes without a reason."""
    owner = identity.owner
    place = (owner.namespace or "", owner.kind, owner.name, owner.api_version)
    return (*place, identity.invariant_id, identity.check, identity.anchor)
