"""What a run over manifests found, in the form that every report format prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from karb_guard.model.finding import Finding, Severity, Unknown
from karb_guard.model.invariant import Invariant


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of one file. All numbers are 1-based; ``end_column`` is exclusive."""

    file: str
    """As given or found, relative where the user gave it so, with forward slashes."""
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""
    """The source line that ``line`` names, without its line end."""


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A finding with its place in the source and what a waiver says about it."""

    finding: Finding
    region: Region
    waived: str | None = None
    """The waiver's reason, when a valid waiver covers the finding."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read or judged. Makes the exit code 2."""

    file: str
    line: int
    column: int
    message: str
    kind: str = "unparsed"
    """``unparsed`` (not readable as a manifest) or ``not-evaluated`` (a limit, a deadline)."""


@dataclass(frozen=True, slots=True)
class CoverageCount:
    """How much of the input was understood; the coverage line prints it."""

    files: int = 0
    checked: int = 0
    """Documents judged by at least the kinds we know (known and discovered)."""
    discovered: int = 0
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    """``apiVersion/kind`` that nothing here understands -> how many."""
    unparsed: int = 0
    not_kubernetes: int = 0
    not_evaluated: int = 0
    skipped: tuple[str, ...] = ()
    """What was left out by design, said in words (templates of a chart)."""

    def line(self) -> str:
        """``N documents checked, M of unknown kind, K unparsed``, and what else there is."""
        unknown = sum(self.unknown_kinds.values())
        parts = [
            f"{self.checked} {_plural(self.checked, 'document')} checked",
            f"{unknown} of unknown kind",
            f"{self.unparsed} unparsed",
        ]
        if self.not_evaluated:
            parts.append(f"{self.not_evaluated} not evaluated")
        if self.not_kubernetes:
            parts.append(f"{self.not_kubernetes} not Kubernetes objects")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Report:
    """One run: what was found, what could not be read, what could not be decided."""

    findings: Sequence[LocatedFinding]
    problems: Sequence[Problem]
    unknowns: Sequence[Unknown]
    coverage: CoverageCount
    invariants: Sequence[Invariant]
    """The invariants that were enabled, for the rules table of SARIF and the like."""
    fail_on: Severity = Severity.ERROR
    version: str = ""

    @property
    def open_findings(self) -> list[LocatedFinding]:
        """The findings that no waiver covers."""
        return [found for found in self.findings if found.waived is None]

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings at or above the failing severity, 2 something could not be read."""
        if self.problems or not self.coverage.files:
            return 2
        threshold = self.fail_on.rank
        return int(any(f.finding.severity.rank >= threshold for f in self.open_findings))


def unknown_lines(unknowns: Sequence[Unknown]) -> list[str]:
    """One line per (invariant, reason) with how many objects it left undecided."""
    counts = Counter((unknown.name, unknown.reason) for unknown in unknowns)
    return [
        f"{name}: undecided for {count} {_plural(count, 'object')}: {reason}"
        for (name, reason), count in sorted(counts.items())
    ]


def _plural(count: int, word: str) -> str:
    return word if count == 1 else word + "s"
