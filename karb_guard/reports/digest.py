"""What several report formats say about a run, worked out once: scores, owners, remedies, GPUs.

A report of manifests and an audit of a cluster give the same digest; the first has no GPU counts,
no trend, and nothing that an API server refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from karb_guard.model.audit import Audit, TrendPoint
from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.model.report import LocatedFinding, Report
from karb_guard.reports.figures import (
    HOURS,
    SEVERITIES,
    Action,
    Counts,
    Digest,
    Gpus,
    NamespaceRow,
    Offender,
    Undecided,
)
from karb_guard.reports.layers import Layer, layer_of
from karb_guard.reports.prices import PriceTable
from karb_guard.reports.score import Score, score
from karb_guard.workloads.kinds import carries_pods
from karb_guard.workloads.podless import carries_no_pods


def digest(report: Report, audit: Audit | None = None, prices: PriceTable | None = None) -> Digest:
    """Work out everything from the report, and from the audit it belongs to."""
    return _Reader(report, audit, prices).digest()


@dataclass(slots=True)
class _Owner:
    """What was found on one owner."""

    counts: Counter[Severity] = field(default_factory=Counter)
    worst: dict[Layer, Severity] = field(default_factory=dict)
    invariants: dict[str, Severity] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)

    def add(self, found: LocatedFinding, layer: Layer) -> None:
        severity = found.finding.severity
        self.counts[severity] += 1
        self.names[found.finding.name] += 1
        self.worst[layer] = _worse(self.worst.get(layer), severity)
        known = self.invariants.get(found.finding.name)
        self.invariants[found.finding.name] = _worse(known, severity)

    @property
    def worst_of_all(self) -> Severity:
        return next(severity for severity in SEVERITIES if self.counts[severity])

    def ranked(self) -> list[str]:
        return sorted(
            self.names, key=lambda name: (-self.invariants[name].rank, -self.names[name], name)
        )


class _Reader:
    def __init__(self, report: Report, audit: Audit | None, prices: PriceTable | None) -> None:
        self._report = report
        self._audit = audit
        self._prices = prices
        self._invariants = {invariant.name: invariant for invariant in report.invariants}
        self._open = report.open_findings
        self._owners: dict[ObjectRef, _Owner] = {}
        self._in: dict[str | None, list[ObjectRef]] = {None: []}
        for found in self._open:
            self._add(found)
        self._objects = _objects(report)

    def digest(self) -> Digest:
        waived = [found for found in self._report.findings if found.waived is not None]
        counts = _sum(owner.counts for owner in self._owners.values())
        return Digest(
            report=self._report,
            audit=self._audit,
            prices=self._prices,
            score=self._score(None, None),
            layers={layer: self._score(None, layer) for layer in Layer},
            layer_counts=self._layer_counts(),
            counts=counts,
            namespaces=self._namespaces(),
            offenders=self._offenders(),
            actions=self._actions(),
            findings=sorted(self._open, key=_worst_first),
            waived=waived,
            known=len(self._report.findings) - len(self._open) - len(waived),
            undecided=_undecided(self._report),
            gpus=self._gpus(self._owners),
            all_gpus=sum(self._audit.gpus.values()) if self._audit else 0,
            trend=self._trend(counts),
        )

    def _add(self, found: LocatedFinding) -> None:
        ref = found.finding.owner
        if ref not in self._owners:
            self._owners[ref] = _Owner()
            self._in[None].append(ref)
            self._in.setdefault(ref.namespace or "", []).append(ref)
        self._owners[ref].add(found, self._layer(found.finding.name))

    def _layer(self, name: str) -> Layer:
        invariant = self._invariants.get(name)
        return Layer.GOVERNANCE if invariant is None else layer_of(invariant)

    def _score(self, namespace: str | None, layer: Layer | None) -> Score:
        """Of one namespace or all (``None``), in one layer or all."""
        owners = [self._owners[ref] for ref in self._in.get(namespace, ())]
        if layer is None:
            worst = [owner.worst_of_all for owner in owners]
        else:
            worst = [owner.worst[layer] for owner in owners if layer in owner.worst]
        objects = self._objects.get((namespace, layer), 0)
        if layer is None and not self._report.judged and self._audit is not None:
            objects = sum(
                summary.objects
                for name, summary in self._audit.namespaces.items()
                if namespace in {None, name}
            )
        return score(objects, worst)

    def _layer_counts(self) -> dict[Layer, Counts]:
        found: dict[Layer, Counter[Severity]] = {layer: Counter() for layer in Layer}
        for each in self._open:
            found[self._layer(each.finding.name)][each.finding.severity] += 1
        return {layer: _counts(counter) for layer, counter in found.items()}

    def _namespaces(self) -> list[NamespaceRow]:
        summaries = {} if self._audit is None else self._audit.namespaces
        judged = {name for name, layer in self._objects if layer is None}
        names = {*self._in, *judged, *summaries}
        rows = [self._row(name, self._in.get(name, ())) for name in names if name is not None]
        return sorted(rows, key=lambda row: (-row.score.lost, -row.counts.total, row.name))

    def _row(self, name: str, owners: Sequence[ObjectRef]) -> NamespaceRow:
        summary = None if self._audit is None else self._audit.namespaces.get(name)
        return NamespaceRow(
            name=name,
            score=self._score(name, None),
            layers={layer: self._score(name, layer) for layer in Layer},
            counts=_sum(self._owners[owner].counts for owner in owners),
            workloads=None if summary is None else summary.workloads,
            gpus=self._gpus(owners),
        )

    def _offenders(self) -> list[Offender]:
        found = [
            Offender(ref, _counts(owner.counts), owner.ranked(), self._gpus([ref]))
            for ref, owner in self._owners.items()
        ]
        return sorted(
            found,
            key=lambda o: (-o.counts.error, -o.gpus.total, -o.counts.total, str(o.owner)),
        )

    def _actions(self) -> list[Action]:
        found: dict[str, list[LocatedFinding]] = {}
        for each in self._open:
            found.setdefault(each.finding.name, []).append(each)
        actions = [self._action(name, group) for name, group in found.items()]
        return sorted(actions, key=lambda a: (-a.effect, -a.gpus.total, -a.findings, a.name))

    def _action(self, name: str, group: Sequence[LocatedFinding]) -> Action:
        first = group[0].finding
        invariant = self._invariants.get(name)
        owners = list(dict.fromkeys(found.finding.owner for found in group))
        owners.sort(key=lambda owner: (-self._gpus([owner]).total, str(owner)))
        return Action(
            name=name,
            id=first.invariant_id,
            title=first.message if invariant is None else invariant.title,
            severity=max((f.finding.severity for f in group), key=lambda s: s.rank),
            layer=self._layer(name),
            remediation=first.remediation,
            url=_url(invariant),
            findings=len(group),
            owners=owners,
            namespaces=len({owner.namespace for owner in owners if owner.namespace}),
            gpus=self._gpus(owners),
        )

    def _gpus(self, owners: Iterable[ObjectRef]) -> Gpus:
        if self._audit is None:
            return Gpus()
        count = priced = 0
        per_day = Decimal(0)
        for owner in owners:
            gpus = self._audit.gpus.get(owner, 0)
            count += gpus
            price = self._price(owner)
            if gpus and price is not None:
                priced += gpus
                per_day += gpus * HOURS * price
        return Gpus(count, priced, per_day)

    def _price(self, owner: ObjectRef) -> Decimal | None:
        if self._prices is None or self._audit is None:
            return None
        return self._prices.per_hour(self._audit.gpu_kinds.get(owner))

    def _trend(self, counts: Counts) -> list[TrendPoint]:
        if self._audit is None:
            return []
        now = dict(zip(SEVERITIES, counts, strict=True))
        objects = self._score(None, None).objects
        return [*self._audit.trend, TrendPoint(self._audit.started, now, objects)]


def _objects(report: Report) -> Counter[tuple[str | None, Layer | None]]:
    """(namespace, layer) -> objects judged that an invariant of the layer asks anything of.

    ``None`` stands for all of them. Kinds decide: a Role has no part in serving, so that a
    namespace full of Roles doesn't look better served.
    """
    layers = _LayersOfKinds(report.invariants)
    found: Counter[tuple[str | None, Layer | None]] = Counter()
    for ref in report.judged:
        concerned = layers.of(ref)
        for layer in (None, *concerned) if concerned else ():
            found[(None, layer)] += 1
            found[(ref.namespace or "", layer)] += 1
    return found


class _LayersOfKinds:
    """Which layers ask something of a kind, by what their invariants match."""

    def __init__(self, invariants: Iterable[Invariant]) -> None:
        self._matching: dict[str, set[Layer]] = {}
        for invariant in invariants:
            for match in invariant.match:
                self._matching.setdefault(match, set()).add(layer_of(invariant))
        self._known: dict[tuple[str, str], frozenset[Layer]] = {}

    def of(self, ref: ObjectRef) -> frozenset[Layer]:
        key = (ref.api_version, ref.kind)
        if key not in self._known:
            self._known[key] = self._find(ref.api_version.rpartition("/")[0], ref.kind)
        return self._known[key]

    def _find(self, group: str, kind: str) -> frozenset[Layer]:
        named = self._matching.get(f"{group}/{kind}")
        layers = set(named or ())
        # A kind that is in no table was judged because its pod templates were discovered.
        discovered = named is None and not carries_no_pods(group, kind)
        if carries_pods(f"{group}/{kind}") or discovered:
            layers |= self._matching.get(PODS_GROUP, set())
        return frozenset(layers)


def _worse(one: Severity | None, other: Severity) -> Severity:
    return other if one is None or other.rank > one.rank else one


def _worst_first(found: LocatedFinding) -> tuple[int, str, str, str]:
    finding = found.finding
    return (-finding.severity.rank, finding.owner.namespace or "", str(finding.owner), finding.name)


def _counts(counter: Mapping[Severity, int]) -> Counts:
    return Counts(*(counter.get(severity, 0) for severity in SEVERITIES))


def _sum(counters: Iterable[Counter[Severity]]) -> Counts:
    total: Counter[Severity] = Counter()
    for counter in counters:
        total.update(counter)
    return _counts(total)


def _undecided(report: Report) -> list[Undecided]:
    found = Counter((unknown.name, unknown.reason) for unknown in report.unknowns)
    rows = [Undecided(name, reason, count) for (name, reason), count in found.items()]
    return sorted(rows, key=lambda row: (-row.objects, row.name, row.reason))


def _url(invariant: Invariant | None) -> str:
    """The first reference that a browser may follow: policies of one's own may name anything."""
    references = () if invariant is None else invariant.references
    links = (r.ref for r in references if r.ref.startswith(("https://", "http://")))
    return next(links, "")
