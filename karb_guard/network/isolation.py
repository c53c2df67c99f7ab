"""What a pod's policies add up to, as ``input.context.isolation`` has it."""

from __future__ import annotations

from typing import Any

from karb_guard.network.endpoints import METADATA_ADDRESSES, METADATA_PORTS, DnsServer, Endpoint
from karb_guard.network.policies import Policies, Stance, stance_of
from karb_guard.network.rules import DIRECTIONS, Policy
from karb_guard.network.selectors import Labels
from karb_guard.network.truth import Truth, all_of, any_of

SET_BY_CONTROLLERS = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""Labels that Kubernetes' own controllers put on pods (k8s.io/api/apps/v1 and batch/v1)."""


def isolation_of(
    policies: Policies, labels: dict[str, str], *, complete: bool = True, host_network: bool = False
) -> dict[str, Any]:
    """The effective isolation of a pod of the policies' namespace (docs/architecture.md).

    ``complete``: nobody but Kubernetes' own controllers adds labels. Pods on the network of their
    host are beyond policies: nothing isolates them.
    """
    known = Labels(labels, complete, SET_BY_CONTROLLERS)
    selecting = [] if host_network else policies.selecting(known)
    ingress, egress = (stance_of(selecting, each, policies.namespace) for each in DIRECTIONS)
    return {
        "hostNetwork": host_network,
        "ingress": _direction(ingress, selecting, "Ingress"),
        "egress": _direction(egress, selecting, "Egress"),
        "dns": dns_open(egress, policies.dns),
        "metadata": metadata_open(egress),
        "allows": [
            {"policy": policy.name, "direction": direction, "boundary": policy.boundary}
            for policy, _ in selecting
            for direction, rules in policy.rules.items()
            if rules
        ],
    }


def _direction(
    stance: Stance, selecting: list[tuple[Policy, Truth]], direction: str
) -> dict[str, Any]:
    return {
        "isolated": stance.isolated,
        "denied": stance.denied,
        "policies": sorted(
            policy.name for policy, chosen in selecting if chosen and direction in policy.rules
        ),
    }


def dns_open(egress: Stance, servers: tuple[DnsServer, ...]) -> Truth:
    """Whether names resolve: one server is reached by UDP and, for long answers, by TCP."""
    return any_of(
        all_of(egress.allows(server.endpoint, protocol, server.port) for protocol in ("UDP", "TCP"))
        for server in servers
    )


def metadata_open(egress: Stance) -> Truth:
    """Whether an instance metadata service can be reached."""
    return any_of(
        egress.allows(Endpoint(address), "TCP", port)
        for address in METADATA_ADDRESSES
        for port in METADATA_PORTS
    )
