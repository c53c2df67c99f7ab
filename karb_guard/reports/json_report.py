"""The machine-readable report. Its schema is published as docs/reference/report.schema.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from karb_guard.model.finding import Identity, ObjectRef, Unknown
from karb_guard.model.path import format_path
from karb_guard.model.report import BaselineResult, LocatedFinding, Problem, Report
from karb_guard.reports.streaming import ListOf, Rows, pieces, whole

SCHEMA_VERSION = "1.0"
"""Raised in its first number when a field changes its meaning or goes away."""


def render(report: Report) -> Iterator[str]:
    """The report as one JSON document with a schema version, in pieces."""
    return pieces(document(report, Rows))


def document(report: Report, list_of: ListOf = whole) -> dict[str, Any]:
    """The report as plain data."""
    coverage = report.coverage
    return {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "karb-guard", "version": report.version},
        "exitCode": report.exit_code,
        "findings": list_of(finding, report.findings),
        "problems": list_of(_problem, report.problems),
        "undecided": list_of(_unknown, report.unknowns),
        "coverage": {
            "files": coverage.files,
            "checked": coverage.checked,
            "discovered": coverage.discovered,
            "unknownKinds": dict(coverage.unknown_kinds),
            "unparsed": coverage.unparsed,
            "notKubernetes": coverage.not_kubernetes,
            "notEvaluated": coverage.not_evaluated,
            "leftOut": coverage.left_out,
        },
        "leftOut": [
            {"file": entry.file, "line": entry.line, "reason": entry.reason}
            for entry in report.left_out
        ],
        "notes": list(report.notes),
        "baseline": None if report.baseline is None else _baseline(report.baseline),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "kind": problem.kind,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _unknown(unknown: Unknown) -> dict[str, Any]:
    return {
        "invariant": unknown.name,
        "object": _object(unknown.object),
        "reason": unknown.reason,
    }


def _baseline(result: BaselineResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "known": result.known,
        "gone": [_identity(entry) for entry in result.gone],
        "absent": [_identity(entry) for entry in result.absent],
    }


def _identity(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.invariant_id,
        "check": identity.check,
        "owner": _object(identity.owner),
        "anchor": identity.anchor,
    }


def _object(ref: ObjectRef) -> dict[str, Any]:
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "namespace": ref.namespace,
        "name": ref.name,
    }


def finding(located: LocatedFinding) -> dict[str, Any]:
    """One finding as plain data."""
    found, region = located.finding, located.region
    return {
        "id": found.invariant_id,
        "name": found.name,
        "check": found.check,
        "severity": found.severity.value,
        "message": found.message,
        "remediation": found.remediation,
        "object": _object(found.object),
        "owner": _object(found.owner),
        "container": found.container,
        "path": format_path(found.path),
        "anchor": found.anchor,
        "file": region.file,
        "line": region.line,
        "column": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
        "rendered": region.rendered,
        "waived": located.waived,
        "baselineState": None if located.baseline is None else located.baseline.value,
    }
