"""Findings and evaluations written down by hand, for tests of decisions."""

from __future__ import annotations

from typing import Any

from karb_guard.decisions.request import AdmissionRequest
from karb_guard.model.finding import Coverage, Evaluation, Finding, ObjectRef, Severity
from karb_guard.model.invariant import Invariant
from tests.support.webhook_rig import invariant, waiver_invariants

DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "llm", "inference")

RES_MEM = invariant("res-mem", 1, category="resources")
GPU_PIN = invariant("gpu-pin", 2, category="gpu", severity=Severity.WARNING, self_waivable=True)
APP_INFO = invariant("app-k8s-io", 3, category="labels", severity=Severity.INFO)
NET = invariant("np-x", 4, category="network", match=("networking.k8s.io/NetworkPolicy",))
CATALOGUE: dict[str, Invariant] = {
    i.name: i for i in (RES_MEM, GPU_PIN, APP_INFO, NET, *waiver_invariants())
}


def finding(rule: Invariant = RES_MEM, container: str | None = "server", **changes: Any) -> Finding:
    index = changes.pop("index", 0)
    values: dict[str, Any] = {
        "invariant_id": rule.id,
        "name": rule.name,
        "check": "missing",
        "severity": rule.severity,
        "message": f"container {container} has no memory limit",
        "remediation": rule.remediation,
        "object": DEPLOYMENT,
        "owner": DEPLOYMENT,
        "path": ("spec", "template", "spec", "containers", index, "resources"),
        "anchor": f"pod/containers[{container}]/resources",
        "container": container,
    }
    return Finding(**{**values, **changes})


def evaluation(*findings: Finding, **changes: Any) -> Evaluation:
    values: dict[str, Any] = {"object": DEPLOYMENT, "coverage": Coverage.KNOWN}
    return Evaluation(**{**values, "findings": findings, **changes})


def request(operation: str = "CREATE", **changes: Any) -> AdmissionRequest:
    values: dict[str, Any] = {
        "uid": "u",
        "operation": operation,
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "name": "llm",
        "namespace": "inference",
        "subresource": "",
        "obj": {"metadata": {"name": "llm"}, "spec": {"replicas": 1}},
        "old": None,
    }
    return AdmissionRequest(**{**values, **changes})
