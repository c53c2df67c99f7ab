"""The toleration of the GPU pool's taint, as ``gpu-tol-missing`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.mutation.changes import Change, Kind, Subject
from karb_guard.mutation.options import MutationOptions, Taints

_GKE_LABELS = "cloud.google.com/gke-"
_TPU = "google.com/tpu"


def gpu_tolerations(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """One toleration for each vendor whose GPUs the Pod requests and whose taint is known."""
    pod, taints = subject.pod, options.taints
    if not options.gpu_toleration or not pod["gpu"]["workload"]:
        return
    vendors = [vendor for vendor in pod["gpu"]["vendors"] if vendor in taints.keys]
    for key in sorted({taints.keys[vendor] for vendor in vendors}):
        if not _tolerated(pod, key, taints):
            yield Change(
                Kind.GPU_TOLERATION,
                (*pod["path"], "tolerations"),
                {"key": key, "operator": "Exists", "effect": taints.effect},
                f"{key}:{taints.effect}",
                f"it requests {', '.join(pod['gpu']['resources'])} and tolerates no taint {key}",
                append=True,
            )


def _tolerated(pod: Mapping[str, Any], key: str, taints: Taints) -> bool:
    for toleration in pod["tolerations"]:
        covers = toleration["wild"] or toleration["key"] == key
        if covers and toleration["effect"] in ("", taints.effect):
            return True
    return _added_by_the_cluster(pod, key, taints)


def _added_by_the_cluster(pod: Mapping[str, Any], key: str, taints: Taints) -> bool:
    """Whether the admission plugin ExtendedResourceToleration adds it; GKE runs it everywhere."""
    resources = pod["gpu"]["resources"]
    if key not in resources or taints.effect == "NoExecute" or "kubernetes.io/" in key:
        return False
    on_gke = any(selector["key"].startswith(_GKE_LABELS) for selector in pod["selectors"])
    return taints.injected or on_gke or _TPU in resources
