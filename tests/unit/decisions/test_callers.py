"""Whose word counts about where an object comes from."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.decisions import callers
from karb_guard.workloads.owners import MIRROR_ANNOTATION, pod_role
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


@pytest.mark.parametrize(
    ("old", "new", "believed"),
    [
        (pod(DAEMONS), pod(DAEMONS), True),
        (pod(DAEMONS), pod(DAEMONS, x="y"), True),
        (pod(), pod(DAEMONS), False),
        (pod(JOB), pod(DAEMONS), False),
        (pod(), MIRROR, False),
        (MIRROR, MIRROR, True),
        (None, pod(DAEMONS), False),
    ],
)
def test_an_update_may_keep_what_the_stored_object_says(
    old: dict[str, Any] | None, new: dict[str, Any], believed: bool
) -> None:
    made = request("UPDATE", kind="Pod", group="", obj=new, old=old, username="jane")
    assert callers.is_believed(made) is believed


@pytest.mark.parametrize("claims", [pod(DAEMONS), pod(NODE), MIRROR])
def test_without_its_claims_a_pod_is_no_system_pod(claims: dict[str, Any]) -> None:
    assert pod_role(claims["metadata"]) == "system"
    kept = callers.without_claims(claims)
    assert pod_role(dict(kept["metadata"])) == "pod"
    assert kept["spec"] is claims["spec"]


def test_other_annotations_stay() -> None:
    assert callers.without_claims(MIRROR)["metadata"]["annotations"] == {"other": "stays"}


@pytest.mark.parametrize("obj", [pod(JOB), pod(), {"kind": "Deployment"}, {"kind": "Pod"}, {}])
def test_everything_else_is_left_alone(obj: dict[str, Any]) -> None:
    assert callers.without_claims(obj) is obj
