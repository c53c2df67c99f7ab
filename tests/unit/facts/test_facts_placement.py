from typing import Any

import pytest

from karb_guard import facts, workloads
from karb_guard.facts.settings import FactSettings


def view(spec: dict[str, Any], **settings: Any) -> dict[str, Any]:
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    built = facts.build(obj, workloads.resolve(obj), FactSettings(**settings))
    assert built.malformed == ()
    return built.pods[0]


def toleration(item: dict[str, Any], **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = view({"tolerations": [item]}, **settings)["tolerations"][0]
    return found


def test_a_toleration_is_spelled_out() -> None:
    item = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    assert toleration(item) == {
        "index": 0,
        "path": ["spec", "tolerations", 0],
        "key": "nvidia.com/gpu",
        "operator": "Equal",
        "value": "present",
        "effect": "NoSchedule",
        "gpu": True,
        "wild": False,
    }


@pytest.mark.parametrize(
    ("item", "gpu", "wild"),
    [
        ({"operator": "Exists"}, False, True),
        ({"key": "", "operator": "Exists"}, False, True),
        ({}, False, False),
        ({"key": "amd.com/gpu", "operator": "Exists"}, True, False),
        ({"key": "aws.amazon.com/neuroncore", "operator": "Exists"}, True, False),
        ({"key": "sku", "value": "gpu"}, True, False),
        ({"key": "sku", "operator": "Exists"}, True, False),
        ({"key": "sku", "value": "memory"}, False, False),
        ({"key": "node.kubernetes.io/not-ready", "operator": "Exists"}, False, False),
    ],
)
def test_gpu_and_wild_tolerations(item: dict[str, Any], gpu: bool, wild: bool) -> None:
    found = toleration(item)
    assert (found["gpu"], found["wild"]) == (gpu, wild)


def test_configured_taints_are_gpu_taints() -> None:
    assert toleration({"key": "pool", "value": "a100"}, gpu_taints=("pool=a*",))["gpu"]
    assert not toleration({"key": "pool", "value": "cpu"}, gpu_taints=("pool=a*",))["gpu"]
    assert toleration({"key": "x/y", "value": "z"}, gpu_taints=("x/*",))["gpu"]


@pytest.mark.parametrize(
    ("key", "value", "gpu"),
    [
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB", True),
        ("nvidia.com/gpu.present", "true", True),
        ("nvidia.com/gpu.present", "false", False),
        ("cloud.google.com/gke-accelerator", "nvidia-l4", True),
        ("cloud.google.com/gke-tpu-topology", "2x2", True),
        ("accelerator", "nvidia", True),
        ("accelerator", "none", False),
        ("karpenter.k8s.aws/instance-gpu-name", "a100", True),
        ("karpenter.k8s.aws/instance-family", "g5", True),
        ("karpenter.k8s.aws/instance-family", "m5", False),
        ("eks.amazonaws.com/instance-gpu-count", "8", True),
        ("feature.node.kubernetes.io/pci-0302_10de.present", "true", True),
        ("feature.node.kubernetes.io/pci-15b3.present", "true", False),
        ("node.kubernetes.io/instance-type", "g5.8xlarge", True),
        ("node.kubernetes.io/instance-type", "m5n.xlarge", False),
        ("node.kubernetes.io/instance-type", "Standard_NC24ads_A100_v4", True),
        ("node.kubernetes.io/instance-type", "a2-highgpu-1g", True),
        ("kubernetes.io/os", "linux", False),
    ],
)
def test_accelerator_labels(key: str, value: str, gpu: bool) -> None:
    [found] = view({"nodeSelector": {key: value}})["selectors"]
    assert found == {
        "path": ["spec", "nodeSelector", key],
        "key": key,
        "values": [value],
        "gpu": gpu,
    }


def test_configured_labels_are_accelerator_labels() -> None:
    spec = {"nodeSelector": {"pool": "gpu-large"}}
    assert not view(spec)["selectors"][0]["gpu"]
    assert view(spec, gpu_labels=("pool=gpu*",))["selectors"][0]["gpu"]


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    listed = [{"matchExpressions": term} for term in terms]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": listed}}
    return {"affinity": {"nodeAffinity": required}}


def expression(operator: str, *values: str, key: str = "nvidia.com/gpu.product") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("item", "gpu"),
    [
        (expression("In", "A100", "H100"), True),
        (expression("Exists"), True),
        (expression("Gt", "40000", key="nvidia.com/gpu.memory"), True),
        (expression("In", "true", "false", key="nvidia.com/gpu.present"), False),
        (expression("Exists", key="node.kubernetes.io/instance-type"), False),
        (
            expression("In", "g5.xlarge", "p4d.24xlarge", key="node.kubernetes.io/instance-type"),
            True,
        ),
        (expression("In", "g5.xlarge", "m5.large", key="node.kubernetes.io/instance-type"), False),
    ],
)
def test_required_node_affinity(item: dict[str, Any], gpu: bool) -> None:
    [found] = view(affinity([item]))["selectors"]
    assert found == {
        "path": [
            *("spec", "affinity", "nodeAffinity"),
            *("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", 0),
            *("matchExpressions", 0),
        ],
        "key": item["key"],
        "values": item["values"],
        "gpu": gpu,
    }


@pytest.mark.parametrize("operator", ["NotIn", "DoesNotExist"])
def test_operators_that_keep_nodes_away_select_nothing(operator: str) -> None:
    assert view(affinity([expression(operator, "A100")]))["selectors"] == []


def test_alternatives_select_an_accelerator_only_if_each_does() -> None:
    gpu, other = expression("In", "A100"), expression("In", "a", key="zone")
    assert [s["gpu"] for s in view(affinity([gpu], [other]))["selectors"]] == [False, False]
    assert [s["gpu"] for s in view(affinity([gpu], [other, gpu]))["selectors"]] == [
        True,
        False,
        True,
    ]
    assert [s["gpu"] for s in view(affinity([gpu], []))["selectors"]] == [True]
    denied = expression("NotIn", "A100")
    assert [s["gpu"] for s in view(affinity([gpu], [denied]))["selectors"]] == [False]


def test_preferences_require_nothing() -> None:
    preferred = {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [expression("Exists")]}}
        ]
    }
    assert view({"affinity": {"nodeAffinity": preferred}})["selectors"] == []
