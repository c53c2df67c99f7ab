"""Small CustomResourceDefinitions of the two groups of report objects.

Only what our objects use, but strict about it, with the names, the required ``policy``, the closed
words and ``resources`` of github.com/openreports/reports-api (``apis/openreports.io/v1alpha1/
report_types.go``) and github.com/kubernetes-sigs/wg-policy-prototypes (``policy-report/pkg/api/
wgpolicyk8s.io/v1alpha2/policyreport_types.go``).
"""

from __future__ import annotations

from typing import Any

from karb_guard.reports.policy_report import ReportApi

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
