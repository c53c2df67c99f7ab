"""What a digest of a report consists of: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from karb_guard.model.audit import Audit, TrendPoint
from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import LocatedFinding, Report
from karb_guard.reports.layers import Layer
from karb_guard.reports.prices import PriceTable
from karb_guard.reports.score import TENTHS, Score

HOURS = 24
"""GPU-hours are those of a day."""
SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


class Counts(NamedTuple):
    """Open findings by severity."""

    error: int = 0
    warning: int = 0
    info: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.error + self.warning + self.info


class Gpus(NamedTuple):
    """Whole GPUs of some owners, and what a day of them costs."""

    total: int = 0
    priced: int = 0
    """Of these: GPUs that the price table has a price for."""
    per_day: Decimal = Decimal(0)
    """Of the priced ones, in the table's currency."""

    @property
    def hours(self) -> int:
        """GPU-hours a day."""
        return self.total * HOURS


@dataclass(frozen=True, slots=True)
class Offender:
    """One owner with open findings."""

    owner: ObjectRef
    counts: Counts
    invariants: Sequence[str]
    """Short names, the worst and most frequent first."""
    gpus: Gpus


@dataclass(frozen=True, slots=True)
class Action:
    """One invariant's open findings: one thing to mend in many places."""

    name: str
    id: str
    title: str
    severity: Severity
    """The worst of its findings."""
    layer: Layer
    remediation: str
    url: str
    """Where more is written; empty where nothing is."""
    findings: int
    owners: Sequence[ObjectRef]
    """Those with the most GPUs first."""
    namespaces: int
    """Of its owners that are in one."""
    gpus: Gpus

    @property
    def effect(self) -> int:
        """Tenths of a point that its objects lose where nothing else is wrong with them."""
        return TENTHS[self.severity] * len(self.owners)


@dataclass(frozen=True, slots=True)
class NamespaceRow:
    """One namespace; the cluster-scoped objects are under the empty name."""

    name: str
    score: Score
    layers: Mapping[Layer, Score]
    counts: Counts
    workloads: int | None
    """``None`` where nobody counted them."""
    gpus: Gpus
    """Of owners with open findings."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Objects that one invariant could not decide about, for one reason."""

    name: str
    reason: str
    objects: int


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that a report says beside its findings."""

    report: Report
    audit: Audit | None
    prices: PriceTable | None
    score: Score
    layers: Mapping[Layer, Score]
    layer_counts: Mapping[Layer, Counts]
    counts: Counts
    namespaces: Sequence[NamespaceRow]
    """Those that lose the most points first."""
    offenders: Sequence[Offender]
    """Worst first: errors, then GPUs, then all findings."""
    actions: Sequence[Action]
    """Those with the largest effect first."""
    findings: Sequence[LocatedFinding]
    """The open ones, worst first."""
    waived: Sequence[LocatedFinding]
    known: int
    """Findings that the baseline covers."""
    undecided: Sequence[Undecided]
    gpus: Gpus
    """Of owners with open findings."""
    all_gpus: int
    trend: Sequence[TrendPoint]
    """Earlier scans and this one, oldest first; this one alone where there are no others."""
