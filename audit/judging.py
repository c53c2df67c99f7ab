"""Judges what was collected, one namespace at a time."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from audit.collecting import file_of
from audit.members import Member, Members, members_of
from audit.plan import WAIVER, Plan
from karb_guard.decisions import waiver_objects, waivers
from karb_guard.decisions.waiver_syntax import WaiverSource
from karb_guard.evaluation import Evaluator
from karb_guard.inventory import ClusterLayer, Inventory, NamespaceLayer
from karb_guard.lint.waiver_documents import Uses, WaiverDocuments
from karb_guard.model.audit import NamespaceSummary
from karb_guard.model.finding import Coverage, Evaluation, Finding, ObjectRef, Unknown
from karb_guard.model.report import LocatedFinding, Problem, Region
from karb_guard.workloads.podless import carries_no_pods

BATCH = 64
"""Objects judged per engine call."""

_Key = tuple[str, str, str]


@dataclass
class Verdicts:
    """What was found so far."""

    findings: list[LocatedFinding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    namespaces: dict[str, NamespaceSummary] = field(default_factory=dict)
    gpus: dict[ObjectRef, int] = field(default_factory=dict)
    gpu_kinds: dict[ObjectRef, str] = field(default_factory=dict)
    judged: set[ObjectRef] = field(default_factory=set)
    checked: int = 0
    """Objects that a verdict covers, pods under their controllers included."""
    discovered: int = 0
    not_evaluated: int = 0
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    waivers: list[tuple[Member, Evaluation]] = field(default_factory=list)
    """``Waiver`` objects: whether they are of use is known when all is judged."""

    def add(self, other: Verdicts) -> None:
        """Everything that ``other`` found, after what is here."""
        self.findings += other.findings
        self.problems += other.problems
        self.unknowns += other.unknowns
        self.namespaces |= other.namespaces
        self.gpus |= other.gpus
        self.gpu_kinds |= other.gpu_kinds
        self.judged |= other.judged
        self.checked += other.checked
        self.discovered += other.discovered
        self.not_evaluated += other.not_evaluated
        self.unknown_kinds += other.unknown_kinds
        self.waivers += other.waivers


@dataclass(frozen=True, slots=True)
class Part:
    """What was found in some of the namespaces, and what waivers did there."""

    verdicts: Verdicts
    uses: Uses


@dataclass(frozen=True)
class Judge:
    """What does not change from namespace to namespace."""

    evaluator: Evaluator
    plan: Plan
    cluster: ClusterLayer
    rules: waivers.WaiverRules
    documents: WaiverDocuments
    today: datetime.date
    kinds: Set[str] = frozenset()
    """Lower-case kinds that are asked for (``deployment``, ``apps/deployment``); empty: all."""

    def part(self, namespaces: Iterable[tuple[str, Iterable[Member]]]) -> Part:
        """Judge some namespaces by name; what is found counts once it is taken up."""
        counted, self.documents.uses = self.documents.uses, Uses()
        try:
            found = Verdicts()
            for name, members in namespaces:
                self.namespace(name, members, found)
            return Part(found, self.documents.uses)
        finally:
            self.documents.uses = counted

    def take_up(self, part: Part, verdicts: Verdicts) -> None:
        """Let a part count, perhaps one that another process judged."""
        verdicts.add(part.verdicts)
        self.documents.uses.add(part.uses)

    def namespace(self, name: str, found: Iterable[Member], verdicts: Verdicts) -> None:
        """Judge the objects of one namespace, or with an empty name those of none."""
        members = members_of(found)
        tops = [top for top in members.tops if self._is_judged(top)]
        made = [each for top in tops for each in members.below(top) if not each.is_spared]
        known = self._verdicts_of([*tops, *made], self._inventory(name, members))
        summary = NamespaceSummary(name)
        for top in tops:
            below = [(each, known.get(id(each))) for each in members.below(top)]
            summary = self._enter(top, known[id(top)], below, summary, verdicts)
        verdicts.namespaces[name] = summary

    def finish(self, verdicts: Verdicts) -> None:
        """Say what is wrong with ``Waiver`` objects, once all objects are judged."""
        for member, evaluation in verdicts.waivers:
            about = self.documents.findings(
                member.object, evaluation, self.rules, complete=not self.kinds
            )
            verdicts.findings += [LocatedFinding(f, _region(member)) for f in about]

    def _inventory(self, name: str, members: Members) -> Inventory:
        if not name:
            return self.cluster
        own = (o for o in members.visible() if not self.plan.pins(*_kind(o)) and _has_place(o))
        sizes = [member.size for member in members.all()]
        return NamespaceLayer(self.cluster, own, max(sizes) if all(sizes) else None)

    def _is_judged(self, member: Member) -> bool:
        group, kind = member.kind
        names = {kind.lower(), f"{group}/{kind}".lower()}
        if self.kinds and not self.kinds & names:
            return False
        if (group, kind) == WAIVER:
            return True
        return (group, kind) in self.plan.matched or (
            self.plan.judges_pods and not carries_no_pods(group, kind)
        )

    def _verdicts_of(
        self, members: Sequence[Member], inventory: Inventory
    ) -> dict[int, Evaluation]:
        """Evaluations by the ``id`` of their members."""
        known: dict[int, Evaluation] = {}
        for start in range(0, len(members), BATCH):
            batch = members[start : start + BATCH]
            sizes = [member.size for member in batch]
            evaluations = self.evaluator.evaluate(
                [member.object for member in batch],
                inventory,
                complete=True,
                today=self.today,
                json_bytes=max(sizes) if all(sizes) else None,
            )
            for member, evaluation in zip(batch, evaluations, strict=True):
                known[id(member)] = self.documents.known(member.object, evaluation)
        return known

    def _enter(
        self,
        top: Member,
        evaluation: Evaluation,
        below: Sequence[tuple[Member, Evaluation | None]],
        summary: NamespaceSummary,
        verdicts: Verdicts,
    ) -> NamespaceSummary:
        """Add one object with everything below it; the namespace's summary with it."""
        if top.kind == WAIVER:
            verdicts.waivers.append((top, evaluation))
        self._count(top, evaluation, below, verdicts)
        verdicts.unknowns += evaluation.unknowns
        verdicts.findings += sorted(self._located(top, evaluation, below), key=_order)
        gpus = _gpus(top, evaluation, below)
        if gpus:
            owner = evaluation.owner or evaluation.object
            verdicts.gpus[owner] = gpus
            kind = _gpu_kind(evaluation, below)
            if kind is not None:
                verdicts.gpu_kinds[owner] = kind
        return replace(
            summary,
            objects=summary.objects + 1,
            workloads=summary.workloads + bool(evaluation.templates),
            gpus=summary.gpus + gpus,
        )

    def _count(
        self,
        top: Member,
        evaluation: Evaluation,
        below: Sequence[tuple[Member, Evaluation | None]],
        verdicts: Verdicts,
    ) -> None:
        for member, found in ((top, evaluation), *below):
            if found is not None and found.not_evaluated is not None:
                message = f"{found.object}: {found.not_evaluated}"
                verdicts.not_evaluated += member.times
                verdicts.problems.append(
                    Problem(
                        file_of(member.object),
                        None,
                        None,
                        message,
                        "not-evaluated",
                        namespace=found.object.namespace or "",
                    )
                )
                continue
            verdicts.checked += member.times
            if found is None:
                continue
            if member is top:
                verdicts.judged.add(found.owner or found.object)
            verdicts.discovered += found.coverage is Coverage.DISCOVERED
            if found.coverage is Coverage.UNKNOWN:
                verdicts.checked -= member.times
                verdicts.unknown_kinds[f"{found.object.api_version}/{found.object.kind}"] += 1

    def _located(
        self,
        top: Member,
        evaluation: Evaluation,
        below: Sequence[tuple[Member, Evaluation | None]],
    ) -> Iterator[LocatedFinding]:
        """The findings of ``top``, and those that only what was made of it has."""
        injected = [
            located
            for member, found, extra in _extras(evaluation, below)
            for located in self._injected(top, member, found, extra, evaluation)
        ]
        outcome = self._outcome(top, evaluation, waivers.sources(top.object, evaluation.templates))
        region = _region(top)
        covered = {each.finding.name for each in injected if each.waived is not None}
        for finding in (*outcome.active, *outcome.problems):
            if finding.name == waivers.UNUSED and finding.detail.get("invariant") in covered:
                continue  # of use for what only the pods have
            yield LocatedFinding(finding, region)
        for waived in outcome.waived:
            yield LocatedFinding(waived.finding, region, waived=waived.waiver.justification)
        yield from injected

    def _injected(
        self,
        top: Member,
        member: Member,
        found: Evaluation,
        extra: Sequence[Finding],
        of_top: Evaluation,
    ) -> Iterator[LocatedFinding]:
        owner = of_top.owner or of_top.object
        marked = found._replace(
            findings=tuple(_marked(finding, owner, top, of_top) for finding in extra),
            owner=owner,
            unknowns=(),
        )
        where = [*waivers.sources(member.object, found.templates), _own_annotations(top)]
        outcome = self._outcome(member, marked, where)
        region = _region(member)
        yield from (LocatedFinding(finding, region) for finding in outcome.active)
        for waived in outcome.waived:
            yield LocatedFinding(waived.finding, region, waived=waived.waiver.justification)

    def _outcome(
        self, member: Member, evaluation: Evaluation, where: Sequence[WaiverSource]
    ) -> waivers.WaiverOutcome:
        reach = self.documents.reach(member.object, evaluation)
        if reach is not None and member.above:
            owners = [each.ref for each in member.above]
            subject = waiver_objects.subject_of(member.object, evaluation, owners)
            reach = waivers.Reach(reach.objects, subject)
        outcome = waivers.apply(evaluation, where, self.rules, reach)
        if reach is not None:
            self.documents.remember(evaluation, outcome, reach)
        return outcome


def _extras(
    of_top: Evaluation, below: Sequence[tuple[Member, Evaluation | None]]
) -> Iterator[tuple[Member, Evaluation, list[Finding]]]:
    """Findings that what was made has beyond its topmost owner, each from where it is most often.

    Findings are compared as multisets: a second instance is new.
    """
    own = Counter(map(_key, of_top.findings))
    most: dict[_Key, tuple[Member, Evaluation, list[Finding]]] = {}
    for member, evaluation in below:
        if evaluation is None:
            continue
        by_key: dict[_Key, list[Finding]] = {}
        for finding in evaluation.findings:
            by_key.setdefault(_key(finding), []).append(finding)
        for key, findings in by_key.items():
            extra = findings[own[key] :]
            if len(extra) > len(most[key][2] if key in most else ()):
                most[key] = (member, evaluation, extra)
    gathered: dict[int, tuple[Member, Evaluation, list[Finding]]] = {}
    for member, evaluation, extra in most.values():
        gathered.setdefault(id(member), (member, evaluation, []))[2].extend(extra)
    yield from gathered.values()


def _key(finding: Finding) -> _Key:
    """The identity without the owner, which is the same for all of them."""
    return finding.invariant_id, finding.check, finding.anchor


def _marked(finding: Finding, owner: ObjectRef, top: Member, of_top: Evaluation) -> Finding:
    """The finding as one of the topmost owner, which says that its template doesn't have it."""
    if of_top.not_evaluated is not None:
        return finding._replace(owner=owner)
    said = f"injected: not in what {top.ref.kind} {top.ref.name} asks for"
    return finding._replace(owner=owner, message=f"{finding.message} ({said})")


def _gpus(
    top: Member, evaluation: Evaluation, below: Sequence[tuple[Member, Evaluation | None]]
) -> int:
    """What the owner asks for; where it doesn't say how many pods, what its pods have."""
    if evaluation.gpus is not None:
        return evaluation.gpus if not top.is_pod or top.is_running else 0
    return sum(
        (found.gpus or 0) * member.times
        for member, found in below
        if found is not None and member.is_running
    )


def _gpu_kind(
    evaluation: Evaluation, below: Sequence[tuple[Member, Evaluation | None]]
) -> str | None:
    """What the owner's GPUs are; where it doesn't say it, what its pods say alike."""
    if evaluation.gpu_kind is not None:
        return evaluation.gpu_kind
    kinds = {found.gpu_kind for _, found in below if found is not None and found.gpus}
    return kinds.pop() if len(kinds) == 1 else None


def _own_annotations(top: Member) -> WaiverSource:
    metadata = top.object.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    held = annotations if isinstance(annotations, Mapping) else {}
    return WaiverSource(held, ("metadata",), (), template=False)


def _region(member: Member) -> Region:
    """A living object has no lines: the file names it."""
    return Region(file_of(member.object), 1, 1, 1, 1)


def _order(found: LocatedFinding) -> tuple[str, str, str, str, str]:
    """Engines answer in sets: the order is ours."""
    finding = found.finding
    path = "\0".join(map(str, finding.path))
    return found.region.file, path, finding.invariant_id, finding.check, finding.message


def _kind(obj: Mapping[str, Any]) -> tuple[str, str]:
    version = obj.get("apiVersion")
    group = version.rpartition("/")[0] if isinstance(version, str) else ""
    return group, str(obj.get("kind", ""))


def _has_place(obj: Mapping[str, Any]) -> bool:
    metadata = obj.get("metadata")
    return isinstance(metadata, Mapping) and bool(metadata.get("namespace"))
