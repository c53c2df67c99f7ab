"""``networkplugins``: the network plug-ins that are installed, as far as their DaemonSets show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads

MAX_PLUGINS = 10
READS = Reads(everywhere=(("apps", "DaemonSet"),))

YES, NO, OPTION = "yes", "no", "option"

PLUGINS: Mapping[str, tuple[str, str]] = {
    "antrea-agent": ("Antrea", YES),
    "aws-node": ("Amazon VPC CNI", OPTION),
    "azure-cns": ("Azure CNI", OPTION),
    "azure-npm": ("Azure Network Policy Manager", YES),
    "calico-node": ("Calico", YES),
    "canal": ("Canal", YES),
    "cilium": ("Cilium", YES),
    "anetd": ("GKE Dataplane V2", YES),
    "kindnet": ("kindnet", OPTION),
    "kube-flannel-ds": ("Flannel", NO),
    "kube-network-policies": ("kube-network-policies", YES),
    "kube-ovn-cni": ("Kube-OVN", YES),
    "kube-router": ("kube-router", YES),
    "ovnkube-node": ("OVN-Kubernetes", YES),
    "weave-net": ("Weave Net", YES),
}
"""A DaemonSet's name, as the plug-in's own manifests have it -> what it is called, and whether it
enforces NetworkPolicies: ``yes``, ``no``, or as an ``option`` that is off in some installations."""


def provide(about: About) -> list[dict[str, str]] | None:
    """One entry a DaemonSet of a known name; ``None`` where no DaemonSet of a cluster is here."""
    if not about.knows_of_cluster("apps", "DaemonSet"):
        return None
    return about.inventory.remembered(
        "networkplugins", lambda: list(_installed(about)), of_cluster=True
    )


def _installed(about: About) -> Iterator[dict[str, str]]:
    found = 0
    for daemon_set in about.inventory.of_kind("apps", "DaemonSet"):
        metadata: Any = daemon_set.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        plugin = PLUGINS.get(name) if isinstance(name, str) else None
        if plugin is not None and found < MAX_PLUGINS:
            found += 1
            place = f"{metadata.get('namespace') or 'default'}/{name}"
            yield {"plugin": plugin[0], "name": f"DaemonSet {place}"[:300], "enforces": plugin[1]}
