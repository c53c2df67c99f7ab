"""What scrapes pods: monitors of Prometheus' operator and its relatives, and Services in between.

Objects are as written, of any shape inside; one that the API server would refuse scrapes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.inventory.keys import namespace_of
from karb_guard.network.selectors import (
    InvalidPolicyError,
    Labels,
    Selector,
    as_list,
    as_map,
    compile_selector,
)
from karb_guard.network.truth import Truth, all_of, any_of

KINDS: Mapping[tuple[str, str], tuple[bool, str]] = {
    ("monitoring.coreos.com", "PodMonitor"): (False, "podMetricsEndpoints"),
    ("monitoring.coreos.com", "ServiceMonitor"): (True, "endpoints"),
    ("azmonitoring.coreos.com", "PodMonitor"): (False, "podMetricsEndpoints"),
    ("azmonitoring.coreos.com", "ServiceMonitor"): (True, "endpoints"),
    ("operator.victoriametrics.com", "VMPodScrape"): (False, "podMetricsEndpoints"),
    ("operator.victoriametrics.com", "VMServiceScrape"): (True, "endpoints"),
    ("monitoring.googleapis.com", "PodMonitoring"): (False, "endpoints"),
    ("monitoring.googleapis.com", "ClusterPodMonitoring"): (False, "endpoints"),
}
"""Kind -> whether it goes by Services, and the field of its endpoints (prometheus-operator
api-reference; VictoriaMetrics operator; GoogleCloudPlatform/prometheus-engine; Azure's copies)."""
CLUSTER_WIDE = ("monitoring.googleapis.com", "ClusterPodMonitoring")

SCRAPE = "prometheus.io/scrape"
"""Annotation of pods and Services that the usual scrape configurations of Prometheus go by."""

_NUMBERS = ("portNumber", "targetPort", "port")


class Ports(NamedTuple):
    """The declared ports of a pod, or of a Service."""

    names: frozenset[str]
    numbers: frozenset[int] = frozenset()
    complete: bool = True
    """Nobody adds others."""


class Service(NamedTuple):
    """A Service that selects pods."""

    name: str
    selector: Mapping[str, str]
    labels: Labels
    ports: Ports
    scraped: bool
    """By its annotation."""

    def selects(self, labels: Labels) -> Truth:
        """Whether pods with these labels are behind it."""
        return all_of(labels.is_in(key, frozenset({v})) for key, v in self.selector.items())


class Monitor(NamedTuple):
    """One PodMonitor or ServiceMonitor, or one of their relatives."""

    name: str
    by_service: bool
    selector: Selector
    everywhere: bool
    namespaces: frozenset[str | None]
    endpoints: tuple[Mapping[str, Any], ...]

    def scrapes(self, ports: Ports, service: Ports | None = None) -> Truth:
        """Whether an endpoint leads to one of the ports; without endpoints nothing is scraped.

        ``service``: the ports of the Service in between, whose names an endpoint's ``port`` means.
        """
        return any_of(_leads(endpoint, ports, service) for endpoint in self.endpoints)


def _leads(endpoint: Mapping[str, Any], ports: Ports, service: Ports | None) -> Truth:
    """An endpoint that names no port is for all of them."""
    named = {field: endpoint[field] for field in _NUMBERS if endpoint.get(field)}
    if not named:
        return True
    if service is not None and "port" in named:
        return _has(service, named["port"])
    return any_of(_has(ports, value) for value in named.values())


def _has(ports: Ports, port: Any) -> Truth:
    found = port in ports.names if isinstance(port, str) else port in ports.numbers
    if isinstance(port, str) and port.isascii() and port.isdigit():
        found = found or int(port[:6]) in ports.numbers
    return True if found else (False if ports.complete else None)


def read_monitor(obj: Mapping[str, Any], kind: tuple[str, str]) -> Monitor | None:
    """A monitor; ``None`` for one that the API server would refuse."""
    by_service, field = KINDS[kind]
    try:
        spec = as_map(obj.get("spec"))
        chosen = as_map(spec.get("namespaceSelector"))
        return Monitor(
            f"{kind[1]} {_name(obj)}",
            by_service,
            compile_selector(spec.get("selector")),
            chosen.get("any") is True or kind == CLUSTER_WIDE,
            _namespaces(chosen, namespace_of(obj)),
            tuple(_endpoint(each) for each in as_list(spec.get(field))),
        )
    except InvalidPolicyError:
        return None


def _endpoint(value: Any) -> Mapping[str, Any]:
    """An endpoint whose ports are names or numbers."""
    endpoint = as_map(value)
    for field in _NUMBERS:
        if type(endpoint.get(field)) not in (str, int, type(None)):
            raise InvalidPolicyError(f"{field}: a name or a number is needed")
    return endpoint


def _namespaces(chosen: Mapping[str, Any], own: str | None) -> frozenset[str | None]:
    names = frozenset(n for n in as_list(chosen.get("matchNames")) if isinstance(n, str))
    return names or frozenset((own,))


def read_service(obj: Mapping[str, Any]) -> Service | None:
    """A Service; ``None`` for one without a selector, or that the API server would refuse."""
    try:
        spec, metadata = as_map(obj.get("spec")), as_map(obj.get("metadata"))
        selector = as_map(spec.get("selector"))
        ports = [as_map(port) for port in as_list(spec.get("ports"))]
        annotations = as_map(metadata.get("annotations"))
    except InvalidPolicyError:
        return None
    if not selector or not all(isinstance(v, str) for v in selector.values()):
        return None
    names = frozenset(port["name"] for port in ports if isinstance(port.get("name"), str))
    labels = Labels(_texts(metadata.get("labels")))
    scraped = annotations.get(SCRAPE) == "true"
    return Service(_name(obj), selector, labels, Ports(names), scraped)


def pod_ports(containers: Iterable[Mapping[str, Any]], injected: Iterable[str]) -> Ports:
    """The ports of a pod's containers (of the input document); ``injected`` says what comes."""
    declared = list(_declared(containers))
    names = {port["name"] for port in declared if port.get("name")}
    names |= {"metrics"} & set(injected)  # KubeRay names the port that it adds so
    numbers = {port.get("containerPort") for port in declared}
    complete = not any(container["open"] for container in containers)
    return Ports(frozenset(names), frozenset(n for n in numbers if type(n) is int), complete)


def _declared(containers: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for container in containers:
        yield from container["spec"].get("ports") or ()


def _name(obj: Mapping[str, Any]) -> str:
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) else ""


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}
