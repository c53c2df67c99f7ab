"""One line a change of a living cluster, for people and for programs.

The shape of the latter is published as docs/reference/watch.schema.json.
"""

from __future__ import annotations

import json
from typing import Any

from karb_guard.model.audit import Audit
from karb_guard.model.change import Change, Event
from karb_guard.model.finding import Finding
from karb_guard.reports import audit_json, json_report
from karb_guard.reports.snippet import printable

SCHEMA_VERSION = "1.0"
"""Raised in its first number when a field changes its meaning or goes away."""
_COLOURS = {"+": "31;1", "-": "32", "!": "33;1", "=": "36", "~": "33"}
_WORDS = {Event.UNSEEN: "not seen", Event.SEEN: "seen again", Event.LATE: "seen late"}


def first_line(audit: Audit) -> str:
    """The first report, as the first line for programs."""
    return _line({"event": "audit", "time": audit_json.time_of(audit.started)}, audit=audit)


def json_line(change: Change) -> str:
    """One change for programs."""
    document: dict[str, Any] = {"event": change.event.value, "time": audit_json.time_of(change.at)}
    if change.finding is not None:
        document["finding"] = json_report.finding(change.finding)
    else:
        document |= {
            "what": change.what,
            "reason": change.reason,
            "undecided": list(change.undecided),
        }
    return _line(document)


def text_line(change: Change, *, colour: bool = False) -> str:
    """One change for people: time (UTC), what happened, where, and what."""
    mark = change.event.mark
    if colour:
        mark = f"\x1b[{_COLOURS[mark]}m{mark}\x1b[0m"
    said = _other(change) if change.finding is None else _said(change.finding.finding)
    return f"{change.at:%H:%M:%S} {mark} {printable(said)}\n"


def _said(finding: Finding) -> str:
    ref = finding.object
    place = ref.namespace or "(cluster-scoped)"
    return (
        f"{place} {ref.kind}/{ref.name} {finding.invariant_id} {finding.severity.value} "
        f"{finding.name}: {finding.message}"
    )


def _other(change: Change) -> str:
    undecided = f"; undecided: {', '.join(change.undecided)}" if change.undecided else ""
    reason = f": {change.reason}" if change.reason else ""
    return f"{_WORDS[change.event]}: {change.what}{reason}{undecided}"


def _line(document: dict[str, Any], audit: Audit | None = None) -> str:
    whole = {"schemaVersion": SCHEMA_VERSION, **document}
    if audit is not None:
        whole["audit"] = audit_json.document(audit)
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
