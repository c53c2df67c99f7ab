"""GitHub Actions workflow commands: annotations on the changed lines of a pull request."""

from __future__ import annotations

from karb_guard.model.finding import Severity
from karb_guard.model.report import Report, unknown_lines

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """One ``::error file=..,line=..::`` line per open finding and problem, then the coverage line.

    Escapes as GitHub's toolkit does it: ``%``, CR and LF in messages, ``:`` and ``,`` also in
    properties (actions/toolkit, packages/core/src/command.ts).
    """
    lines = []
    for found in report.open_findings:
        finding, region = found.finding, found.region
        properties = (
            f"file={_property(region.file)},line={region.line},endLine={region.end_line},"
            f"col={region.column},title={_property(f'{finding.invariant_id} {finding.name}')}"
        )
        message = _data(f"{finding.object}: {finding.message}")
        lines.append(f"::{_COMMANDS[finding.severity]} {properties}::{message}")
    for problem in report.problems:
        properties = (
            f"file={_property(problem.file)},line={problem.line},col={problem.column},"
            f"title={_property(problem.kind)}"
        )
        lines.append(f"::error {properties}::{_data(problem.message)}")
    lines += unknown_lines(report.unknowns)
    lines.append(f"{report.coverage.line()}.")
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
