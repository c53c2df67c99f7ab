"""What a run over manifests found, in the form that every report format prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from karb_guard.model.finding import Finding, Identity, ObjectRef, Severity, Unknown
from karb_guard.model.invariant import Invariant


class Region(NamedTuple):
    """A stretch of one file. All numbers are 1-based; ``end_column`` is exclusive."""

    file: str
    """As given or found, relative where the user gave it so, with forward slashes."""
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""
    """The source line that ``line`` names, without its line end."""
    rendered: bool = False
    """Whether a command made the text from ``file``: lines count in what it printed."""

    @property
    def location(self) -> str:
        """``file:line:column``, and ``file (rendered):line:column`` where no file has the line."""
        mark = " (rendered)" if self.rendered else ""
        return f"{self.file}{mark}:{self.line}:{self.column}"


class BaselineState(str, Enum):
    """What a baseline says about a finding, in SARIF's words."""

    NEW = "new"
    """Not in the baseline: it counts."""
    UNCHANGED = "unchanged"
    """In the baseline: shown on request, and without weight for the exit code."""


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A finding with its place in the source and what a waiver says about it."""

    finding: Finding
    region: Region
    waived: str | None = None
    """The waiver's reason and last day, when a valid waiver covers the finding."""
    baseline: BaselineState | None = None
    """``None`` where there is no baseline."""

    @property
    def is_open(self) -> bool:
        """Whether neither a waiver nor the baseline covers it."""
        return self.waived is None and self.baseline is not BaselineState.UNCHANGED


class Problem(NamedTuple):
    """Something that could not be read or judged. Makes the exit code 2."""

    file: str
    line: int | None
    """1-based; ``None`` where the whole file is meant (it is missing, too large)."""
    column: int | None
    """1-based; ``None`` together with ``line``."""
    message: str
    kind: str = "unparsed"
    """``unparsed`` (not readable as a manifest), ``not-evaluated`` (a limit, a deadline) or
    ``nothing-checked`` (the whole input held nothing to check)."""
    remedy: str = ""
    namespace: str = ""
    """Of the object that could not be judged; empty where nobody knows, and for those of none."""

    @property
    def location(self) -> str:
        """``file:line:column``, or the file alone."""
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"

    @property
    def text(self) -> str:
        """The message with its remedy."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class LeftOut(NamedTuple):
    """Something that was not checked on purpose, and why: said, and no problem."""

    file: str
    line: int | None
    """1-based; ``None`` where the whole file is meant."""
    reason: str


class BaselineResult(NamedTuple):
    """What became of the entries of a baseline."""

    file: str
    known: int
    """Findings that it covers."""
    gone: Sequence[Identity] = ()
    """Entries whose object was judged and no longer has the finding, sorted; one an instance."""
    absent: Sequence[Identity] = ()
    """Entries about objects that are not in this input, sorted; one an instance."""


@dataclass(frozen=True, slots=True)
class CoverageCount:
    """How much of the input was understood; the coverage line prints it."""

    files: int = 0
    """Files that were read, standard input included."""
    checked: int = 0
    """Documents judged by at least the kinds we know (known and discovered)."""
    discovered: int = 0
    """Of these: unknown kinds in which a pod template was found by walking them."""
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    """``apiVersion/kind`` that nothing here understands -> how many."""
    unparsed: int = 0
    not_kubernetes: int = 0
    """Documents that are well-formed and no Kubernetes objects."""
    not_evaluated: int = 0
    left_out: int = 0
    """Files that were not read on purpose (excluded, templates of a chart), and empty ones."""

    def line(self) -> str:
        """``N documents checked, M of unknown kind, K unparsed``, and what else there is."""
        unknown = sum(self.unknown_kinds.values())
        parts = [
            f"{counted(self.checked, 'document')} checked",
            f"{unknown} of unknown kind",
            f"{self.unparsed} unparsed",
        ]
        if self.not_evaluated:
            parts.append(f"{self.not_evaluated} not evaluated")
        if self.not_kubernetes:
            what = (
                "not a Kubernetes object" if self.not_kubernetes == 1 else "not Kubernetes objects"
            )
            parts.append(f"{self.not_kubernetes} {what}")
        if self.left_out:
            parts.append(f"{counted(self.left_out, 'file')} left out")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Report:
    """One run: what was found, what could not be read, what could not be decided."""

    findings: Sequence[LocatedFinding]
    """In the order of the input, and of lines within a file."""
    problems: Sequence[Problem]
    unknowns: Sequence[Unknown]
    coverage: CoverageCount
    invariants: Sequence[Invariant]
    """The invariants that were enabled, for the rules table of SARIF and the like."""
    fail_on: Severity = Severity.ERROR
    version: str = ""
    left_out: Sequence[LeftOut] = ()
    notes: Sequence[str] = ()
    """What commands that rendered the input warned of."""
    baseline: BaselineResult | None = None
    judged: frozenset[ObjectRef] = frozenset()
    """The objects that got a verdict, and their topmost template owners."""

    @property
    def open_findings(self) -> list[LocatedFinding]:
        """The findings that neither a waiver nor the baseline covers."""
        return [found for found in self.findings if found.is_open]

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings at or above the failing severity, 2 something could not be read."""
        if self.problems:
            return 2
        threshold = self.fail_on.rank
        return int(any(f.finding.severity.rank >= threshold for f in self.open_findings))


def unknown_lines(unknowns: Sequence[Unknown], *, every_reason: bool = False) -> list[str]:
    """How many objects each invariant left undecided, and why.

    One line an invariant with its most frequent reason; with ``every_reason`` one a reason.
    """
    reasons: dict[str, Counter[str]] = {}
    for unknown in unknowns:
        reasons.setdefault(unknown.name, Counter())[unknown.reason] += 1
    lines = []
    for name, counts in sorted(reasons.items()):
        if every_reason:
            found = sorted(counts.items())
            lines += [f"{name}: undecided for {counted(n, 'object')}: {why}" for why, n in found]
            continue
        # By identity: two objects of one name, in two files, are two.
        objects = len({id(unknown.object) for unknown in unknowns if unknown.name == name})
        (reason, _), *others = counts.most_common()
        more = f"; and {counted(len(others), 'other reason')}" if others else ""
        lines.append(f"{name}: undecided for {counted(objects, 'object')}: {reason}{more}")
    return lines


def baseline_lines(result: BaselineResult | None, *, every_entry: bool = False) -> list[str]:
    """What a baseline covers, and what in it is no longer needed; each entry if asked for."""
    if result is None:
        return []
    lines = [f"baseline {result.file}: {counted(result.known, 'finding')} known"]
    for entries, what in (
        (result.gone, "no longer found"),
        (result.absent, "about objects that are not in this input"),
    ):
        if entries:
            lines.append(
                f"baseline {result.file}: {counted(len(entries), 'entry', 'entries')} {what}"
            )
            lines += [f"  {_entry(entry)}" for entry in entries if every_entry]
    if result.gone or result.absent:
        lines.append(f"baseline {result.file}: --baseline and --write-baseline together drop those")
    return lines


def _entry(entry: Identity) -> str:
    return f"{entry.invariant_id} {entry.check}: {entry.owner} at {entry.anchor or 'the object'}"


def counted(count: int, word: str, plural: str = "") -> str:
    """``1 object``, ``2 objects``; ``plural`` where an ``s`` does not do."""
    return f"{count} {word}" if count == 1 else f"{count} {plural or word + 's'}"
