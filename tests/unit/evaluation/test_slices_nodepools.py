"""``nodepools`` and ``boundnode``: GPU pools that keep nodes, and the Node of a Pod."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, boundnode, nodepools
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
MIN_SIZE = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
CAPACITY = "capacity.cluster-autoscaler.kubernetes.io/"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def about(judged: Any, *others: Any) -> About:
    inventory = Inventory([judged, *others])
    return About(prepare(judged, SETTINGS, inventory, ()), inventory, SETTINGS, complete=False)


def obj(api_version: str, kind: str, spec: Any = None, **fields: Any) -> dict[str, Any]:
    metadata = {"name": "gpu", **fields.pop("metadata", {})}
    body = {} if spec is None else {"spec": spec}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body, **fields}


def node_pool(disruption: Any = None, family: str = "p5", **spec: Any) -> dict[str, Any]:
    requirement = {
        "key": "karpenter.k8s.aws/instance-family",
        "operator": "In",
        "values": [family],
    }
    template = {"spec": {"requirements": [requirement]}}
    spec = {"template": template, "disruption": disruption or {}, **spec}
    return obj("karpenter.sh/v1", "NodePool", spec)


def keeps(judged: Any) -> list[tuple[str, Any]]:
    pools = nodepools.provide(about(judged)) or []
    return [(keep["check"], keep["value"]) for pool in pools for keep in pool["keeps"]]


class TestKarpenter:
    def test_a_pool_of_other_machines_is_none_of_gpus(self) -> None:
        assert nodepools.provide(about(node_pool({"consolidateAfter": "Never"}, "m7i"))) == []

    def test_a_gpu_taint_shows_one(self) -> None:
        taints = {"spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}}
        (pool,) = nodepools.provide(about(node_pool(template=taints))) or ()
        assert pool["evidence"] == "taint nvidia.com/gpu"

    def test_nodes_that_are_never_removed(self) -> None:
        assert keeps(node_pool({"consolidateAfter": "Never"})) == [("never", "Never")]
        assert keeps(node_pool({"consolidateAfter": "10m"})) == []

    @pytest.mark.parametrize("nodes", ["0", "0%", 0])
    def test_a_budget_of_nothing_at_all_times(self, nodes: Any) -> None:
        assert keeps(node_pool({"budgets": [{"nodes": nodes}]})) == [("budget", str(nodes))]

    @pytest.mark.parametrize(
        "budget",
        [
            {"nodes": "10%"},
            {"nodes": "0", "schedule": "0 9 * * *", "duration": "8h"},
            {"nodes": "0", "reasons": ["Drifted"]},
            {"nodes": False, "schedule": "@daily"},
        ],
    )
    def test_other_budgets_let_empty_nodes_go(self, budget: Any) -> None:
        assert keeps(node_pool({"budgets": [budget]})) == []

    def test_static_capacity(self) -> None:
        assert keeps(node_pool({"consolidateAfter": "Never"}, replicas=2)) == [("static", 2)]
        assert keeps(node_pool(replicas=0)) == []


class TestClusterApi:
    def machines(self, annotations: Any, spec: Any = None, **metadata: Any) -> dict[str, Any]:
        metadata = {"annotations": annotations, **metadata}
        return obj("cluster.x-k8s.io/v1beta2", "MachineDeployment", spec or {}, metadata=metadata)

    @pytest.mark.parametrize(
        "shown",
        [
            {f"{CAPACITY}gpu-count": "8"},
            {f"{CAPACITY}labels": "a=b, accelerator=a100"},
            {f"{CAPACITY}taints": "nvidia.com/gpu=present:NoSchedule"},
        ],
    )
    def test_the_capacity_annotations_show_gpus(self, shown: dict[str, str]) -> None:
        assert keeps(self.machines({**shown, MIN_SIZE: "2"})) == [("floor", 2)]

    def test_labels_of_the_machines_show_gpus(self) -> None:
        labelled = {"template": {"metadata": {"labels": {"accelerator": "a100"}}}}
        assert keeps(self.machines({MIN_SIZE: "1"}, labelled)) == [("floor", 1)]

    def test_zero_and_machines_without_gpus(self) -> None:
        assert keeps(self.machines({f"{CAPACITY}gpu-count": "8", MIN_SIZE: "0"})) == []
        assert keeps(self.machines({f"{CAPACITY}gpu-count": "0", MIN_SIZE: "2"})) == []
        assert keeps(self.machines({MIN_SIZE: "2"})) == []

    def test_without_the_autoscaler_the_size_is_fixed(self) -> None:
        assert keeps(self.machines({f"{CAPACITY}gpu-count": "8"}, {"replicas": 3})) == [
            ("static", 3)
        ]

    def test_a_machine_set_of_a_deployment_has_the_deployment_s_bounds(self) -> None:
        owned = self.machines({f"{CAPACITY}gpu-count": "8"}, {"replicas": 3}, ownerReferences=[{}])
        assert keeps({**owned, "kind": "MachineSet"}) == []


class TestManagedPools:
    @pytest.mark.parametrize(
        ("api_version", "kind", "spec"),
        [
            (
                "infrastructure.cluster.x-k8s.io/v1beta2",
                "AWSManagedMachinePool",
                {"instanceType": "g6.xlarge", "scaling": {"minSize": 2}},
            ),
            (
                "infrastructure.cluster.x-k8s.io/v1beta1",
                "AzureManagedMachinePool",
                {"sku": "Standard_NC24ads_A100_v4", "scaling": {"minSize": 2}},
            ),
            (
                "container.cnrm.cloud.google.com/v1beta1",
                "ContainerNodePool",
                {
                    "nodeConfig": {"guestAccelerator": [{"type": "nvidia-l4", "count": 1}]},
                    "autoscaling": {"minNodeCount": 2},
                },
            ),
        ],
    )
    def test_a_lower_bound(self, api_version: str, kind: str, spec: Any) -> None:
        assert keeps(obj(api_version, kind, spec)) == [("floor", 2)]

    def test_a_fixed_size_only_without_bounds(self) -> None:
        spec: dict[str, Any] = {"nodeConfig": {"machineType": "a3-highgpu-8g"}, "nodeCount": 2}
        api_version = "container.cnrm.cloud.google.com/v1beta1"
        assert keeps(obj(api_version, "ContainerNodePool", spec)) == [("static", 2)]
        spec["autoscaling"] = {"minNodeCount": 0}
        assert keeps(obj(api_version, "ContainerNodePool", spec)) == []

    def test_each_group_of_a_cluster(self) -> None:
        groups = [
            {"name": "cpu", "instanceType": "m7i.large", "minSize": 3},
            {"name": "gpu", "instanceTypes": ["g6.xlarge", "g5.xlarge"], "minSize": 1},
            {"name": "mixed", "instanceTypes": ["g6.xlarge", "m7i.large"], "minSize": 1},
        ]
        given = nodepools.provide(
            about(obj("eksctl.io/v1alpha5", "ClusterConfig", managedNodeGroups=groups))
        )
        assert given == [
            {
                "name": "gpu",
                "evidence": "g6.xlarge",
                "keeps": [
                    {"check": "floor", "path": ["managedNodeGroups", 1, "minSize"], "value": 1}
                ],
            }
        ]


def test_other_kinds_describe_no_pools() -> None:
    assert nodepools.provide(about(obj("v1", "Namespace"))) is None


@pytest.mark.parametrize("kind", sorted(nodepools.KINDS))
@given(spec=ANYTHING, metadata=ANYTHING, groups=ANYTHING)
def test_pools_of_any_shape_are_survived(kind: str, spec: Any, metadata: Any, groups: Any) -> None:
    group, _, name = kind.partition("/")
    odd = {
        "apiVersion": f"{group}/v1",
        "kind": name,
        "metadata": metadata,
        "spec": spec,
        "managedNodeGroups": groups,
    }
    assert isinstance(nodepools.provide(about(odd)), list)


class TestBoundNode:
    def pod(self, spec: Any, **fields: Any) -> dict[str, Any]:
        return obj("v1", "Pod", spec, **fields)

    def node(self, allocatable: Any) -> dict[str, Any]:
        return obj("v1", "Node", status={"allocatable": allocatable})

    def test_the_node_with_its_accelerators(self) -> None:
        given = boundnode.provide(
            about(self.pod({"nodeName": "gpu"}), self.node({"nvidia.com/gpu": 8}))
        )
        assert given == {"name": "gpu", "accelerators": ["nvidia.com/gpu"], "ended": False}

    @pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
    def test_a_pod_that_has_ended(self, phase: str) -> None:
        ended = self.pod({"nodeName": "gpu"}, status={"phase": phase})
        given = boundnode.provide(about(ended, self.node({})))
        assert given == {"name": "gpu", "accelerators": [], "ended": True}

    @pytest.mark.parametrize("spec", [{}, {"nodeName": ""}, {"nodeName": "other"}, None, []])
    def test_a_node_that_is_not_there(self, spec: Any) -> None:
        assert boundnode.provide(about(self.pod(spec), self.node({}))) is None
