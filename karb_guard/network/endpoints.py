"""The far ends of connections, and those that every cluster has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from karb_guard.network.addresses import Address
from karb_guard.network.selectors import Labels

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Set on every Namespace by the API server (since 1.22)."""


class Endpoint(NamedTuple):
    """Something that a pod connects to, or that connects to a pod."""

    address: Address | None = None
    """``None``: a pod whose address is not known, as nobody knows it before it runs."""
    namespace: str | None = None
    """Of a pod; ``None`` for what is no pod."""
    namespace_labels: Labels = Labels({})
    pod_labels: Labels = Labels({})
    named_ports: Mapping[tuple[str, str], int] = {}
    """(protocol, name) -> number, of a pod's containers."""


class DnsServer(NamedTuple):
    """A place where the cluster's DNS answers."""

    endpoint: Endpoint
    port: int


METADATA_ADDRESSES = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))
"""Where instance metadata services answer. Sources: the providers' documentation (the IPv4 one is
the same for AWS, Azure, Google Cloud, OpenStack and others; the IPv6 one is AWS')."""
METADATA_PORTS = (80, 443)
"""HTTP everywhere, HTTPS on Google Compute Engine too."""

NODE_LOCAL_DNS = ip_address("169.254.20.10")
"""The link-local address of NodeLocal DNSCache in the Kubernetes documentation."""
_PODS = (
    ("kube-system", {"k8s-app": "kube-dns"}, 53),
    ("openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"}, 5353),
)
"""Namespace, labels and container port of DNS pods: CoreDNS and kube-dns carry the first label in
every distribution that follows the add-on's manifest, OpenShift's operator sets the second."""

NamespaceLabels = Callable[[str], Mapping[str, str] | None]
"""A namespace's name -> its labels, ``None`` where the Namespace object is not known."""


def dns_servers(labels_of: NamespaceLabels) -> tuple[DnsServer, ...]:
    """The places where DNS may answer in a cluster; reaching one of them is enough."""
    pods = (DnsServer(_pod(name, labels_of(name), pod, port), port) for name, pod, port in _PODS)
    return (*pods, DnsServer(Endpoint(NODE_LOCAL_DNS), 53))


def _pod(name: str, given: Mapping[str, str] | None, labels: dict[str, str], port: int) -> Endpoint:
    return Endpoint(
        namespace=name,
        namespace_labels=Labels({**(given or {}), NAMESPACE_LABEL: name}, given is not None),
        pod_labels=Labels(labels, complete=False),
        named_ports={("UDP", "dns"): port, ("TCP", "dns-tcp"): port},
    )
