"""GitHub Actions workflow commands: annotations on the changed lines of a pull request."""

from __future__ import annotations

from karb_guard.model.finding import Severity
from karb_guard.model.report import Region, Report, baseline_lines, unknown_lines
from karb_guard.reports.snippet import printable

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """One ``::error file=..,line=..::`` line per open finding and problem, then the coverage line.

    Escapes as GitHub's toolkit does it: ``%``, CR and LF in messages, ``:`` and ``,`` also in
    properties (actions/toolkit, packages/core/src/command.ts).
    """
    lines = []
    for found in report.open_findings:
        finding, region = found.finding, found.region
        title = _property(f"{finding.invariant_id} {finding.name}")
        properties = f"file={_property(region.file)},{_place(region)}title={title}"
        place = f" (line {region.line} of what it renders to)" if region.rendered else ""
        message = _data(f"{finding.object}: {finding.message}{place}")
        lines.append(f"::{_COMMANDS[finding.severity]} {properties}::{message}")
    for problem in report.problems:
        place = "" if problem.line is None else f"line={problem.line},col={problem.column},"
        properties = f"file={_property(problem.file)},{place}title={_property(problem.kind)}"
        lines.append(f"::error {properties}::{_data(problem.text)}")
    lines += [f"::notice title=rendering::{_data(note)}" for note in report.notes]
    lines += [_data(line) for line in unknown_lines(report.unknowns)]
    lines += [_data(line) for line in baseline_lines(report.baseline)]
    lines.append(f"{report.coverage.line()}.")
    return "\n".join(lines) + "\n"


def _place(region: Region) -> str:
    """The lines to annotate; the file's first where the line is not one of the file."""
    if region.rendered:
        return "line=1,"
    lines = f"line={region.line},endLine={region.end_line}"
    return f"{lines},col={region.column},{_end(region)}"


def _end(region: Region) -> str:
    """The last column, which GitHub takes only on the line of the first."""
    return f"endColumn={region.end_column}," if region.end_line == region.line else ""


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
