"""The report that people read in a terminal.

One block a place, with the source line and a caret, and below it everything that is wrong there:
a container without a security context breaks several invariants at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from karb_guard.model.report import (
    LeftOut,
    LocatedFinding,
    Problem,
    Region,
    Report,
    baseline_lines,
    unknown_lines,
)
from karb_guard.reports.snippet import printable, snippet

MAX_KINDS = 5
"""Unknown kinds that are named without ``--verbose``."""
_COLOURS = {"error": "31;1", "warning": "33;1", "info": "36", "dim": "2", "bold": "1"}


def render(
    report: Report, *, colour: bool = False, verbose: bool = False, quiet: bool = False
) -> str:
    """The whole text report, ending with the coverage line and a summary.

    ``verbose`` adds waived findings, remedies, and what was left out file by file; ``quiet``
    leaves out everything but findings and problems.
    """
    paint = _Painter(colour)
    shown = report.findings if verbose else report.open_findings
    lines: list[str] = []
    for _, group in groupby(shown, key=_place):
        lines += [*_block(list(group), paint, verbose=verbose), ""]
    for problem in report.problems:
        lines += _problem(problem, paint)
    if report.problems:
        lines.append("")
    if not quiet:
        lines += _footer(report, paint, verbose=verbose)
    elif lines and not lines[-1]:
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def summary(report: Report) -> str:
    """The coverage line and the number of findings, for where no text report is printed."""
    return f"{report.coverage.line()}: {_counts(report)}"


class _Painter:
    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._enabled else text


def _place(found: LocatedFinding) -> tuple[Region, str]:
    return found.region, str(found.finding.object)


def _block(group: list[LocatedFinding], paint: _Painter, *, verbose: bool) -> Iterator[str]:
    """Everything that was found at one place."""
    region, where = group[0].region, group[0].finding.object
    yield f"{paint('bold', printable(region.location))}: {printable(str(where))}"
    found = snippet(region)
    if found is not None:
        worst = max((g.finding.severity for g in group), key=lambda severity: severity.rank)
        yield f"  {paint('dim', found.number + ' |')} {found.source}"
        gutter = f"{' ' * len(found.number)} |"
        yield f"  {paint('dim', gutter)} {paint(worst.value, found.caret)}"
    for each in group:
        yield from _finding(each, paint, verbose=verbose)


def _finding(found: LocatedFinding, paint: _Painter, *, verbose: bool) -> Iterator[str]:
    finding = found.finding
    label = paint(finding.severity.value, f"{finding.severity.value} {finding.name}")
    yield f"  {label} {paint('dim', finding.invariant_id)}: {printable(finding.message)}"
    yield paint("dim", f"    at {printable(format_path(finding.path))}")
    if found.waived is not None:
        yield paint("dim", f"    waived: {printable(found.waived)}")
    elif not found.is_open:
        yield paint("dim", "    known: it is in the baseline")
    elif verbose:
        remedy = finding.remediation.splitlines()
        yield from (paint("dim", f"    mend: {line}") for line in remedy[:1])
        yield from (paint("dim", f"          {line}") for line in remedy[1:])


def _problem(problem: Problem, paint: _Painter) -> Iterator[str]:
    label = paint("error", problem.kind)
    where = paint("bold", printable(problem.location))
    yield f"{where}: {label}: {printable(problem.message)}"
    if problem.remedy:
        yield f"    {printable(problem.remedy)}"


def _footer(report: Report, paint: _Painter, *, verbose: bool) -> Iterator[str]:
    yield from (paint("dim", f"note: {printable(note)}") for note in report.notes)
    for line in unknown_lines(report.unknowns, every_reason=verbose):
        yield paint("dim", printable(line))
    yield from (paint("dim", line) for line in _unknown_kinds(report, verbose=verbose))
    yield from (paint("dim", line) for line in _left_out(report.left_out, verbose=verbose))
    for line in baseline_lines(report.baseline, every_entry=verbose):
        yield paint("dim", printable(line))
    yield f"{report.coverage.line()}."
    yield paint("bold", _summary(report))


def _unknown_kinds(report: Report, *, verbose: bool) -> Iterator[str]:
    kinds = report.coverage.unknown_kinds
    if kinds:
        shown = kinds.most_common(None if verbose else MAX_KINDS)
        more = f" and {len(kinds) - len(shown)} more" if len(shown) < len(kinds) else ""
        listed = ", ".join(f"{printable(kind)} ({count})" for kind, count in shown)
        yield f"unknown kinds: {listed}{more}"


def _left_out(entries: Sequence[LeftOut], *, verbose: bool) -> Iterator[str]:
    """Each file that was not checked with ``verbose``, else how many for which reason.

    Documents that are no manifests have a number in the coverage line already.
    """
    if verbose:
        for entry in entries:
            place = entry.file if entry.line is None else f"{entry.file}:{entry.line}"
            yield f"left out: {printable(place)}: {printable(entry.reason)}"
        return
    reasons = Counter(entry.reason for entry in entries if entry.line is None)
    for reason, count in reasons.items():
        yield f"left out: {count} x {printable(reason)}"


def _summary(report: Report) -> str:
    text = _counts(report)
    if report.problems:
        return f"{text}; no verdict: not everything could be checked"
    if not (report.coverage.checked or report.findings):
        return f"{text}: nothing was checked"
    hint = "" if not report.open_findings else "; `karb-guard explain NAME` says why and what to do"
    return text + hint


def _counts(report: Report) -> str:
    still = report.open_findings
    counts = [
        f"{n} {severity.value}{'s' if n != 1 and severity is not Severity.INFO else ''}"
        for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)
        if (n := sum(found.finding.severity is severity for found in still))
    ]
    waived = sum(found.waived is not None for found in report.findings)
    known = len(report.findings) - len(still) - waived
    parts = [f"{count} {word}" for count, word in ((waived, "waived"), (known, "known")) if count]
    tail = f" ({', '.join(parts)})" if parts else ""
    return (", ".join(counts) if counts else "no findings") + tail
