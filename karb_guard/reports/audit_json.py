"""An audit for programs. Its schema is published as docs/reference/audit.schema.json.

The report inside is what lint prints, in the same schema, so that one reader does for both.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from karb_guard.model.audit import Audit
from karb_guard.reports import json_report
from karb_guard.reports.digest import digest
from karb_guard.reports.figures import SEVERITIES, Digest, Gpus, NamespaceRow
from karb_guard.reports.layers import Layer
from karb_guard.reports.prices import PriceTable
from karb_guard.reports.score import FORMULA
from karb_guard.reports.streaming import ListOf, Rows, pieces, whole

SCHEMA_VERSION = "1.0"
"""Raised in its first number when a field changes its meaning or goes away."""


def render(audit: Audit, prices: PriceTable | None = None) -> Iterator[str]:
    """The audit as one JSON document, in pieces."""
    return pieces(document(audit, prices, Rows))


def document(
    audit: Audit, prices: PriceTable | None = None, list_of: ListOf = whole
) -> dict[str, Any]:
    """The audit as plain data."""
    found = digest(audit.report, audit, prices)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "cluster": audit.cluster,
        "started": time_of(audit.started),
        "seconds": round(audit.seconds, 3),
        "exitCode": audit.exit_code,
        "score": {
            "formula": FORMULA,
            "total": found.score.value,
            "layers": {layer.value: found.layers[layer].value for layer in Layer},
        },
        "namespaces": [_namespace(row, found) for row in found.namespaces],
        "gpus": {"all": found.all_gpus, "withFindings": _gpus(found.gpus, found)},
        "actions": [
            {
                "invariant": action.name,
                "severity": action.severity.value,
                "layer": action.layer.value,
                "findings": action.findings,
                "objects": len(action.owners),
                "gpus": _gpus(action.gpus, found),
            }
            for action in found.actions
        ],
        "missing": [
            {"what": m.what, "reason": m.reason, "undecided": list(m.undecided)}
            for m in audit.missing
        ],
        "trend": [
            {
                "at": time_of(point.at),
                "objects": point.objects,
                "open": {s.value: point.open_findings.get(s, 0) for s in SEVERITIES},
            }
            for point in found.trend
        ],
        "report": json_report.document(audit.report, list_of),
    }


def _namespace(row: NamespaceRow, found: Digest) -> dict[str, Any]:
    summary = None if found.audit is None else found.audit.namespaces.get(row.name)
    stages = {} if summary is None else summary.stages
    return {
        "name": row.name,
        "score": row.score.value,
        "layers": {layer.value: row.layers[layer].value for layer in Layer},
        "objects": row.score.objects,
        "workloads": row.workloads,
        "open": dict(zip((s.value for s in SEVERITIES), row.counts, strict=True)),
        "gpus": {
            "all": 0 if summary is None else summary.gpus,
            "withFindings": _gpus(row.gpus, found),
        },
        "stages": {name: stage.value for name, stage in sorted(stages.items())},
    }


def _gpus(gpus: Gpus, found: Digest) -> dict[str, Any]:
    cost = None
    if found.prices is not None:
        cost = {
            "perDay": float(gpus.per_day),
            "currency": found.prices.currency,
            "pricedGpus": gpus.priced,
        }
    return {"count": gpus.total, "hoursPerDay": gpus.hours, "cost": cost}


def time_of(at: datetime.datetime) -> str:
    """A time as all documents have it: ``2026-01-31T12:00:00Z``."""
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
