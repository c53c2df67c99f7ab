"""SARIF 2.1.0, the format of code scanning services.

Regions are the fields themselves; ``partialFingerprints`` hold a finding's identity, so that a
service tracks it over moved lines and reordered lists.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from karb_guard.model.finding import Finding, Severity
from karb_guard.model.invariant import Invariant
from karb_guard.model.path import format_path
from karb_guard.model.report import (
    LocatedFinding,
    Problem,
    Region,
    Report,
    baseline_lines,
    unknown_lines,
)
from karb_guard.reports.streaming import Rows, pieces

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SECURITY_SEVERITY = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.INFO: "2.0"}
"""GitHub's scale: 7.0 and above is high, 4.0 medium, below low."""


def render(report: Report) -> Iterator[str]:
    """The report as a SARIF log of one run, in pieces."""
    return pieces(_log(report))


def _log(report: Report) -> dict[str, Any]:
    rules = sorted(report.invariants, key=lambda invariant: invariant.id)
    index = {invariant.id: position for position, invariant in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "karb-guard",
                "semanticVersion": report.version,
                "rules": [_rule(invariant) for invariant in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "exitCode": report.exit_code,
                "toolExecutionNotifications": [
                    *(_notification(problem) for problem in report.problems),
                    *(_note("undecided", line) for line in unknown_lines(report.unknowns)),
                    *(_note("rendering", note) for note in report.notes),
                    *(_note("baseline", line) for line in baseline_lines(report.baseline)),
                ],
            }
        ],
        "results": Rows(partial(_result, index=index), report.findings),
        "properties": {"coverage": report.coverage.line()},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def fingerprint(finding: Finding) -> str:
    """A stable hash of the finding's identity."""
    identity = finding.identity
    text = "\x00".join(
        (identity.invariant_id, identity.check, repr(identity.owner), identity.anchor)
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _rule(invariant: Invariant) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": invariant.id,
        "name": invariant.name,
        "shortDescription": {"text": invariant.title},
        "fullDescription": {"text": invariant.description},
        "help": {
            "text": f"{invariant.description}\n\n{invariant.remediation}",
            "markdown": f"{invariant.description}\n\n**How to mend**\n\n{invariant.remediation}",
        },
        "defaultConfiguration": {"level": _LEVELS[invariant.severity]},
        "properties": {
            "tags": ["security", "kubernetes", invariant.category],
            "security-severity": _SECURITY_SEVERITY[invariant.severity],
        },
    }
    if invariant.references:
        rule["helpUri"] = invariant.references[0].ref
    return rule


def _result(found: LocatedFinding, index: dict[str, int]) -> dict[str, Any]:
    finding = found.finding
    result: dict[str, Any] = {
        "ruleId": finding.invariant_id,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.object}: {finding.message}"},
        "locations": [_location(found)],
        "partialFingerprints": {"karbGuardIdentity/v1": fingerprint(finding)},
        "properties": {"check": finding.check, "container": finding.container},
    }
    if finding.invariant_id in index:
        result["ruleIndex"] = index[finding.invariant_id]
    if found.waived is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": found.waived}]
    if found.baseline is not None:
        result["baselineState"] = found.baseline.value
    return result


def _location(found: LocatedFinding) -> dict[str, Any]:
    region = found.region
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(region.file),
            "region": _region(region),
        },
        "logicalLocations": [
            {
                "fullyQualifiedName": f"{found.finding.object}#{format_path(found.finding.path)}",
                "kind": "object",
            }
        ],
    }


def _region(region: Region) -> dict[str, Any]:
    """The field's; of what was rendered the first line, and where it is in the command's output."""
    if region.rendered:
        place = {"renderedLine": region.line, "renderedColumn": region.column}
        return {"startLine": 1, "properties": place}
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _artifact(file: str) -> dict[str, Any]:
    """A URI relative to the checkout, as code scanning expects it, where the file is below it.

    The working directory stands for the checkout.
    """
    path = PurePath(file)
    if path.is_absolute():
        with contextlib.suppress(ValueError):
            path = path.relative_to(Path.cwd())
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _notification(problem: Problem) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(problem.file)}
    if problem.line is not None:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "level": "error",
        "message": {"text": problem.text},
        "descriptor": {"id": problem.kind},
        "locations": [{"physicalLocation": place}],
    }


def _note(kind: str, text: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": text}, "descriptor": {"id": kind}}
