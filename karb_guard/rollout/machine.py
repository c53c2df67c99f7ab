"""The state machine of one invariant in one namespace: audit -> warn -> enforce, step by step.

Down at once (what people ask for, and by itself where denials exceed the gate), up only when every
gate is open. The first gate that is shut gives the reason. Missing evidence shuts a gate.
"""

from __future__ import annotations

import dataclasses
import datetime
from dataclasses import dataclass
from typing import NamedTuple

from karb_guard.model.stage import Stage
from karb_guard.rollout import counters, freeze
from karb_guard.rollout.counters import Observation
from karb_guard.rollout.entry import Entry, Reason
from karb_guard.rollout.evidence import ScanEvidence
from karb_guard.rollout.gates import Gates
from karb_guard.rollout.times import said, text_of

SKEW = datetime.timedelta(minutes=5)
"""How far in the future a scan's time may lie: clocks differ."""
NEXT = {Stage.OFF: Stage.AUDIT, Stage.AUDIT: Stage.WARN, Stage.WARN: Stage.ENFORCE}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at one moment, for every namespace of one invariant."""

    now: datetime.datetime
    invariant: str
    """Short name."""
    scan: ScanEvidence | None
    observation: Observation


class Request(NamedTuple):
    """Somebody asked for a promotion now: no soak time, no hold; every other gate stays."""

    stage: Stage
    """Up to which."""
    at: datetime.datetime
    """When. By the time a stage begins it is used up; before its time it asks for nothing."""


class Born(NamedTuple):
    """Which namespace of its name it is."""

    uid: str
    at: datetime.datetime | None
    """Its ``creationTimestamp``."""


class Asked(NamedTuple):
    """What people ask for in one namespace."""

    target: Stage
    gates: Gates
    waits_for: str | None = None
    """Which namespace of an earlier wave has not got to the next stage yet, in words."""
    request: Request | None = None
    born: Born | None = None


class Shut(NamedTuple):
    """A gate that keeps a namespace where it is."""

    reason: Reason
    message: str


def begin(name: str, target: Stage, now: datetime.datetime, why: str = "") -> Entry:
    """The entry of a namespace that has none yet: at ``audit``, or ``off`` where that is asked."""
    stage = Stage.OFF if target is Stage.OFF else Stage.AUDIT
    message = f"{stage.value} since {text_of(now)}" + (f": {why}" if why else "")
    return Entry(name, stage, now, Reason.STARTED, message)


def is_of(entry: Entry, born: Born | None) -> bool:
    """Whether an entry is about this namespace, and not about an earlier one of its name."""
    if born is None or (entry.uid and entry.uid == born.uid):
        return True
    if entry.uid and born.uid:
        return False
    # An older controller wrote no uid. A stage that a person wrote has no time.
    recorded = entry.since > datetime.datetime.fromtimestamp(0, datetime.UTC)
    return born.at is None or not recorded or born.at <= entry.since + SKEW


def step(entry: Entry, asked: Asked, evidence: Evidence) -> Entry:
    """What the entry becomes now. Pure; the same input gives the same answer."""
    target, gates = asked.target, asked.gates
    if entry.since > evidence.now + SKEW:  # a clock was wrong: nothing would count for so long
        entry = dataclasses.replace(entry, since=evidence.now)
    entry = _with_evidence(entry, gates, evidence)
    if target.rank < entry.stage.rank:
        return _moved(entry, target, Reason.LOWERED, "spec asks for no more", evidence)
    if entry.stage is Stage.ENFORCE:
        return _enforced(entry, gates, evidence)
    if target is entry.stage:
        return _stays(entry, Shut(Reason.REACHED, f"spec asks for {target.value}"))
    following = NEXT[entry.stage]
    shut = _shut(entry, asked, evidence)
    if shut is not None:
        return _stays(entry, shut)
    promoted = _moved(entry, following, Reason.PROMOTED, _because(entry, evidence), evidence)
    return (
        dataclasses.replace(promoted, rollbacks=0)
        if _requested(entry, asked, evidence.now)
        else promoted
    )


def _requested(entry: Entry, asked: Asked, now: datetime.datetime) -> bool:
    """Whether somebody asked for the next stage since this one began.

    One of the future would outlive the step that it asks for, and every rollback after it.
    """
    request = asked.request
    if request is None or not entry.since < request.at <= now:
        return False
    return request.stage.rank >= NEXT[entry.stage].rank


def _with_evidence(entry: Entry, gates: Gates, evidence: Evidence) -> Entry:
    """The entry with what was counted since, and what the scan says."""
    observation, now = evidence.observation, evidence.now
    counts = observation.counts((entry.name, evidence.invariant, entry.stage))
    longest = max(gates.window, counters.MAX_GAP)
    before = entry.counted if entry.counts is None else entry.counts
    more = observation.increase(counts, before, longest)
    kept = observation.kept(counts, entry.counts)
    found = None if evidence.scan is None else evidence.scan.of(entry.name, evidence.invariant)
    day = now.date()
    return dataclasses.replace(
        entry,
        counted=sum(kept.values()),
        counts=kept,
        denials=counters.counted(entry.denials, more, now, gates.window),
        open=None if found is None else found.open_at(day),
        waived=0 if found is None else found.waived - found.expired_at(day),
    )


def _enforced(entry: Entry, gates: Gates, evidence: Evidence) -> Entry:
    if entry.denied > gates.max_denials:
        what = f"{entry.denied} denials in {said(gates.window)}, {gates.max_denials} are allowed"
        if gates.roll_back:
            back = _moved(entry, Stage.WARN, Reason.ROLLED_BACK, what, evidence)
            return dataclasses.replace(back, rollbacks=entry.rollbacks + 1)
        return _stays(entry, Shut(Reason.DENIALS, f"{what}; spec.gates.rollBack is false"))
    kept = evidence.now - entry.since >= gates.soak_of(Stage.ENFORCE)
    entry = dataclasses.replace(entry, rollbacks=0) if kept and entry.rollbacks else entry
    return _stays(entry, Shut(Reason.REACHED, "spec asks for enforce"))


def _stopped(gates: Gates, evidence: Evidence) -> Shut | None:
    if gates.paused:
        return Shut(Reason.PAUSED, "spec.paused is set")
    why = freeze.frozen(gates.windows, evidence.now)
    return Shut(Reason.FROZEN, why) if why else None


def _shut(entry: Entry, asked: Asked, evidence: Evidence) -> Shut | None:
    """The first gate that is shut, or ``None``."""
    gates = asked.gates
    shut = _stopped(gates, evidence)
    if entry.stage is Stage.OFF:  # nobody sees anything of audit: no evidence is needed
        return shut
    if shut is None and not _requested(entry, asked, evidence.now):
        shut = _early(_time(entry, gates, evidence.now), asked, evidence.now)
    shut = shut or _age(entry, asked, evidence) or _scan(entry, evidence)
    shut = shut or _webhook(entry, gates, evidence)
    if shut is None and asked.waits_for is not None:
        shut = Shut(Reason.CANARY, asked.waits_for)
    return shut


def _time(entry: Entry, gates: Gates, now: datetime.datetime) -> Shut | None:
    often = entry.rollbacks and entry.rollbacks >= gates.max_rollbacks
    if often and NEXT[entry.stage] is Stage.ENFORCE:
        what = f"rolled back {entry.rollbacks} times; karb-guard rollout promote asks for it anew"
        return Shut(Reason.HELD, what)
    left = entry.since + gates.soak_of(entry.stage) - now
    if left > datetime.timedelta(0):
        what = f"{entry.stage.value} soaks {said(gates.soak_of(entry.stage))}; {said(left)} left"
        return Shut(Reason.SOAKING, what)
    return None


def _early(shut: Shut | None, asked: Asked, now: datetime.datetime) -> Shut | None:
    """What a request would open, were it not of the future."""
    if shut is None or asked.request is None or asked.request.at <= now:
        return shut
    later = f"a promotion is asked for at {text_of(asked.request.at)}, which is not yet"
    return shut._replace(message=f"{shut.message}; {later}")


def _age(entry: Entry, asked: Asked, evidence: Evidence) -> Shut | None:
    scan, now, gates = evidence.scan, evidence.now, asked.gates
    if scan is None:
        return Shut(Reason.NO_EVIDENCE, "there is no scan")
    age = now - scan.at
    if age > gates.evidence_age:
        what = f"the last scan is {said(age)} old; {said(gates.evidence_age)} are allowed"
        return Shut(Reason.NO_EVIDENCE, what)
    if age < -SKEW:
        return Shut(Reason.NO_EVIDENCE, f"the last scan lies in the future: {text_of(scan.at)}")
    if scan.at < entry.since:
        return Shut(Reason.NO_EVIDENCE, f"no scan since {entry.stage.value} began")
    if asked.born is not None and asked.born.at is not None and scan.at < asked.born.at:
        return Shut(Reason.NO_EVIDENCE, "no scan since the namespace was made")
    return None


def _scan(entry: Entry, evidence: Evidence) -> Shut | None:
    scan, now = evidence.scan, evidence.now
    if scan is None:
        return Shut(Reason.NO_EVIDENCE, "there is no scan")
    missing = scan.missing(entry.name, evidence.invariant)
    if missing is not None:
        return Shut(Reason.NO_EVIDENCE, missing)
    counts = scan.of(entry.name, evidence.invariant)
    opened = counts.open_at(now.date())
    if opened:
        expired = counts.expired_at(now.date())
        more = f", {expired} of them with an expired waiver" if expired else ""
        return Shut(Reason.VIOLATIONS, f"{opened} unwaived violations{more}")
    return None


def _webhook(entry: Entry, gates: Gates, evidence: Evidence) -> Shut | None:
    watched, now = evidence.observation.watched, evidence.now
    if watched.since is None:
        return Shut(Reason.NO_EVIDENCE, f"webhook: {watched.problem or 'not all replicas answer'}")
    if watched.at is None or now - watched.at > counters.MAX_GAP:
        return Shut(Reason.NO_EVIDENCE, "webhook: it was not scraped lately")
    seen = now - max(watched.since, entry.since)
    if seen < gates.window:
        what = f"webhook: seen without a gap for {said(seen)} of {said(gates.window)}"
        return Shut(Reason.NO_EVIDENCE, f"{what} ({watched.problem})" if watched.problem else what)
    if entry.denied > gates.max_denials:
        what = f"{entry.denied} requests of {said(gates.window)} would be denied"
        return Shut(Reason.DENIALS, f"{what}; {gates.max_denials} are allowed")
    return None


def _stays(entry: Entry, shut: Shut) -> Entry:
    return dataclasses.replace(entry, reason=shut.reason, message=shut.message)


def _moved(entry: Entry, stage: Stage, reason: Reason, why: str, evidence: Evidence) -> Entry:
    """The entry at another stage, counting anew."""
    counts = evidence.observation.counts((entry.name, evidence.invariant, stage))
    return dataclasses.replace(
        entry,
        stage=stage,
        since=evidence.now,
        reason=reason,
        step=reason,
        message=f"{entry.stage.value} -> {stage.value}: {why}",
        counted=sum(counts.values()),
        counts=counts,
        denials=(),
    )


def _because(entry: Entry, evidence: Evidence) -> str:
    """The evidence that a promotion rests on."""
    if entry.stage is Stage.OFF or evidence.scan is None:
        return "nobody sees anything of audit"
    lasted = said(evidence.now - entry.since)
    scan = f"scan of {text_of(evidence.scan.at)}: no unwaived violation"
    waived = f" ({entry.waived} waived)" if entry.waived else ""
    return f"after {lasted}; {scan}{waived}; {entry.denied} denials"
