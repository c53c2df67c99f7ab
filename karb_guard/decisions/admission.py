"""From findings and stages to an admission decision. Pure: no clock, no cluster, no engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from karb_guard.decisions import messages, ratchet
from karb_guard.decisions.grandfather import Spared
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.decisions.stages import NamespaceStages
from karb_guard.decisions.waiver_objects import DEFAULT_MAX_DAYS
from karb_guard.decisions.waivers import WaiverOutcome
from karb_guard.model.finding import Coverage, Evaluation, Finding
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.model.stage import Stage
from karb_guard.workloads.podless import carries_no_pods

DENIABLE_KINDS = frozenset(
    {
        "/Namespace",
        "/Pod",
        "/PodTemplate",
        "/ReplicationController",
        "/Service",
        "apps/DaemonSet",
        "apps/Deployment",
        "apps/ReplicaSet",
        "apps/StatefulSet",
        "autoscaling/HorizontalPodAutoscaler",
        "batch/CronJob",
        "batch/Job",
        "networking.k8s.io/NetworkPolicy",
        "rbac.authorization.k8s.io/ClusterRole",
        "rbac.authorization.k8s.io/ClusterRoleBinding",
        "rbac.authorization.k8s.io/Role",
        "rbac.authorization.k8s.io/RoleBinding",
        "resource.k8s.io/ResourceClaim",
        "resource.k8s.io/ResourceClaimTemplate",
    }
)
"""Kinds of Kubernetes itself: what their author writes is what counts. Custom resources only warn:
their operators fill in fields."""


@dataclass(frozen=True, slots=True)
class AdmissionOptions:
    """What an operator may set about decisions."""

    deny_custom_resources: bool = False
    """Let enforced invariants deny custom resources too."""
    grandfather: bool = True
    """Let in what controllers make for a workload that is older than the enforcement."""
    controllers: tuple[str, ...] = ()
    """Users (globs) who are believed about owners, beside Kubernetes' own controllers."""
    waiver_days: int = DEFAULT_MAX_DAYS
    """Days that a ``Waiver`` object lasts at most."""
    docs_url: str | None = None
    """Where the catalogue's pages are: a URL with ``{name}`` and ``{id}`` to fill in."""

    def may_deny(self, request: AdmissionRequest) -> bool:
        """Whether the request's kind can be denied at all."""
        return self.deny_custom_resources or request.group_kind in DENIABLE_KINDS


class Judged(NamedTuple):
    """One version of the object: what the evaluation found, and what its waivers say."""

    evaluation: Evaluation
    waivers: WaiverOutcome

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that counts against the object."""
        return (*self.waivers.active, *self.waivers.problems)


class Decision(NamedTuple):
    """The answer to one review, before it becomes JSON."""

    allowed: bool
    message: str = ""
    """Set when denied; several lines."""
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = MappingProxyType({})
    counts: Mapping[tuple[str, Stage], int] = MappingProxyType({})
    """(invariant's short name, stage) -> findings, for metrics."""
    not_evaluated: str | None = None
    reasons: tuple[str, ...] = ()
    """Of a denial: a short line for each finding, and for an object without a verdict."""
    spared: int = 0
    """Enforced findings let in because the owner is older than the enforcement."""
    denials: Mapping[str, int] = MappingProxyType({})
    """Short name -> findings that deny; an object without a verdict is one of each invariant that
    is enforced for it."""


def passed(reason: str) -> Decision:
    """An allow without a judgement, saying why."""
    return Decision(True, audit_annotations={"not-judged": reason})


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """What a decision goes by: stages of the namespace, the catalogue, options."""

    stages: NamespaceStages
    catalogue: Mapping[str, Invariant]
    """Short name -> invariant."""
    enabled: Collection[str]
    """Short names of the invariants that are evaluated."""
    options: AdmissionOptions = field(default_factory=AdmissionOptions)
    lenient: str | None = None
    """Why findings only warn in this request, in words, if they do."""

    def enforced_for(self, group_kind: str) -> list[str]:
        """Names of enabled, enforced invariants that apply to a kind, sorted.

        Of kinds that are known to carry no pods ``pods`` says nothing.
        """
        group, _, kind = group_kind.rpartition("/")
        applying = {group_kind} if carries_no_pods(group, kind) else {group_kind, PODS_GROUP}
        return sorted(
            name
            for name in self.enabled
            if self.stages.of(name).stage is Stage.ENFORCE
            and name in self.catalogue
            and not applying.isdisjoint(self.catalogue[name].match)
        )

    def link(self, finding: Finding) -> str | None:
        """A page about the invariant: the catalogue's, else its first reference."""
        if self.options.docs_url:
            url = self.options.docs_url.replace("{name}", finding.name)
            return url.replace("{id}", finding.invariant_id)
        invariant = self.catalogue.get(finding.name)
        return invariant.references[0].ref if invariant and invariant.references else None


def decide(
    request: AdmissionRequest,
    now: Judged,
    before: Judged | None,
    policy: AdmissionPolicy,
    spared: Spared | None = None,
) -> Decision:
    """Decide about ``now``; on UPDATE ``before`` is the stored object, judged the same way.

    ``spared`` are invariants that the object's owner is older than: they only warn. Denied are
    findings of enforced invariants that the stored object did not have, and objects that could not
    be evaluated where any invariant that applies is enforced.
    """
    evaluation = now.evaluation
    unjudged = evaluation.not_evaluated is not None
    if evaluation.coverage is Coverage.UNKNOWN and not now.findings and not unjudged:
        return _unknown_kind(request)
    return _Case(request, now, before, policy, spared).decision()


class _Case:
    """One request, its findings sorted by stage and by the ratchet."""

    def __init__(
        self,
        request: AdmissionRequest,
        now: Judged,
        before: Judged | None,
        policy: AdmissionPolicy,
        spared: Spared | None = None,
    ) -> None:
        self.request = request
        self.now = now
        self.policy = policy
        self.staged = _by_stage(now.findings, policy.stages)
        # An old object without a verdict can't excuse anything.
        self.ratcheted = before is not None and before.evaluation.not_evaluated is None
        self.old_unjudged = before.evaluation.not_evaluated if before is not None else None
        known_before = before.findings if before is not None and self.ratcheted else ()
        self.new, self.known = ratchet.split(self.staged[Stage.ENFORCE], known_before)
        self.lenient = policy.lenient
        if self.lenient is None and not policy.options.may_deny(request):
            self.lenient = "custom resources only warn"
        self.may_deny = self.lenient is None
        self.spared_by = spared
        free = spared.names if spared is not None else frozenset()
        self.spared = [f for f in self.new if f.name in free]
        self.new = [f for f in self.new if f.name not in free] if free else self.new
        self.denying = self.new if self.may_deny else []
        self.said = [messages.said(finding) for finding in self.denying]
        unjudged = now.evaluation.not_evaluated is not None
        self.enforced = policy.enforced_for(request.group_kind) if unjudged else []
        self.unjudged_denies = unjudged and self.may_deny and bool({*self.enforced} - free)

    def decision(self) -> Decision:
        denied = bool(self.denying) or self.unjudged_denies
        return Decision(
            allowed=not denied,
            message=self._message() if denied else "",
            warnings=messages.bound_warnings(self._warnings()),
            audit_annotations=self._annotations(denied),
            counts={
                (name, stage): count
                for stage, group in self.staged.items()
                for name, count in _counted(group).items()
            },
            not_evaluated=self.now.evaluation.not_evaluated,
            reasons=self._reasons() if denied else (),
            spared=len(self.spared),
            denials=self._denials() if denied else {},
        )

    def _denials(self) -> dict[str, int]:
        unjudged = dict.fromkeys(self.enforced, 1) if self.unjudged_denies else {}
        return {**unjudged, **_counted(self.denying)}

    def _reasons(self) -> tuple[str, ...]:
        unjudged = f"not evaluated: {messages.one_line(self.now.evaluation.not_evaluated or '')}"
        lines = [unjudged] if self.unjudged_denies else []
        return tuple(dict.fromkeys([*lines, *map(messages.warning_line, self.said)]))

    def _message(self) -> str:
        subject = str(self.now.evaluation.object)
        lines = [self._unjudged_line()] if self.unjudged_denies else []
        lines += self._lines()
        count = len(self.denying)
        noun = "finding" if count == 1 else "findings"
        said = f"{count} {noun} of enforced invariants" if count else "it could not be judged"
        return messages.denial(f"{subject}: {said}", lines, self._tail())

    def _unjudged_line(self) -> str:
        reason = messages.one_line(self.now.evaluation.not_evaluated or "")
        names = ", ".join(self.enforced)
        text = f"not evaluated: {reason} | denied because these are enforced here: {names}"
        return messages.clip(text, messages.MAX_LINE_CHARACTERS)

    def _lines(self) -> list[str]:
        """A line for each finding; how to mend, link and who decided once an invariant."""
        lines: list[str] = []
        told: set[str] = set()
        for finding, words in zip(self.denying, self.said, strict=True):
            more = "" if finding.name in told else self._about(finding)
            told.add(finding.name)
            lines.append(messages.finding_line(words, self._waiver_note(finding), more))
        return lines

    def _about(self, finding: Finding) -> str:
        decided_by = self.policy.stages.of(finding.name).decided_by
        return messages.about(finding.remediation, self.policy.link(finding), decided_by)

    def _waiver_note(self, finding: Finding) -> str:
        for waived in self.now.waivers.unheeded:
            if waived.finding is finding:
                return f"{waived.waiver.key} is not heeded at admission: not selfWaivable"
        return ""

    def _tail(self) -> str:
        owner = self.denying[0].owner if self.denying else self.now.evaluation.object
        made = (
            f"It is made by {owner}: mend that one's template. "
            if owner != self.now.evaluation.object
            else ""
        )
        old = (
            f"The stored object could not be judged ({messages.one_line(self.old_unjudged)}), so "
            "every finding counts as new. "
            if self.old_unjudged
            else ""
        )
        return f"{made}{old}karb-guard explain <name> says more about an invariant."

    def _warnings(self) -> list[str]:
        found: list[str] = []
        reason = self.now.evaluation.not_evaluated
        if reason is not None and not self.unjudged_denies:
            found.append(f"karb-guard could not judge this object: {reason}")
        if not self.may_deny:
            found += [
                messages.warning_line(messages.said(f), f"; enforced, but {self.lenient}")
                for f in self.new
            ]
        found += [
            messages.warning_line(messages.said(f), "; enforced, but there before this update")
            for f in self.known
        ]
        if self.spared_by is not None:
            older = f"; enforced, but {self.spared_by.owner} is older than that"
            found += [messages.warning_line(messages.said(f), older) for f in self.spared]
        found += [messages.warning_line(messages.said(f)) for f in self.staged[Stage.WARN]]
        return found

    def _annotations(self, denied: bool) -> dict[str, str]:
        evaluation = self.now.evaluation
        notes = {
            "decision": "denied" if denied else "allowed",
            **(self._of_findings() if self.now.findings or self.enforced else {}),
            **(self._of_waivers() if self.now.waivers.waived or self.now.waivers.unheeded else {}),
            **self._of_the_owner(),
            "waivers-idle": "; ".join(self.now.waivers.idle),
            "undecided": "; ".join(
                dict.fromkeys([f"{u.name}: {u.reason}" for u in evaluation.unknowns])
            ),
            "not-evaluated": evaluation.not_evaluated or "",
            "stored-object-not-evaluated": self.old_unjudged or "",
            "ignored-labels": "; ".join(map(str, self.policy.stages.problems)),
        }
        if evaluation.coverage is Coverage.DISCOVERED:
            kind = self.request.group_kind
            notes["discovered-kind"] = f"{kind} is in no table; its pods were found by their shape"
        return _bounded(notes)

    def _of_findings(self) -> dict[str, str]:
        staged = [
            f"{stage.value}: {_tally(group)}" for stage, group in self.staged.items() if group
        ]
        return {
            "findings": "; ".join(staged),
            "decided-by": self._deciders(),
            "known-before": _tally(self.known),
        }

    def _of_waivers(self) -> dict[str, str]:
        waived = [
            f"{w.finding.name} at {w.finding.anchor}: {w.waiver.justification}"
            for w in self.now.waivers.waived
        ]
        return {
            "waived": "; ".join(waived),
            "waivers-not-heeded": _tally([w.finding for w in self.now.waivers.unheeded]),
        }

    def _of_the_owner(self) -> dict[str, str]:
        by = self.spared_by
        if by is None or not by.names:
            return {}
        what = _tally(self.spared) or "not evaluated"
        return {"grandfathered": f"{what}: {by.owner} was created at {by.created}, before that"}

    def _deciders(self) -> str:
        names = sorted({f.name for group in self.staged.values() for f in group} | {*self.enforced})
        by: dict[str, list[str]] = {}
        for name in names:
            decision = self.policy.stages.of(name)
            by.setdefault(f"{decision.stage.value} by {decision.decided_by}", []).append(name)
        return "; ".join(f"{said}: {', '.join(group)}" for said, group in by.items())


def _by_stage(findings: Sequence[Finding], stages: NamespaceStages) -> dict[Stage, list[Finding]]:
    """The findings of each stage above ``off``, tightest first."""
    staged: dict[Stage, list[Finding]] = {Stage.ENFORCE: [], Stage.WARN: [], Stage.AUDIT: []}
    for finding in findings:
        stage = stages.of(finding.name).stage
        if stage is not Stage.OFF:
            staged[stage].append(finding)
    return staged


def _counted(findings: Sequence[Finding]) -> dict[str, int]:
    """Short name -> findings. ``Counter`` takes several times as long for so few."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.name] = counts.get(finding.name, 0) + 1
    return counts


def _tally(findings: Sequence[Finding]) -> str:
    counts = _counted(findings)
    return ", ".join(f"{name} x{n}" if n > 1 else name for name, n in sorted(counts.items()))


def _unknown_kind(request: AdmissionRequest) -> Decision:
    note = f"{request.group_kind} is not understood and was not judged"
    return Decision(True, audit_annotations=_bounded({"unknown-kind": note}))


def _bounded(notes: Mapping[str, str]) -> dict[str, str]:
    return {
        key: messages.clip(messages.one_line(text), messages.MAX_ANNOTATION_CHARACTERS)
        for key, text in notes.items()
        if text
    }
