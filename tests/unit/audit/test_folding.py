"""Which pods are alike, and who is above them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from audit.folding import is_retired, likeness, same_template
from audit.members import Member, members_of

Json = dict[str, Any]


def pod(name: str = "llm-5d4f8-abcde", node: str = "node-1", **changes: Any) -> Json:
    token = f"kube-api-access-{name[-5:]}"
    spec = {
        "nodeName": node,
        "hostname": name,
        "containers": [
            {"name": "server", "image": "a:1", "volumeMounts": [{"name": token}]},
        ],
        "volumes": [
            {"name": token, "projected": {}},
            {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}"}},
        ],
        "affinity": {"matchFields": [{"key": "metadata.name", "values": [node]}]},
        **changes,
    }
    labels = {"app": "llm", "statefulset.kubernetes.io/pod-name": name}
    metadata = {"name": name, "namespace": "a", "uid": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_pods_that_differ_by_name_and_node_are_alike() -> None:
    assert likeness(pod()) == likeness(pod("llm-5d4f8-vwxyz", "node-2"))


@pytest.mark.parametrize(
    "other",
    [
        pod(hostNetwork=True),
        pod(containers=[{"name": "server", "image": "a:2"}]),
        {**pod(), "status": {"phase": "Succeeded"}},
        {**pod(), "metadata": {**pod()["metadata"], "annotations": {"sidecar": "on"}}},
        {**pod(), "metadata": {**pod()["metadata"], "labels": {"app": "other"}}},
    ],
)
def test_pods_that_an_invariant_could_tell_apart_are_not(other: Json) -> None:
    assert likeness(pod()) != likeness(other)


def test_what_the_node_is_tells_pods_apart() -> None:
    assert likeness(pod(), ("nvidia.com/gpu",)) != likeness(pod(), ())


def test_a_name_that_is_part_of_a_value_does_not_hide_the_value() -> None:
    """Whoever names a pod after a tag must not make two images one."""
    one = pod("latest", containers=[{"name": "s", "image": "a:latest"}])
    other = pod("stable", containers=[{"name": "s", "image": "a:stable"}])
    assert likeness(one) != likeness(other)


def owned(obj: Json, kind: str, name: str, uid: str, version: str = "apps/v1") -> Json:
    reference = {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}
    made = copy.deepcopy(obj)
    made["metadata"]["ownerReferences"] = [reference]
    return made


def workload(kind: str, name: str, replicas: int = 1, **labels: str) -> Json:
    template = {
        "metadata": {"labels": {"app": "llm", **labels}},
        "spec": {"containers": [{"name": "server", "image": "a:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "a", "uid": f"uid-{name}"},
        "spec": {"replicas": replicas, "template": template},
    }


DEPLOYMENT = workload("Deployment", "llm")
CURRENT = owned(
    workload("ReplicaSet", "llm-5d4f8", **{"pod-template-hash": "5d4f8"}),
    "Deployment",
    "llm",
    "uid-llm",
)
POD = owned(pod(), "ReplicaSet", "llm-5d4f8", "uid-llm-5d4f8")


def test_pods_stand_under_the_topmost_owner() -> None:
    members = members_of(map(Member, (POD, CURRENT, DEPLOYMENT)))
    assert [top.name for top in members.tops] == ["llm"]
    assert {each.name for each in members.below(members.tops[0])} == {
        POD["metadata"]["name"],
        "llm-5d4f8",
    }
    assert [obj["kind"] for obj in members.visible()] == ["Deployment", "ReplicaSet"]


def test_the_revision_in_force_needs_no_verdict_of_its_own() -> None:
    assert same_template(CURRENT, DEPLOYMENT)
    changed = copy.deepcopy(DEPLOYMENT)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "a:2"
    assert not same_template(CURRENT, changed)


def test_old_revisions_are_left_out() -> None:
    old = copy.deepcopy(CURRENT)
    old["spec"]["replicas"] = 0
    assert is_retired(old)
    assert not is_retired(workload("ReplicaSet", "alone", 0))
    members = members_of(map(Member, (old, DEPLOYMENT)))
    assert (members.retired, len(members.tops)) == (1, 1)


@pytest.mark.parametrize("uid", ["another", ""])
def test_an_owner_of_that_name_and_another_uid_is_no_owner(uid: str) -> None:
    stray = owned(pod(), "Deployment", "llm", uid)
    members = members_of(map(Member, (stray, DEPLOYMENT)))
    assert len(members.tops) == (2 if uid else 1)


def test_an_owner_without_pod_templates_stands_for_nothing() -> None:
    """A Prometheus makes a StatefulSet of which it holds no template."""
    prometheus = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main", "namespace": "a", "uid": "uid-main"},
        "spec": {"replicas": 2},
    }
    made = owned(
        workload("StatefulSet", "prometheus-main"),
        "Prometheus",
        "main",
        "uid-main",
        "monitoring.coreos.com/v1",
    )
    of_it = owned(pod("prometheus-main-0"), "StatefulSet", "prometheus-main", "uid-prometheus-main")
    members = members_of(map(Member, (prometheus, made, of_it)))
    assert sorted(top.name for top in members.tops) == ["main", "prometheus-main"]


def test_owners_in_a_circle_hide_nothing() -> None:
    one = owned(workload("StatefulSet", "one"), "StatefulSet", "two", "uid-two")
    two = owned(workload("StatefulSet", "two"), "StatefulSet", "one", "uid-one")
    members = members_of(map(Member, (one, two)))
    assert sorted(top.name for top in members.tops) == ["one", "two"]
