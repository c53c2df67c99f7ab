"""What accelerators and taints a Node or a NodePool has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.nodes import NODE, NODE_POOL, node_facts
from karb_guard.facts.settings import FactSettings

RULES = gpu_rules(FactSettings())


def node(labels: Any = None, spec: Any = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "n", "labels": labels or {}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def pool(*requirements: Any, labels: Any = None, taints: Any = None) -> dict[str, Any]:
    spec = {"requirements": list(requirements), "taints": taints}
    return {"spec": {"template": {"metadata": {"labels": labels}, "spec": spec}}}


def names_of(obj: dict[str, Any], kind: str = NODE) -> list[str]:
    facts = node_facts(obj, kind, RULES)
    assert facts is not None
    return [each["name"] for each in facts["accelerators"]]


def test_other_kinds_have_none() -> None:
    assert node_facts(node(), "/Pod", RULES) is None


def test_a_node_has_what_its_device_plugins_registered() -> None:
    facts = node_facts(node(capacity={"cpu": "8", "nvidia.com/gpu": "4"}), NODE, RULES)
    assert facts == {
        "accelerators": [{"name": "nvidia.com/gpu", "vendor": "nvidia"}],
        "vendors": ["nvidia"],
        "taints": [],
        "taintsPath": ["spec", "taints"],
    }


def test_nothing_registered_is_no_gpu_node() -> None:
    assert names_of(node(capacity={"nvidia.com/gpu": "0"}, allocatable={"cpu": "8"})) == []


def test_labels_speak_where_no_resource_does() -> None:
    assert names_of(node({"cloud.google.com/gke-accelerator": "nvidia-l4"})) == [
        "cloud.google.com/gke-accelerator=nvidia-l4"
    ]
    assert names_of(node({"nvidia.com/gpu.present": "false"})) == []


def test_a_display_adapter_is_no_accelerator() -> None:
    assert names_of(node({"feature.node.kubernetes.io/pci-0300_1002.present": "true"})) == []


def test_a_device_class_may_name_the_resource() -> None:
    class Classes:
        def get(self, *_: Any) -> None:
            return None

        def of_kind(self, group: str, kind: str) -> list[dict[str, Any]]:
            spec = {"extendedResourceName": "example.com/gpu"}
            return [{"metadata": {"name": "gpu.example.com"}, "spec": spec}]

    facts = node_facts(node(capacity={"example.com/gpu": 1}), NODE, RULES, Classes())
    assert facts is not None
    assert facts["accelerators"] == [{"name": "example.com/gpu", "vendor": None}]


def test_taints_say_whether_they_are_of_gpu_nodes() -> None:
    taints = [
        {"key": "nvidia.com/gpu", "effect": "NoSchedule"},
        {"key": "sku", "value": "cpu", "effect": "NoExecute"},
        "odd",
    ]
    facts = node_facts(node(spec={"taints": taints}), NODE, RULES)
    assert facts is not None
    assert [(each["key"], each["gpu"], each["path"]) for each in facts["taints"]] == [
        ("nvidia.com/gpu", True, ["spec", "taints", 0]),
        ("sku", False, ["spec", "taints", 1]),
    ]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (
            {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["g", "p"]},
            ["karpenter.k8s.aws/instance-category=g,p"],
        ),
        (
            {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["g", "m"]},
            [],
        ),
        ({"key": "karpenter.k8s.aws/instance-category", "operator": "Exists"}, []),
        (
            {"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Gt", "values": ["0"]},
            ["karpenter.k8s.aws/instance-gpu-count"],
        ),
        ({"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Lt", "values": ["1"]}, []),
        ({"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "DoesNotExist"}, []),
        ({"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "NotIn", "values": ["t4"]}, []),
        ({"key": 1, "operator": "In", "values": "g"}, []),
    ],
)
def test_a_pool_by_requirements_that_only_gpu_machines_meet(
    requirement: dict[str, Any], expected: list[str]
) -> None:
    assert names_of(pool(requirement), NODE_POOL) == expected


def test_a_pool_by_the_labels_of_its_nodes() -> None:
    assert names_of(pool(labels={"nvidia.com/gpu.present": "true"}), NODE_POOL) == [
        "nvidia.com/gpu.present=true"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_any_shape_is_survived(labels: Any, spec: Any, status: Any) -> None:
    obj = {"metadata": {"labels": labels}, "spec": spec, "status": status}
    assert node_facts(obj, NODE, RULES) is not None
    requirements = {"requirements": labels, "taints": status}
    assert node_facts({"spec": {"template": {"spec": requirements}}}, NODE_POOL, RULES) is not None
    assert node_facts({"spec": spec, "metadata": labels}, NODE_POOL, RULES) is not None
