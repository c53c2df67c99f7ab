"""Whose word counts about where an object comes from."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.decisions import callers
from karb_guard.workloads.owners import MIRROR_ANNOTATION, owner_of, pod_role
from tests.support.decision_rig import request

DAEMONS = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "name": "d",
    "uid": "1",
    "controller": True,
}
NODE = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "2", "controller": True}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "3", "controller": True}


def pod(*owners: dict[str, Any], **annotations: str) -> dict[str, Any]:
    metadata = {"name": "p", "ownerReferences": list(owners), "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}


MIRROR = pod(**{MIRROR_ANNOTATION: "hash", "other": "stays"})


@pytest.mark.parametrize(
    ("user", "groups", "believed"),
    [
        ("system:serviceaccount:kube-system:daemon-set-controller", (), True),
        ("system:kube-controller-manager", (), True),
        ("system:node:a", ("system:nodes",), True),
        ("system:node:a", (), False),
        ("jane", ("system:masters",), False),
        ("system:serviceaccount:team:daemon-set-controller", (), False),
        ("system:serviceaccount:kruise:daemonset", (), True),
        ("", (), False),
    ],
)
def test_controllers_and_kubelets_are_believed(
    user: str, groups: tuple[str, ...], believed: bool
) -> None:
    made = request(kind="Pod", group="", obj=pod(DAEMONS), username=user, groups=groups)
    assert callers.is_believed(made, ("system:serviceaccount:kruise:*",)) is believed


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_kubelets_speak_of_pods_only(kind: str) -> None:
    made = request(kind=kind, username="system:node:a", groups=("system:nodes",))
    assert not callers.is_believed(made)


def test_what_the_stored_object_says_is_a_claim_too() -> None:
    """Otherwise a claim would be believed after one update, or for nothing but being stored."""
    stored = pod(DAEMONS)
    made = request("UPDATE", kind="Pod", group="", obj=stored, old=stored, username="jane")
    assert not callers.is_believed(made)


@pytest.mark.parametrize("claims", [pod(DAEMONS), pod(NODE), MIRROR])
def test_without_its_claims_a_pod_is_no_system_pod(claims: dict[str, Any]) -> None:
    assert pod_role(claims["metadata"]) == "system"
    kept = callers.without_claims(claims)
    assert pod_role(dict(kept["metadata"])) == "pod"
    assert kept["spec"] is claims["spec"]


def test_other_annotations_stay() -> None:
    assert callers.without_claims(MIRROR)["metadata"]["annotations"] == {"other": "stays"}


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "InferenceService", "ReplicaSet"])
@pytest.mark.parametrize("claim", [JOB, DAEMONS])
def test_no_kind_keeps_its_claim_of_a_controller(kind: str, claim: dict[str, Any]) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "4"}
    claiming = {**pod(other, claim), "kind": kind}
    kept = callers.without_claims(claiming)
    assert owner_of(dict(kept["metadata"])) is None
    assert kept["metadata"]["ownerReferences"] == [other]
    assert kept["spec"] is claiming["spec"]
    assert claiming["metadata"]["ownerReferences"] == [other, claim]


@pytest.mark.parametrize(
    "obj",
    [
        pod(),
        pod({**JOB, "controller": False}),
        {"kind": "Deployment"},
        {"kind": "Deployment", "metadata": {"annotations": {MIRROR_ANNOTATION: "x"}}},
        {"kind": "Pod"},
        {"kind": "Pod", "metadata": {"ownerReferences": [None, 7], "annotations": []}},
        {},
    ],
)
def test_what_claims_nothing_is_left_alone(obj: dict[str, Any]) -> None:
    assert callers.without_claims(obj) is obj
