"""Findings as CSV (RFC 4180): one row a finding, for spreadsheets and scripts.

A cell that a spreadsheet would read as a formula gets an apostrophe before it, which spreadsheets
take as "this is text" (https://owasp.org/www-community/attacks/CSV_Injection): names and messages
come from manifests that anybody may have written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from karb_guard.model.audit import Audit
from karb_guard.model.finding import ObjectRef
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, Problem, Report

COLUMNS = (
    "state",
    "severity",
    "id",
    "invariant",
    "check",
    "namespace",
    "kind",
    "name",
    "apiVersion",
    "owner",
    "container",
    "path",
    "message",
    "remediation",
    "reason",
    "file",
    "line",
    "column",
    "gpus",
)
"""``state`` is ``open``, ``waived``, ``known`` (in the baseline), ``problem`` (no verdict),
``missing`` (could not be read) or ``undecided``; ``gpus`` are the owner's, of an audit."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width
Row = dict[str, str]


def render(report: Report, audit: Audit | None = None) -> str:
    """The report as CSV with a header; lines end with CR LF, as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(report, audit):
        writer.writerow({key: neutral(value) for key, value in row.items()})
    return out.getvalue()


def neutral(cell: str) -> str:
    """The cell as text that no spreadsheet calculates, on one line and without NUL."""
    line = cell.replace("\x00", "\ufffd").strip("\ufeff")
    # Spaces before the sign are skipped by some spreadsheets.
    return f"'{line}" if line.lstrip(" ").startswith(_FORMULA) else line


def _rows(report: Report, audit: Audit | None) -> Iterator[Row]:
    for found in report.findings:
        yield _finding(found, audit)
    for unknown in report.unknowns:
        state = {"state": "undecided", "invariant": unknown.name, "reason": unknown.reason}
        yield state | _object(unknown.object)
    for problem in report.problems:
        yield _problem(problem)
    for missing in () if audit is None else audit.missing:
        undecided = ", ".join(missing.undecided)
        yield {"state": "missing", "name": missing.what, "reason": missing.reason} | (
            {"message": f"undecided: {undecided}"} if undecided else {}
        )


def _finding(found: LocatedFinding, audit: Audit | None) -> Row:
    finding, region = found.finding, found.region
    gpus = 0 if audit is None else audit.gpus.get(finding.owner, 0)
    return {
        "state": "open" if found.is_open else "known" if found.waived is None else "waived",
        "severity": finding.severity.value,
        "id": finding.invariant_id,
        "invariant": finding.name,
        "check": finding.check,
        **_object(finding.object),
        "owner": str(finding.owner),
        "container": finding.container or "",
        "path": format_path(finding.path),
        "message": finding.message,
        "remediation": finding.remediation,
        "reason": found.waived or "",
        "file": region.file,
        "line": str(region.line),
        "column": str(region.column),
        "gpus": str(gpus) if audit is not None else "",
    }


def _object(ref: ObjectRef) -> Row:
    return {
        "namespace": ref.namespace or "",
        "kind": ref.kind,
        "name": ref.name,
        "apiVersion": ref.api_version,
    }


def _problem(problem: Problem) -> Row:
    return {
        "state": "problem",
        "check": problem.kind,
        "message": problem.message,
        "remediation": problem.remedy,
        "file": problem.file,
        "line": "" if problem.line is None else str(problem.line),
        "column": "" if problem.column is None else str(problem.column),
    }
