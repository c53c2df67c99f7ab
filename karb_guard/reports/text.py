"""The report that people read in a terminal: grouped by file, with the source line and a caret."""

from __future__ import annotations

from collections.abc import Iterator

from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, Region, Report, unknown_lines

MAX_SOURCE_CHARACTERS = 160
"""A longer source line is cut around the caret; manifests may hold a model's whole config."""

_COLOURS = {
    "error": "31;1",
    "warning": "33;1",
    "info": "36",
    "dim": "2",
    "bold": "1",
}


def render(
    report: Report, *, colour: bool = False, verbose: bool = False, quiet: bool = False
) -> str:
    """The whole text report, ending with the coverage line and a summary.

    ``verbose`` adds waived findings and, per finding, the remediation; ``quiet`` leaves out
    everything but findings and problems.
    """
    paint = _Painter(colour)
    lines: list[str] = []
    for found in sorted(report.findings, key=_order):
        if found.waived is None or verbose:
            lines += _finding(found, paint, verbose=verbose)
    for problem in report.problems:
        where = f"{problem.file}:{problem.line}:{problem.column}"
        lines += [f"{where}: {paint('error', problem.kind)} {problem.message}", ""]
    if not quiet:
        lines += _footer(report, paint, verbose=verbose)
    return "".join(f"{line}\n" for line in lines)


class _Painter:
    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._enabled else text


def _order(found: LocatedFinding) -> tuple[str, int, int, str, str]:
    region = found.region
    return (
        region.file,
        region.line,
        region.column,
        found.finding.invariant_id,
        found.finding.check,
    )


def _finding(found: LocatedFinding, paint: _Painter, *, verbose: bool) -> Iterator[str]:
    finding, region = found.finding, found.region
    head = f"{region.file}:{region.line}:{region.column}"
    label = f"{finding.severity.value} {finding.invariant_id} {finding.name}"
    waived = paint("dim", f" (waived: {found.waived})") if found.waived else ""
    yield f"{paint('bold', head)}: {paint(finding.severity.value, label)}{waived}"
    yield f"  {finding.object}: {finding.message}"
    yield paint("dim", f"  at {format_path(finding.path)}")
    yield from _source(region, paint)
    if verbose:
        yield from (
            f"  {paint('dim', 'mend:')} {line}" for line in finding.remediation.splitlines()
        )
    yield ""


def _source(region: Region, paint: _Painter) -> Iterator[str]:
    """The source line under its number, and a caret below the field."""
    if not region.text:
        return
    gutter = str(region.line)
    start = region.column - 1
    shift = (
        max(0, start - MAX_SOURCE_CHARACTERS // 2)
        if len(region.text) > MAX_SOURCE_CHARACTERS
        else 0
    )
    text = printable(region.text)[shift : shift + MAX_SOURCE_CHARACTERS]
    width = region.end_column - region.column if region.end_line == region.line else 0
    width = max(1, min(width, len(text) - (start - shift)))
    yield f"  {paint('dim', gutter + ' |')} {text}"
    indent = " " * (start - shift)
    yield f"  {' ' * len(gutter)} {paint('dim', '|')} {indent}{paint('error', '^' * width)}"


def printable(text: str) -> str:
    """Source text safe for a terminal: one character for each, so that the caret stays right."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "�" for c in text)


def _footer(report: Report, paint: _Painter, *, verbose: bool) -> Iterator[str]:
    for line in unknown_lines(report.unknowns):
        yield paint("dim", line)
    kinds = report.coverage.unknown_kinds
    if kinds:
        shown = kinds.most_common(None if verbose else 5)
        more = "" if len(shown) == len(kinds) else f" and {len(kinds) - len(shown)} more"
        listed = ", ".join(f"{kind} ({count})" for kind, count in shown)
        yield paint("dim", f"unknown kinds: {listed}{more}")
    yield from (paint("dim", line) for line in report.coverage.skipped)
    yield f"{report.coverage.line()}."
    yield paint("bold", _summary(report))


def _summary(report: Report) -> str:
    still = report.open_findings
    counts = [
        f"{n} {severity.value}{'s' if n != 1 and severity is not Severity.INFO else ''}"
        for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)
        if (n := sum(found.finding.severity is severity for found in still))
    ]
    waived = len(report.findings) - len(still)
    tail = f" ({waived} waived)" if waived else ""
    return (", ".join(counts) if counts else "no findings") + tail
