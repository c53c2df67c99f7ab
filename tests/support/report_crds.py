"""CustomResourceDefinitions of the two groups of report objects: published ones, and small ones.

``published`` reads those that the projects publish from Go's module cache (``tools/reports`` pins
the modules). ``crds`` are for tests without Go: only what our objects use, but strict about it, in
the names, the required ``policy``, the closed words and ``resources``. From
github.com/openreports/reports-api (``apis/openreports.io/v1alpha1/report_types.go``) and
github.com/kubernetes-sigs/wg-policy-prototypes (``policy-report/pkg/api/wgpolicyk8s.io/v1alpha2/
policyreport_types.go``).
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from karb_guard.reports.policy_report import OPENREPORTS, WGPOLICY, ReportApi
from karb_guard.toolchain import ToolchainError, find_go

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
RESULTS = ["pass", "fail", "warn", "error", "skip"]
REFERENCE = ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid")
RESULT: Json = {
    "type": "object",
    "required": ["policy"],
    "properties": {
        **dict.fromkeys(("source", "policy", "rule", "category", "message"), TEXT),
        "severity": {"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
        "result": {"type": "string", "enum": RESULTS},
        "scored": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": TEXT},
        "resources": {
            "type": "array",
            "items": {"type": "object", "properties": dict.fromkeys(REFERENCE, TEXT)},
        },
    },
}


PINNED = Path(__file__).parents[2] / "tools" / "reports"
PUBLISHED = {
    OPENREPORTS: ("github.com/openreports/reports-api", "config/crd"),
    WGPOLICY: ("github.com/kyverno/kyverno", "config/crds/policyreport"),
}
"""API -> module and folder. The second one is generated from the API's own Go types, too."""
DOWNLOAD_SECONDS = 300


def published(api: ReportApi) -> list[Json]:
    """As their project publishes them. Raises ``ToolchainError`` without Go, or the module."""
    module, folder = PUBLISHED[api]
    pins = (PINNED / "go.mod").read_text(encoding="utf-8")
    (version,) = re.findall(rf"{re.escape(module)} (v\S+)", pins)
    command = [str(find_go()), "mod", "download", "-json", f"{module}@{version}"]
    done = subprocess.run(
        command, cwd=PINNED, capture_output=True, check=False, timeout=DOWNLOAD_SECONDS
    )
    if done.returncode:
        raise ToolchainError(f"{module}@{version}: {done.stdout[-500:]!r} {done.stderr[-500:]!r}")
    files = (Path(json.loads(done.stdout)["Dir"]) / folder).glob("*.yaml")
    found = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(files)]
    kinds = {api.kind, api.cluster_kind}
    return [crd for crd in found if crd["spec"]["names"]["kind"] in kinds]


def crds(api: ReportApi) -> list[Json]:
    """The namespaced and the cluster-scoped kind of one group."""
    return [
        _crd(api, api.kind, api.plural, "Namespaced"),
        _crd(api, api.cluster_kind, api.cluster_plural, "Cluster"),
    ]


def _crd(api: ReportApi, kind: str, plural: str, scope: str) -> Json:
    group, _, version = api.api_version.partition("/")
    properties: Json = {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": {"type": "object"},
        "summary": {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in RESULTS},
        },
        "results": {"type": "array", "items": RESULT},
    }
    if api.has_source:
        properties["source"] = TEXT
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # https://kep.k8s.io/2337: the groups of Kubernetes' own need a word on their approval.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                }
            ],
        },
    }
