"""AdmissionReviews and their answers, word by word; ``pytest --update-golden`` writes them anew."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.model.stage import Stage
from tests.support.webhook_rig import FixedNamespaces, Rig, pod, review


def deployment(*containers: str, **spec: Any) -> dict[str, Any]:
    template = pod(*containers)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "inference"},
        "spec": {"replicas": 1, "template": {"metadata": {}, "spec": template["spec"]}, **spec},
    }


def being_deleted() -> dict[str, Any]:
    obj = deployment("server")
    obj["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
    return obj


def with_status(obj: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(obj), "status": {"replicas": 1}}


def too_large() -> dict[str, Any]:
    obj = pod("server", limit="1Gi")
    obj["spec"]["tooLarge"] = True
    return obj


def ray_cluster() -> dict[str, Any]:
    return {**deployment("server"), "apiVersion": "ray.io/v1", "kind": "RayCluster"}


def waived() -> dict[str, Any]:
    obj = pod("server", limit="1Gi", annotations={"waive.karb.dev/gpu-pin": "x until=2027-03-31"})
    del obj["spec"]["nodeSelector"]
    return obj


CASES: dict[str, tuple[Stage, dict[str, Any]]] = {
    "create-clean": (Stage.ENFORCE, review(pod("server", limit="1Gi"))),
    "create-denied": (Stage.ENFORCE, review(deployment("server", "sidecar"))),
    "create-warned": (Stage.WARN, review(deployment("server"))),
    "create-audited": (Stage.AUDIT, review(deployment("server"))),
    "create-off": (Stage.OFF, review(deployment("server"))),
    "update-known": (
        Stage.ENFORCE,
        review(deployment("server", replicas=3), "UPDATE", deployment("server")),
    ),
    "update-worse": (
        Stage.ENFORCE,
        review(deployment("server", "sidecar"), "UPDATE", deployment("server")),
    ),
    "update-status": (
        Stage.ENFORCE,
        review(with_status(deployment("server")), "UPDATE", deployment("server")),
    ),
    "update-being-deleted": (
        Stage.ENFORCE,
        review(being_deleted(), "UPDATE", deployment("server")),
    ),
    "delete": (Stage.ENFORCE, review(None, "DELETE", deployment("server"))),
    "subresource-scale": (
        Stage.ENFORCE,
        review(
            {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}},
            "UPDATE",
            subResource="scale",
            resource={"group": "apps", "version": "v1", "resource": "deployments"},
            name="llm",
            namespace="inference",
        ),
    ),
    "custom-resource": (Stage.ENFORCE, review(ray_cluster())),
    "unknown-kind": (
        Stage.ENFORCE,
        review({"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}}),
    ),
    "not-evaluated-denied": (Stage.ENFORCE, review(too_large())),
    "not-evaluated-warned": (Stage.WARN, review(too_large())),
    "waived": (Stage.ENFORCE, review(waived())),
    "dry-run": (Stage.ENFORCE, review(pod("server"), dryRun=True)),
    "exempt-namespace": (Stage.ENFORCE, review(pod("server", namespace="kube-system"))),
    "unknown-namespace": (Stage.ENFORCE, review(pod("server", namespace="gone"))),
    "namespace-label": (Stage.AUDIT, review(pod("server", namespace="labelled"))),
}


@pytest.mark.parametrize("name", CASES)
def test_review_and_answer(name: str, golden: Callable[[str, str], None]) -> None:
    stage, request = CASES[name]
    namespaces = FixedNamespaces(
        {"inference": {}, "labelled": {"karb.dev/stage.res-mem": "enforce", "karb.dev/stage": "?"}}
    )
    with TestClient(Rig(stage, namespaces).app) as client:
        answer = client.post("/validate", json=request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    check_shape(document, request["request"]["uid"])
    golden(f"webhook/{name}.request.json", json.dumps(request, indent=2) + "\n")
    golden(f"webhook/{name}.response.json", json.dumps(document, indent=2) + "\n")


def check_shape(document: dict[str, Any], uid: str) -> None:
    """What ``VerifyAdmissionResponse`` of k8s.io/apiserver and the API types ask for."""
    assert set(document) == {"apiVersion", "kind", "response"}
    assert document["apiVersion"] == "admission.k8s.io/v1"
    assert document["kind"] == "AdmissionReview"
    response = document["response"]
    assert response["uid"] == uid
    assert set(response) <= {"uid", "allowed", "status", "warnings", "auditAnnotations"}
    assert ("status" in response) is not response["allowed"]
    assert all(isinstance(text, str) for text in response.get("warnings", []))
    for key, text in response.get("auditAnnotations", {}).items():
        assert key.replace("-", "").isalpha()
        assert isinstance(text, str)
