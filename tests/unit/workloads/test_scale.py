"""How many pods a template makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard import workloads
from karb_guard.workloads.kinds import TABLE

SPEC: dict[str, Any] = {"containers": [{"name": "server"}]}
TEMPLATE = {"spec": SPEC}


def scales(api_version: str, kind: str, spec: dict[str, Any]) -> list[tuple[int, int] | None]:
    obj = {"apiVersion": api_version, "kind": kind, "spec": spec}
    workload = workloads.resolve(obj)
    found = [workloads.scale_of(obj, workload, t) for t in workload.templates]
    return [None if each is None else (each.replicas, each.size) for each in found]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_replicas_of_a_controller(kind: str) -> None:
    assert scales("apps/v1", kind, {"replicas": 3, "template": TEMPLATE}) == [(3, 1)]
    assert scales("apps/v1", kind, {"template": TEMPLATE}) == [(1, 1)]
    assert scales("apps/v1", kind, {"replicas": 0, "template": TEMPLATE}) == [(0, 1)]


def test_kinds_that_count_no_pods() -> None:
    assert scales("v1", "Pod", SPEC) == [None]
    assert scales("apps/v1", "DaemonSet", {"template": TEMPLATE}) == [None]
    assert scales("serving.knative.dev/v1", "Service", {"template": TEMPLATE}) == [None]
    assert scales("example.com/v1", "Whatever", {"replicas": 2, "template": TEMPLATE}) == [None]


def test_groups_count_the_leader_with_its_own_template() -> None:
    group = {"size": 4, "workerTemplate": TEMPLATE}
    lws = "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"
    assert scales(*lws, {"replicas": 2, "leaderWorkerTemplate": group}) == [(2, 4)]
    led = {**group, "leaderTemplate": TEMPLATE}
    assert scales(*lws, {"replicas": 2, "leaderWorkerTemplate": led}) == [(2, 1), (2, 3)]
    assert scales(*lws, {"leaderWorkerTemplate": {"workerTemplate": TEMPLATE}}) == [(1, 1)]


def test_workers_of_kserve_beside_their_head() -> None:
    predictor = {"minReplicas": 2, "model": {}, "workerSpec": {"pipelineParallelSize": 3, **SPEC}}
    found = scales("serving.kserve.io/v1beta1", "InferenceService", {"predictor": predictor})
    assert found == [(2, 1), (2, 2)]


def test_each_group_of_ray_has_its_own_count() -> None:
    groups = [
        {"replicas": 2, "template": TEMPLATE},
        {"minReplicas": 3, "numOfHosts": 2, "template": TEMPLATE},
        {"template": TEMPLATE},
    ]
    spec = {"headGroupSpec": {"template": TEMPLATE}, "workerGroupSpecs": groups}
    assert scales("ray.io/v1", "RayCluster", spec) == [None, (2, 1), (3, 2), (0, 1)]


def test_each_version_of_dynamo_has_its_own_place() -> None:
    services = {"decode": {"replicas": 2, "multinode": {"nodeCount": 4}, "extraPodSpec": {}}}
    found = scales("nvidia.com/v1alpha1", "DynamoGraphDeployment", {"services": services})
    assert found == [(2, 4)]


def test_the_path_leads_to_the_template_s_own_replicas() -> None:
    spec = {"workerGroupSpecs": [{"template": TEMPLATE}, {"template": TEMPLATE}]}
    obj = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "spec": spec}
    workload = workloads.resolve(obj)
    found = [workloads.scale_of(obj, workload, t) for t in workload.templates]
    assert [each.path[1:] for each in found if each] == [
        ("workerGroupSpecs", 0, "replicas"),
        ("workerGroupSpecs", 1, "replicas"),
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@given(count=ANYTHING)
def test_a_count_of_any_shape_is_a_count_or_unwritten(count: Any) -> None:
    ((replicas, size),) = scales("apps/v1", "Deployment", {"replicas": count, "template": TEMPLATE})
    good = type(count) is int and count >= 0
    assert (replicas, size) == (count if good else 1, 1)


@given(obj=ANYTHING, kind=st.sampled_from(TABLE))
def test_objects_of_any_shape_do_no_harm(obj: Any, kind: workloads.Kind) -> None:
    whole = {"apiVersion": f"{kind.group}/{kind.versions[0]}", "kind": kind.kind, "spec": obj}
    workload = workloads.resolve(whole)
    for template in workload.templates:
        workloads.scale_of(whole, workload, template)
