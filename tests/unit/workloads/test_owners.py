"""Roles and owners of objects that name who made them."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.model.finding import ObjectRef
from karb_guard.workloads import resolve


def reference(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "name": name, "controller": True, **more}


def pod(*owners: Any, **metadata: Any) -> dict[str, Any]:
    meta = {"name": "p", "namespace": "ai", "ownerReferences": list(owners), **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("owner", "role"),
    [
        (("batch/v1", "Job"), "batch"),
        (("apps/v1", "DaemonSet"), "system"),
        (("v1", "Node"), "system"),
        (("apps/v1", "ReplicaSet"), "serving"),
        (("kubeflow.org/v1", "PyTorchJob"), "batch"),
        (("ray.io/v1", "RayCluster"), "serving"),
        (("example.org/v1", "Thing"), "pod"),
        (("example.org/v1", "Node"), "pod"),
        (("example.org/v1", "Job"), "pod"),
    ],
)
def test_pod_has_the_role_of_what_made_it(owner: tuple[str, str], role: str) -> None:
    assert resolve(pod(reference(*owner, "o"))).role == role


def test_bare_pod_is_a_pod_of_its_own() -> None:
    workload = resolve(pod())
    assert (workload.role, workload.owner) == ("pod", None)


def test_owner_that_is_no_controller_does_not_count() -> None:
    owner = reference("batch/v1", "Job", "j", controller=False)
    workload = resolve(pod(owner))
    assert (workload.role, workload.owner) == ("pod", None)


def test_mirror_pod_is_system_and_its_node_is_no_template_owner() -> None:
    annotations = {"kubernetes.io/config.mirror": "abc"}
    assert resolve(pod(annotations=annotations)).role == "system"
    assert resolve(pod(reference("v1", "Node", "n1"))).owner is None


def test_replica_set_stands_for_its_deployment() -> None:
    owner = reference("apps/v1", "ReplicaSet", "chat-7d9f8")
    labels = {"pod-template-hash": "7d9f8"}
    workload = resolve(pod(owner, labels=labels))
    assert workload.owner == ObjectRef("apps/v1", "Deployment", "chat", "ai")


@pytest.mark.parametrize(
    "labels",
    [{}, {"pod-template-hash": "other"}, {"pod-template-hash": ""}, {"pod-template-hash": 5}],
)
def test_replica_set_stays_where_the_hash_does_not_fit(labels: dict[str, Any]) -> None:
    owner = reference("apps/v1", "ReplicaSet", "chat-7d9f8")
    workload = resolve(pod(owner, labels=labels))
    assert workload.owner == ObjectRef("apps/v1", "ReplicaSet", "chat-7d9f8", "ai")


def test_job_stays_a_job() -> None:
    workload = resolve(pod(reference("batch/v1", "Job", "nightly-29001")))
    assert workload.owner == ObjectRef("batch/v1", "Job", "nightly-29001", "ai")


def test_replica_set_folds_into_its_deployment() -> None:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"ownerReferences": [reference("apps/v1", "Deployment", "chat")]},
        "spec": {},
    }
    assert resolve(obj).owner == ObjectRef("apps/v1", "Deployment", "chat", None)


@pytest.mark.parametrize(
    "owners",
    [
        "Job",
        {"kind": "Job"},
        [None],
        ["Job"],
        [{"controller": True}],
        [{**reference("batch/v1", "Job", "j"), "name": 5}],
    ],
)
def test_owner_references_of_any_shape_name_nobody(owners: Any) -> None:
    obj = pod()
    obj["metadata"]["ownerReferences"] = owners
    assert resolve(obj).owner is None
