"""An audit as report objects of the cluster, for the tools that read those.

Two groups have them: ``openreports.io/v1alpha1`` (``Report``, ``ClusterReport``; fields from
github.com/openreports/reports-api, ``report_types.go``) and its predecessor
``wgpolicyk8s.io/v1alpha2`` (``PolicyReport``, ``ClusterPolicyReport``; fields from
github.com/kubernetes-sigs/wg-policy-prototypes, ``policyreport_types.go``).

etcd holds every version of an object for minutes, and objects of at most 1.5 MiB. So results are
spread over a bounded number of bounded objects, by a hash of each finding's identity: a finding
that comes or goes changes one object. And nothing in them depends on when a scan ran: a scan that
finds the same writes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from karb_guard.model.audit import Audit
from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.invariant import Invariant
from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding
from karb_guard.reports.layers import layer_of
from karb_guard.reports.sarif import fingerprint

Json = dict[str, Any]

MAX_RESULTS = 200
"""Of one object; with the bounds of a result's texts it stays below 500 KiB."""
MAX_SHARDS = 16
"""Objects of one namespace; a power of two."""
MAX_OBJECTS = 1_000
"""Objects of one cluster."""
MAX_TEXT = 300
"""Characters of a message, a path or a reason; the other reports have all."""

MANAGED_BY = "app.kubernetes.io/managed-by"
SOURCE = "karb-guard"
CONTENT = "karb.dev/content"
"""The annotation with a hash of the object, by which the next scan sees that nothing changed."""
LEFT_OUT = "karb.dev/results-left-out"
INCOMPLETE = "karb.dev/not-read"


class ReportApi(NamedTuple):
    """One group of report objects."""

    api_version: str
    kind: str
    plural: str
    cluster_kind: str
    cluster_plural: str
    has_source: bool
    """Whether the object says itself whose it is, and not each result alone."""


OPENREPORTS = ReportApi(
    "openreports.io/v1alpha1", "Report", "reports", "ClusterReport", "clusterreports", True
)
WGPOLICY = ReportApi(
    "wgpolicyk8s.io/v1alpha2",
    "PolicyReport",
    "policyreports",
    "ClusterPolicyReport",
    "clusterpolicyreports",
    False,
)
APIS = {"openreports": OPENREPORTS, "wgpolicy": WGPOLICY}
"""As the command line names them."""

_SEVERITY = {Severity.ERROR: "high", Severity.WARNING: "medium", Severity.INFO: "info"}


@dataclass(frozen=True, slots=True)
class ReportObjects:
    """What a cluster should hold after a scan."""

    objects: Sequence[Json]
    left_out_results: int = 0
    """Findings that are in no object: those of the least severity, of namespaces with too many."""
    left_out_namespaces: Sequence[str] = ()
    """Namespaces without an object, as there are too many of them."""


def report_objects(audit: Audit, api: ReportApi) -> ReportObjects:
    """The objects for an audit: one or more for each namespace with findings, open or waived."""
    invariants = {invariant.name: invariant for invariant in audit.report.invariants}
    namespaces: dict[str, list[LocatedFinding]] = {}
    for found in audit.report.findings:
        namespaces.setdefault(found.finding.owner.namespace or "", []).append(found)
    not_read = _not_read(audit)
    objects: list[Json] = []
    dropped, without = 0, []
    # The namespaces with the most errors get their objects first.
    for name in sorted(namespaces, key=lambda name: (-_errors(namespaces[name]), name)):
        kept, rest = _within_bounds(namespaces[name])
        shards = _shards(kept)
        if len(objects) + len(shards) > MAX_OBJECTS:
            without.append(name)
            dropped += len(namespaces[name])
            continue
        dropped += rest
        annotations = not_read | ({LEFT_OUT: str(rest)} if rest else {})
        objects += [
            _object(api, name, index, [_result(each, invariants) for each in shard], annotations)
            for index, shard in enumerate(shards)
            if shard
        ]
    return ReportObjects(objects, dropped, without)


def _within_bounds(found: Sequence[LocatedFinding]) -> tuple[list[LocatedFinding], int]:
    """The worst findings that fit, and how many don't. Equal ones are one: identities are names."""
    distinct = {fingerprint(each.finding): each for each in found}
    ordered = sorted(distinct.items(), key=lambda item: (-item[1].finding.severity.rank, item[0]))
    # A hash does not fill objects evenly: half of the room is what surely fits.
    most = MAX_RESULTS * MAX_SHARDS // 2
    return [each for _, each in ordered[:most]], max(0, len(ordered) - most)


def _shards(found: Sequence[LocatedFinding]) -> list[list[LocatedFinding]]:
    """Findings by hash, over the smallest power of two of objects that holds them."""
    keyed = sorted(((fingerprint(f.finding), f) for f in found), key=lambda item: item[0])
    count = 1
    while True:
        shards: list[list[LocatedFinding]] = [[] for _ in range(count)]
        for key, each in keyed:
            shards[int(key[:8], 16) % count].append(each)
        if count == MAX_SHARDS or max(map(len, shards)) <= MAX_RESULTS:
            return [shard[:MAX_RESULTS] for shard in shards]
        count *= 2


def _object(
    api: ReportApi, namespace: str, index: int, results: Sequence[Json], annotations: Json
) -> Json:
    metadata: Json = {
        "name": f"{SOURCE}-{index:02}",
        "labels": {MANAGED_BY: SOURCE},
        "annotations": dict(annotations),
    }
    if namespace:
        metadata["namespace"] = namespace
    outcomes = [result["result"] for result in results]
    made: Json = {
        "apiVersion": api.api_version,
        "kind": api.kind if namespace else api.cluster_kind,
        "metadata": metadata,
        "summary": {
            outcome: outcomes.count(outcome)
            for outcome in ("pass", "fail", "warn", "error", "skip")
        },
        "results": list(results),
    }
    if api.has_source:
        made["source"] = SOURCE
    metadata["annotations"][CONTENT] = content(made)
    return made


def content(made: Json) -> str:
    """A hash of an object that has none yet."""
    text = json.dumps(made, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _result(found: LocatedFinding, invariants: dict[str, Invariant]) -> Json:
    finding = found.finding
    invariant = invariants.get(finding.name)
    properties = {
        "id": finding.invariant_id,
        "path": _short(format_path(finding.path)),
        "owner": _short(str(finding.owner)),
    }
    if invariant is not None:
        properties["layer"] = layer_of(invariant).value
    if finding.container:
        properties["container"] = _short(finding.container)
    if found.waived is not None:
        properties["waived"] = _short(found.waived)
    is_error = finding.severity is Severity.ERROR
    return {
        "source": SOURCE,
        "policy": finding.name,
        "rule": finding.check,
        "category": "" if invariant is None else invariant.category,
        "severity": _SEVERITY[finding.severity],
        "result": "skip" if not found.is_open else "fail" if is_error else "warn",
        "scored": is_error,
        "resources": [_reference(finding.object)],
        "message": _short(finding.message),
        "properties": properties,
    }


def _reference(ref: ObjectRef) -> Json:
    found = {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name}
    return found | ({"namespace": ref.namespace} if ref.namespace else {})


def _not_read(audit: Audit) -> Json:
    """An annotation that says of what nothing is known, so that nobody reads silence as a pass."""
    if not audit.missing:
        return {}
    return {INCOMPLETE: _short(", ".join(sorted(missing.what for missing in audit.missing)))}


def _errors(found: Sequence[LocatedFinding]) -> int:
    return sum(f.is_open and f.finding.severity is Severity.ERROR for f in found)


def _short(text: str) -> str:
    # A lone surrogate has no UTF-8, and the API server takes nothing else.
    shown = text.encode(errors="replace").decode()
    return shown if len(shown) <= MAX_TEXT else f"{shown[: MAX_TEXT - 1]}…"
