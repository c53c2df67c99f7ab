"""Waivers, annotations and objects, applied to what an evaluation found.

Pure: the day is passed in, the words of ``waiver-expired``, ``waiver-unused`` and
``waiver-invalid`` come from the catalogue that is passed in.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.decisions import waiver_objects
from karb_guard.decisions.waiver_objects import NotCounting, Subject, WaiverObject
from karb_guard.decisions.waiver_syntax import PREFIX, Unreadable, Waiver, WaiverSource, read
from karb_guard.model.finding import Evaluation, Finding, Path
from karb_guard.model.invariant import Invariant
from karb_guard.model.path import walk

EXPIRED, UNUSED, INVALID = "waiver-expired", "waiver-unused", "waiver-invalid"
ABOUT_WAIVERS = frozenset({EXPIRED, UNUSED, INVALID})
MAX_WAIVERS = 200
"""Waiver annotations read from one object; more are refused, so that work stays bounded."""


class Waived(NamedTuple):
    """A finding together with the waiver that covers it."""

    finding: Finding
    waiver: Waiver | WaiverObject


class WaiverOutcome(NamedTuple):
    """The findings of one object, sorted by what its waivers say."""

    active: tuple[Finding, ...]
    """No waiver covers them, or none that this door heeds."""
    waived: tuple[Waived, ...] = ()
    unheeded: tuple[Waived, ...] = ()
    """Covered by a valid waiver that this door does not heed; their findings are in ``active``."""
    problems: tuple[Finding, ...] = ()
    """Findings of ``waiver-expired``, ``waiver-unused`` and ``waiver-invalid``."""
    idle: tuple[str, ...] = ()
    """``Waiver`` objects that are about this object and cover nothing of it, and why, in words."""


class WaiverObjects(NamedTuple):
    """``Waiver`` objects of one namespace, on one day."""

    counting: Sequence[WaiverObject] = ()
    others: Sequence[NotCounting] = ()


class Reach(NamedTuple):
    """``Waiver`` objects together with what they are held against."""

    objects: WaiverObjects
    subject: Subject


def sources(
    obj: Mapping[str, Any], templates: Iterable[tuple[Path | None, Path]] = ()
) -> tuple[WaiverSource, ...]:
    """Where ``obj`` may carry waivers: its own annotations, and those of its pod templates.

    ``templates`` are (path of the template's metadata or ``None``, path of the PodSpec). A Pod's
    metadata is listed once, as its template's.
    """
    found: dict[Path, WaiverSource] = {}
    for metadata_path, spec_path in templates:
        if metadata_path:
            found[metadata_path] = _source(obj, metadata_path, spec_path, template=True)
    own = ("metadata",)
    if own in found:
        template = found.pop(own)
        found[own] = WaiverSource(template.annotations, own, (), template=True)
    else:
        found[own] = _source(obj, own, (), template=False)
    return tuple(source for source in found.values() if source.annotations)


class WaiverRules(NamedTuple):
    """What a door goes by when it reads waivers."""

    catalogue: Mapping[str, Invariant]
    """Short name -> every invariant there is, so that a waiver's invariant can be told."""
    today: datetime.date
    """In UTC, so that a waiver ends at every door at once."""
    enabled: Collection[str] | None = None
    """Short names of what was evaluated; ``None`` means all. A waiver of anything else is not
    called unused, and ``waiver-*`` findings are raised only for those enabled."""
    self_waivable_only: bool = False
    """Admission: heed only waivers of invariants marked ``selfWaivable``."""

    def names(self) -> dict[str, str]:
        """Short name or permanent id -> short name."""
        ids = {invariant.id: invariant.name for invariant in self.catalogue.values()}
        return ids | {name: name for name in self.catalogue}

    def is_enabled(self, name: str) -> bool:
        """Whether the invariant was evaluated."""
        return name in self.catalogue and (self.enabled is None or name in self.enabled)


def apply(
    evaluation: Evaluation,
    where: Sequence[WaiverSource],
    rules: WaiverRules,
    reach: Reach | None = None,
) -> WaiverOutcome:
    """Sort ``evaluation``'s findings by the waivers that ``where`` carries, and by objects."""
    near = _near(reach)
    if not near and not any(has_waivers(source.annotations) for source in where):
        return WaiverOutcome(evaluation.findings, idle=_idle(reach, near, (), evaluation))
    names = rules.names()
    valid, problems = _sift(where, names, rules.today)
    sorter = _Sorter(valid, names)
    active, waived, unheeded = [], [], []
    for finding in evaluation.findings:
        waiver = sorter.covering(finding)
        granted = reach and next(
            (each for each in near if waiver_objects.covers(each, finding, reach.subject)), None
        )
        if granted:
            waived.append(Waived(finding, granted))
            continue
        heeded = not rules.self_waivable_only or rules.catalogue[finding.name].self_waivable
        if waiver is not None and heeded:
            waived.append(Waived(finding, waiver))
            continue
        active.append(finding)
        if waiver is not None:
            unheeded.append(Waived(finding, waiver))
    problems += _unused(sorter, evaluation, names, rules)
    said = [
        _finding(problem, rules.catalogue[problem.invariant], evaluation)
        for problem in problems
        if rules.is_enabled(problem.invariant)
    ]
    idle = _idle(reach, near, waived, evaluation)
    return WaiverOutcome(tuple(active), tuple(waived), tuple(unheeded), tuple(said), idle)


def _near(reach: Reach | None) -> Sequence[WaiverObject]:
    """Those that are about the object."""
    if reach is None:
        return ()
    counting = reach.objects.counting
    return [each for each in counting if waiver_objects.reaches(each, reach.subject)]


def _idle(
    reach: Reach | None,
    near: Sequence[WaiverObject],
    waived: Sequence[Waived],
    evaluation: Evaluation,
) -> tuple[str, ...]:
    """What is said of waivers that cover nothing here; one that has ended may have covered it."""
    if reach is None or evaluation.not_evaluated is not None:
        return ()
    used = {id(each.waiver) for each in waived}
    undecided = {unknown.name for unknown in evaluation.unknowns}
    said = [
        f"{each.key}: no finding of {each.invariant}"
        for each in near
        if id(each) not in used and each.invariant not in undecided
    ]
    said += [
        f"{each.key}: {each.message}"
        for each in (reach.objects.others if evaluation.findings else ())
        if each.waiver is None or waiver_objects.reaches(each.waiver, reach.subject)
    ]
    return tuple(said[:MAX_WAIVERS])


def about_object(
    name: str,
    subject: str,
    detail: Mapping[str, str],
    rules: WaiverRules,
    evaluation: Evaluation,
) -> Finding:
    """A finding of ``name`` (``waiver-expired`` and so on) about a ``Waiver`` object itself."""
    invariant = rules.catalogue[name]
    check = name.removeprefix("waiver-")
    shown = {key: _printable(value) for key, value in {"waiver": subject, **detail}.items()}
    return Finding(
        invariant_id=invariant.id,
        name=invariant.name,
        check=check,
        severity=invariant.severity,
        message=invariant.checks[check].format_map(shown),
        remediation=invariant.remediation,
        object=evaluation.object,
        owner=evaluation.object,
        path=("spec",),
        anchor="/spec",
        detail={"waiver": subject, **detail},
    )


def has_waivers(annotations: Mapping[str, Any]) -> bool:
    """Whether any annotation looks like a waiver, readable or not."""
    return any(isinstance(key, str) and key.startswith(PREFIX) for key in annotations)


class _Problem(NamedTuple):
    invariant: str
    check: str
    key: str
    source: WaiverSource
    detail: Mapping[str, str]


class _Sorter:
    """Finds the waiver of a finding and remembers which ones were of use."""

    def __init__(self, waivers: Sequence[Waiver], names: Mapping[str, str]) -> None:
        self.waivers = waivers
        self.used: set[int] = set()
        self._by_name: dict[str, list[tuple[int, Waiver]]] = {}
        for index, waiver in enumerate(waivers):
            self._by_name.setdefault(names[waiver.invariant], []).append((index, waiver))

    def covering(self, finding: Finding) -> Waiver | None:
        """The first waiver that covers the finding; every one that does counts as used."""
        hits = [
            (index, waiver)
            for index, waiver in self._by_name.get(finding.name, ())
            if (waiver.container is None or waiver.container == finding.container)
            and waiver.source.reaches(finding.path)
        ]
        self.used.update(index for index, _ in hits)
        return hits[0][1] if hits else None


def _source(obj: Mapping[str, Any], metadata: Path, scope: Path, *, template: bool) -> WaiverSource:
    path = (*metadata, "annotations")
    value, depth = walk(obj, path)
    annotations = value if depth == len(path) and isinstance(value, Mapping) else {}
    return WaiverSource(annotations, metadata, scope, template)


def _sift(
    where: Sequence[WaiverSource], names: Mapping[str, str], today: datetime.date
) -> tuple[list[Waiver], list[_Problem]]:
    valid: list[Waiver] = []
    problems: list[_Problem] = []
    read_so_far = 0
    for source in where:
        for entry in read(source):
            read_so_far += 1
            if read_so_far > MAX_WAIVERS:
                problem = f"the object carries more than {MAX_WAIVERS} waivers; none beyond is read"
                return valid, [*problems, _invalid(Unreadable(entry.key, problem, source))]
            checked = _checked(entry, names, today)
            if isinstance(checked, Waiver):
                valid.append(checked)
            else:
                problems.append(checked)
    return valid, problems


def _checked(
    entry: Waiver | Unreadable, names: Mapping[str, str], today: datetime.date
) -> Waiver | _Problem:
    if isinstance(entry, Unreadable):
        return _invalid(entry)
    name = names.get(entry.invariant)
    if name is None:
        problem = f"no invariant is called {_printable(entry.invariant)}; see karb-guard list"
        return _invalid(Unreadable(entry.key, problem, entry.source))
    if name in ABOUT_WAIVERS:
        problem = f"{name} is about waivers and can't be waived itself"
        return _invalid(Unreadable(entry.key, problem, entry.source))
    if entry.expired(today):
        until = entry.until.isoformat()
        detail = {"until": until, "reason": entry.reason, "invariant": name}
        return _Problem(EXPIRED, "expired", entry.key, entry.source, detail)
    return entry


def _invalid(entry: Unreadable) -> _Problem:
    return _Problem(INVALID, "invalid", entry.key, entry.source, {"problem": entry.problem})


def _unused(
    sorter: _Sorter,
    evaluation: Evaluation,
    names: Mapping[str, str],
    rules: WaiverRules,
) -> list[_Problem]:
    """Waivers that covered nothing, unless nobody could tell."""
    if evaluation.not_evaluated is not None:
        return []
    undecided = {unknown.name for unknown in evaluation.unknowns}
    return [
        _Problem(
            UNUSED,
            "unused",
            waiver.key,
            waiver.source,
            {"invariant": name, "where": _where(waiver)},
        )
        for index, waiver in enumerate(sorter.waivers)
        if index not in sorter.used
        and (name := names[waiver.invariant]) not in undecided
        and rules.is_enabled(name)
    ]


def _where(waiver: Waiver) -> str:
    # Elsewhere in the object the invariant may well have findings.
    if waiver.container is not None:
        return f"in a container {waiver.container}"
    return "in this pod template" if waiver.source.template else "here"


def _finding(problem: _Problem, invariant: Invariant, evaluation: Evaluation) -> Finding:
    detail = {"waiver": f"annotation {problem.key}", **problem.detail}
    shown = {key: _printable(value) for key, value in detail.items()}
    tail = f"/annotations/{problem.key}"
    return Finding(
        invariant_id=invariant.id,
        name=invariant.name,
        check=problem.check,
        severity=invariant.severity,
        message=invariant.checks[problem.check].format_map(shown),
        remediation=invariant.remediation,
        object=evaluation.object,
        owner=evaluation.owner or evaluation.object,
        path=(*problem.source.metadata_path, "annotations", problem.key),
        anchor=("pod/metadata" if problem.source.template else "/metadata") + tail,
        detail=detail,
    )


def _printable(text: str) -> str:
    """Untrusted text without control characters, so that it can't forge lines of a log."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)[:300]
