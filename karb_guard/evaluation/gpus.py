"""How many GPUs an object's pods ask for, all replicas together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.prepare import Prepared

_NO_PODS = "runtime"
"""The role of templates that other objects are made from."""

MODEL_LABELS = frozenset(
    {
        "nvidia.com/gpu.product",
        "amd.com/gpu.product-name",
        "cloud.google.com/gke-accelerator",
        "karpenter.k8s.aws/instance-gpu-name",
        "k8s.amazonaws.com/accelerator",
    }
)
"""Node labels whose value is a model; ``karb_guard.facts.gpu_names.LABELS`` has their sources."""


def gpus_of(prepared: Prepared) -> int | None:
    """Whole GPUs; ``None`` where the object says neither how many pods nor how many of each.

    A bare Pod counts once. What an operator, a claim or a share of a GPU stands for is counted as
    far as it is a whole number that is written down.
    """
    workload = prepared.workload
    if workload is None or workload.role == _NO_PODS:
        return 0
    total = 0
    for pod in prepared.pods:
        each = _of_pod(pod)
        if each == 0:
            continue
        scale = pod.get("scale")
        if each is None or (scale is None and workload.kind != "Pod"):
            return None
        total += each * (scale["replicas"] * scale["size"] if scale else 1)
    return total


def gpu_kind_of(prepared: Prepared) -> str | None:
    """What the GPUs are: the model that the pods' placement names, else the resource.

    ``None`` where nothing says it, or where it is several things.
    """
    kinds = {kind for pod in prepared.pods if _of_pod(pod) != 0 for kind in _kinds(pod)}
    return kinds.pop() if len(kinds) == 1 else None


def _kinds(pod: Mapping[str, Any]) -> set[str]:
    models = {
        str(value)
        for selector in pod["selectors"]
        if selector["key"] in MODEL_LABELS
        for value in selector["values"]
    }
    if models:
        return models
    return {gpu["resource"] for container in pod["containers"] for gpu in container.get("gpus", ())}


def _of_pod(pod: Mapping[str, Any]) -> int | None:
    """As the scheduler counts: what runs side by side, or the largest that runs before it."""
    beside = before = 0
    for container in pod["containers"]:
        devices = container.get("devices", 0)
        if devices is None:
            return None
        if container["role"] == "init":
            before = max(before, devices)
        elif container["role"] != "ephemeral":
            beside += devices
    return max(beside, before)
