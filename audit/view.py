"""The findings of a living cluster as they are now, and what changes about them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from audit.dirt import Scopes
from karb_guard.model.audit import Audit, Missing
from karb_guard.model.change import Change, Event
from karb_guard.model.finding import Identity, Severity
from karb_guard.model.report import LocatedFinding, Problem

NOTHING_CHECKED = "nothing-checked"
"""The problem of a scan that found no object: of a part of a cluster it is none."""


class _Place(NamedTuple):
    """What is known of one namespace."""

    findings: Mapping[Identity, tuple[LocatedFinding, ...]]
    problems: Mapping[str, Problem]


class View:
    """Open findings and objects without a verdict, by namespace; nothing else is held."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._gaps: dict[str, Missing] = {}
        self._late: set[str] = set()

    def take(self, audit: Audit, scopes: Scopes, at: datetime.datetime) -> Iterator[Change]:
        """What is different now that these scopes were judged again.

        A finding is the same as long as its identity is: other words about it are no change.
        """
        found = _by_place(audit)
        judged = {*self._places, *found} if scopes.everything else scopes.namespaces
        for name in sorted(judged):
            before = self._places.pop(name, _Place({}, {}))
            after = found.get(name, _Place({}, {}))
            if after.findings or after.problems:
                self._places[name] = after
            yield from _differences(before, after, at)

    def gaps(self, missing: Iterable[Missing], at: datetime.datetime) -> Iterator[Change]:
        """What can't be seen now and could before, and the other way round."""
        now = {each.what: each for each in missing}
        before, self._gaps = self._gaps, now
        for what in sorted(before.keys() - now.keys()):
            yield Change(at, Event.SEEN, what=what)
        for what in sorted(now.keys() - before.keys()):
            each = now[what]
            yield Change(
                at, Event.UNSEEN, what=what, reason=each.reason, undecided=tuple(each.undecided)
            )

    def late(self, reasons: Mapping[str, str], at: datetime.datetime) -> Iterator[Change]:
        """What is seen late, each once."""
        for what in sorted(reasons.keys() - self._late):
            yield Change(at, Event.LATE, what=what, reason=reasons[what])
        self._late |= reasons.keys()

    def counts(self) -> dict[Severity, int]:
        """Open findings."""
        found = dict.fromkeys(Severity, 0)
        for place in self._places.values():
            for many in place.findings.values():
                for each in many:
                    found[each.finding.severity] += 1
        return found

    def exit_code(self, fail_on: Severity) -> int:
        """As an audit's: 0 clean, 1 findings at or above ``fail_on``, 2 something is not known."""
        if self._gaps or any(place.problems for place in self._places.values()):
            return 2
        return int(any(n and s.rank >= fail_on.rank for s, n in self.counts().items()))


def _by_place(audit: Audit) -> dict[str, _Place]:
    findings: dict[str, dict[Identity, tuple[LocatedFinding, ...]]] = {}
    for each in audit.report.open_findings:
        here = findings.setdefault(place_named_in(each.region.file), {})
        identity = each.finding.identity
        here[identity] = (*here.get(identity, ()), each)
    problems: dict[str, dict[str, Problem]] = {}
    for problem in audit.report.problems:
        if problem.kind != NOTHING_CHECKED:
            problems.setdefault(place_named_in(problem.file), {})[problem.file] = problem
    names = {*findings, *problems}
    return {name: _Place(findings.get(name, {}), problems.get(name, {})) for name in names}


def place_named_in(file: str) -> str:
    """The namespace of ``namespace/Kind/name``; of a Namespace itself its own."""
    parts = file.split("/")
    if len(parts) > 2:
        return parts[0]
    return parts[1] if parts[0] == "Namespace" and len(parts) == 2 else ""


def _differences(before: _Place, after: _Place, at: datetime.datetime) -> Iterator[Change]:
    for identity in before.findings:
        many, now = before.findings[identity], after.findings.get(identity, ())
        yield from (Change(at, Event.GONE, each) for each in many[len(now) :])
    for file in before.problems.keys() - after.problems.keys():
        yield Change(at, Event.SEEN, what=file)
    for identity, now in after.findings.items():
        known = before.findings.get(identity, ())
        yield from (Change(at, Event.APPEARED, each) for each in now[len(known) :])
    for file in after.problems.keys() - before.problems.keys():
        yield Change(at, Event.UNSEEN, what=file, reason=after.problems[file].text)
