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
import re
from collections.abc import Mapping, Sequence
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
_RANKS = {word: severity.rank for severity, word in _SEVERITY.items()}


FINGERPRINT = "fingerprint"
"""The property of a result that tells it from all others, from scan to scan."""
NOT_READ = "notRead"
"""The property of a result of an earlier scan: what this one could not read of it."""


@dataclass(frozen=True, slots=True)
class ReportObjects:
    """What a cluster should hold after a scan."""

    objects: Sequence[Json]
    left_out_results: int = 0
    """Findings that are in no object: those of the least severity, of namespaces with too many."""
    left_out_namespaces: Sequence[str] = ()
    """Namespaces without an object, as there are too many of them."""


class _Entry(NamedTuple):
    """A result on its way into an object."""

    key: str
    """Hexadecimal; the same in every scan."""
    result: Json

    @property
    def rank(self) -> int:
        """The worst have the highest."""
        return _RANKS.get(str(self.result.get("severity")), 0)


def report_objects(
    audit: Audit, api: ReportApi, earlier: Mapping[str, Sequence[Json]] | None = None
) -> ReportObjects:
    """The objects for an audit: one or more for each namespace with findings, open or waived.

    ``earlier``: namespace -> results that are in the cluster and that the audit says nothing about,
    as ``kept`` makes them. What the audit found itself comes before them.
    """
    namespaces = _by_namespace(audit, earlier or {})
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
            _object(api, name, index, shard, annotations)
            for index, shard in enumerate(shards)
            if shard
        ]
    return ReportObjects(objects, dropped, without)


def kept(result: Json, why: str) -> Json:
    """A result of an earlier scan, which says what the later one did not read of it."""
    properties = result.get("properties") or {}
    return {**result, "properties": {**properties, NOT_READ: _short(why)}}


def _by_namespace(audit: Audit, earlier: Mapping[str, Sequence[Json]]) -> dict[str, list[_Entry]]:
    """What is to be told of each namespace. Equal findings are one: identities are names."""
    invariants = {invariant.name: invariant for invariant in audit.report.invariants}
    found: dict[str, dict[str, _Entry]] = {}
    for name, results in earlier.items():
        for result in results:
            entry = _Entry(_key(result), result)
            found.setdefault(name, {})[entry.key] = entry
    for each in audit.report.findings:
        result = _result(each, invariants)
        entry = _Entry(_key(result), result)
        found.setdefault(each.finding.owner.namespace or "", {})[entry.key] = entry
    return {name: list(entries.values()) for name, entries in found.items()}


def _key(result: Json) -> str:
    """Its fingerprint; of one that an older version wrote without, a hash of all that it says."""
    properties = result.get("properties") or {}
    said = properties.get(FINGERPRINT)
    if isinstance(said, str) and re.fullmatch("[0-9a-f]{32}", said):
        return said
    rest = {**result, "properties": {k: v for k, v in properties.items() if k != NOT_READ}}
    return content(rest)


def _within_bounds(found: Sequence[_Entry]) -> tuple[list[_Entry], int]:
    """The worst findings that fit, and how many don't."""
    ordered = sorted(found, key=lambda entry: (-entry.rank, entry.key))
    # A hash does not fill objects evenly: half of the room is what surely fits.
    most = MAX_RESULTS * MAX_SHARDS // 2
    return ordered[:most], max(0, len(ordered) - most)


def _shards(found: Sequence[_Entry]) -> list[list[Json]]:
    """Results by hash, over the smallest power of two of objects that holds them."""
    ordered = sorted(found, key=lambda entry: entry.key)
    count = 1
    while True:
        shards: list[list[Json]] = [[] for _ in range(count)]
        for key, result in ordered:
            shards[int(key[:8], 16) % count].append(result)
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
        FINGERPRINT: fingerprint(finding)[:32],
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


def _errors(found: Sequence[_Entry]) -> int:
    return sum(entry.result.get("result") == "fail" for entry in found)


def _short(text: str) -> str:
    # A lone surrogate has no UTF-8, and the API server takes nothing else.
    shown = text.encode(errors="replace").decode()
    return shown if len(shown) <= MAX_TEXT else f"{shown[: MAX_TEXT - 1]}…"
