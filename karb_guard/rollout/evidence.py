"""What a scan says about an invariant in a namespace, and what it could not see.

What is not there is never taken for "no violations": a namespace that the scan did not hold, an
object without a verdict, a kind that could not be listed are each missing evidence, with a reason.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from karb_guard.model.audit import Audit
from karb_guard.model.finding import Severity

EVERY = ""
"""Instead of an invariant's name: it is about all of them."""
EXPORT = "export: "
"""How the names of exports begin where a cluster's would be: nobody knows how old one is."""
_UNTIL = re.compile(r"until[= ](\d{4}-\d{2}-\d{2})")

Key = tuple[str, str]
"""(namespace, invariant's short name)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One invariant in one namespace."""

    open: int = 0
    """Findings that no waiver covers; those of a baseline count, enforcement does not know them."""
    waived: int = 0
    ends: tuple[datetime.date, ...] = ()
    """The last days (UTC) of the waivers of ``waived``, sorted, where known; one a finding."""
    unknown: int = 0
    """Objects that the invariant could not decide about."""

    def open_at(self, day: datetime.date) -> int:
        """Open findings on a day: those whose waiver has ended by then are open again."""
        return self.open + self.expired_at(day)

    def expired_at(self, day: datetime.date) -> int:
        """Findings whose waiver has ended by then."""
        return sum(end < day for end in self.ends)


NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class ScanEvidence:
    """One scan, reduced to what a rollout asks."""

    at: datetime.datetime
    """When it began: what changed afterwards it may not have seen."""
    cluster: str = ""
    namespaces: frozenset[str] = frozenset()
    """Those that it looked at."""
    counts: Mapping[Key, Counts] = field(default_factory=dict)
    not_evaluated: Mapping[str, int] = field(default_factory=dict)
    """Namespace -> objects without a verdict; under ``EVERY`` those of no known namespace."""
    incomplete: Mapping[str, str] = field(default_factory=dict)
    """Invariant (or ``EVERY``) -> what could not be read."""
    invariants: frozenset[str] = frozenset()
    """Short names of those that were asked."""
    severities: Mapping[Severity, int] = field(default_factory=dict)
    """Open findings of the whole scan, for a trend."""
    objects: int = 0

    def of(self, namespace: str, invariant: str) -> Counts:
        """What was found there; see ``missing`` for whether that means anything."""
        return self.counts.get((namespace, invariant), NOTHING)

    def missing(self, namespace: str, invariant: str) -> str | None:
        """Why the scan says too little about it, or ``None`` where it says all."""
        if invariant not in self.invariants:
            return f"the scan did not ask {invariant}"
        if namespace not in self.namespaces:
            return "the namespace is not in the scan"
        for key in (invariant, EVERY):
            if key in self.incomplete:
                return f"the scan is incomplete: {self.incomplete[key]}"
        blind = self.not_evaluated.get(namespace, 0) + self.not_evaluated.get(EVERY, 0)
        if blind:
            return f"{blind} objects could not be evaluated"
        unknown = self.of(namespace, invariant).unknown
        return f"{unknown} objects could not be decided" if unknown else None


def of_audit(audit: Audit, *, export: bool = False) -> ScanEvidence:
    """Count an audit. Findings of cluster-scoped objects are under the empty namespace.

    That of an ``export`` is marked: it makes a trend of its own, and no rollout goes by it.
    """
    report = audit.report
    opened: Counter[Key] = Counter()
    ends: defaultdict[Key, list[datetime.date]] = defaultdict(list)
    waived: Counter[Key] = Counter()
    unknown = Counter((u.object.namespace or "", u.name) for u in report.unknowns)
    severities: Counter[Severity] = Counter()
    for located in report.findings:
        key = (located.finding.owner.namespace or "", located.finding.name)
        if located.waived is None:
            opened[key] += 1
            severities[located.finding.severity] += 1
            continue
        waived[key] += 1
        ends[key] += _ends(located.waived)
    blind = Counter(p.namespace or EVERY for p in report.problems)
    return ScanEvidence(
        at=audit.started,
        cluster=EXPORT + audit.cluster if export else audit.cluster,
        namespaces=frozenset(audit.namespaces),
        counts={
            key: Counts(opened[key], waived[key], tuple(sorted(ends[key])), unknown[key])
            for key in {*opened, *waived, *unknown}
        },
        not_evaluated=dict(blind),
        incomplete=_incomplete(audit),
        invariants=frozenset(invariant.name for invariant in report.invariants),
        severities=dict(severities),
        objects=sum(summary.objects for summary in audit.namespaces.values()),
    )


def _ends(justification: str) -> list[datetime.date]:
    """The last day that a waiver's text gives; of several (a reason may hold one) the first one."""
    found = []
    for text in _UNTIL.findall(justification):
        try:
            found.append(datetime.date.fromisoformat(text))
        except ValueError:
            continue
    return [min(found)] if found else []


def _incomplete(audit: Audit) -> dict[str, str]:
    found: dict[str, str] = {}
    for missing in audit.missing:
        text = f"{missing.what}: {missing.reason}"[:300]
        for name in missing.undecided or (EVERY,):
            found.setdefault(name, text)
    return found
