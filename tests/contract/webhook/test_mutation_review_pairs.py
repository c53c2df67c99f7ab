"""Reviews of ``/mutate`` and their answers, word by word."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.mutation.mutator import Mutator
from karb_guard.mutation.options import MutationOptions
from tests.support.json_patch import applied
from tests.support.mutation_pods import EVERYTHING_ON, TAINTS, container, pod
from tests.support.webhook_rig import FixedNamespaces, Rig, review

Json = dict[str, Any]
BY_DEFAULT = MutationOptions(enabled=True, taints=TAINTS)
GPU_POD = pod(container(gpus=2), container("sidecar"))
MENDED = pod(
    container(
        gpus=1,
        securityContext={
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    ),
    tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}],
)


def deployment() -> Json:
    metadata = {"name": "llm", "namespace": "inference"}
    spec = {"template": GPU_POD}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def in_namespace(name: str) -> Json:
    return pod(container(gpus=2), metadata={"namespace": name})


CASES: dict[str, tuple[MutationOptions | None, Json]] = {
    "defaults": (BY_DEFAULT, review(GPU_POD)),
    "everything": (EVERYTHING_ON, review(GPU_POD)),
    "dry-run": (BY_DEFAULT, review(GPU_POD, dryRun=True)),
    "nothing-to-do": (BY_DEFAULT, review(MENDED)),
    "off": (None, review(GPU_POD)),
    "off-here": (MutationOptions(), review(GPU_POD)),
    "update": (BY_DEFAULT, review(GPU_POD, "UPDATE", GPU_POD)),
    "ephemeral-containers": (
        BY_DEFAULT,
        review(GPU_POD, "UPDATE", GPU_POD, subResource="ephemeralcontainers"),
    ),
    "deployment": (BY_DEFAULT, review(deployment())),
    "exempt-namespace": (BY_DEFAULT, review(in_namespace("kube-system"))),
    "unknown-namespace": (EVERYTHING_ON, review(in_namespace("gone"))),
    "malformed": (BY_DEFAULT, review(pod(container(gpus=2), tolerations={}))),
    "beyond-bounds": (BY_DEFAULT, review(pod(*(container(f"c{i}") for i in range(251))))),
}


@pytest.mark.parametrize("name", CASES)
def test_review_and_answer(name: str, golden: Callable[[str, str], None]) -> None:
    options, request = CASES[name]
    namespaces = FixedNamespaces({"inference": {"team": "serving", "karb.dev/owner": "ml"}})
    mutator = None if options is None else Mutator(options)
    with TestClient(Rig(namespaces=namespaces, mutator=mutator).app) as client:
        answer = client.post("/mutate", json=request)
    assert answer.status_code == 200
    document = answer.json()
    patch = check_shape(document, request)
    shown = {**document, "(patch)": patch}
    if name != "beyond-bounds":
        golden(f"webhook/mutate-{name}.request.json", json.dumps(request, indent=2) + "\n")
    golden(f"webhook/mutate-{name}.response.json", json.dumps(shown, indent=2) + "\n")


def check_shape(document: Json, request: Json) -> Any:
    """What ``VerifyAdmissionResponse`` of k8s.io/apiserver asks of a mutating webhook."""
    assert set(document) == {"apiVersion", "kind", "response"}
    assert document["apiVersion"] == "admission.k8s.io/v1"
    assert document["kind"] == "AdmissionReview"
    response = document["response"]
    assert response["uid"] == request["request"]["uid"]
    assert response["allowed"] is True
    assert ("patch" in response) is ("patchType" in response)
    if "patch" not in response:
        return None
    assert response["patchType"] == "JSONPatch"
    patch = json.loads(base64.b64decode(response["patch"], validate=True))
    assert patch
    applied(request["request"]["object"], patch)
    return patch
