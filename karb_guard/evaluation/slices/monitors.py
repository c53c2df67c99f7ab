"""``monitors``: what scrapes the metrics of the judged object's pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from karb_guard.evaluation.monitoring import (
    KINDS,
    Monitor,
    Ports,
    Service,
    pod_ports,
    read_monitor,
    read_service,
)
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.network.selectors import Labels
from karb_guard.network.truth import Truth, all_of

SERVICE = ("", "Service")
READS = Reads(here=(SERVICE,), everywhere=tuple(KINDS))
MAX_MONITORS = 5_000
"""Of the cluster; and Services of one namespace. Of more, the key is absent."""
MAX_NAMES = 5
"""Monitors named for each pod."""

Json = dict[str, Any]


class _Pod(NamedTuple):
    labels: Labels
    ports: Ports


class _Found(NamedTuple):
    """What one monitor, or one annotated Service, means for a pod."""

    name: str
    selected: Truth
    scraped: Truth


class _Monitors:
    """Monitors by a label that all they select has, so that each object meets few of them."""

    def __init__(self, monitors: Iterable[Monitor]) -> None:
        self._by_pair: dict[tuple[str, str] | None, list[Monitor]] = {}
        for monitor in monitors:
            self._by_pair.setdefault(monitor.selector.pair, []).append(monitor)

    def __bool__(self) -> bool:
        return bool(self._by_pair)

    def near(self, labels: Labels) -> Iterator[Monitor]:
        """All that could select these labels as they are."""
        for pair in (None, *labels.values.items()):
            yield from self._by_pair.get(pair, ())

    def far(self, labels: Labels) -> Iterator[Monitor]:
        """All that could select them if somebody added a label."""
        for pair, monitors in self._by_pair.items() if not labels.complete else ():
            if pair is not None and pair[0] not in labels.values:
                yield from monitors


class _Around(NamedTuple):
    """What may scrape pods of one namespace."""

    of_pods: _Monitors
    of_services: _Monitors
    services: list[Service]
    by_pair: dict[tuple[str, str], list[Service]]

    written_down: bool
    """Somebody wrote a monitor for this very namespace, and is taken to have written all."""

    def __bool__(self) -> bool:
        return bool(self.of_pods or self.of_services or self.services)


def provide(about: About) -> list[Json] | None:
    """One entry for each of the object's pods, in their order.

    ``scraped``: a monitor selects the pod and names one of its ports (by a Service, where it is
    one of Services), or the annotation of a Service has it scraped; ``None`` where labels, ports or
    Services that are not visible here decide. ``by`` names who does it, ``selecting`` those that
    select the pod and none of its ports. ``None`` where nobody wrote monitors for the namespace
    down (one that looks into all namespaces says nothing about others), unless somebody scrapes
    one of the pods for certain.
    """
    if not about.prepared.pods or _too_many(about):
        return None
    key = ("monitors", about.namespace)
    around = about.inventory.remembered(key, lambda: _around(about))
    known = about.complete or around.written_down
    if not known and not around:
        return None
    operator = about.prepared.workload is not None and about.prepared.workload.operator
    sure = about.knows(*SERVICE) and not operator  # operators make Services of their own
    entries = [_entry(list(_found(pod, around, sure=sure)), known=known) for pod in _pods(about)]
    return entries if known or any(entry["scraped"] for entry in entries) else None


def _too_many(about: About) -> bool:
    monitors = sum(len(about.inventory.of_kind(*kind)) for kind in KINDS)
    return max(monitors, len(about.neighbours(*SERVICE))) > MAX_MONITORS


def _pods(about: About) -> Iterator[_Pod]:
    workload = about.prepared.document.get("workload", {})
    operator = workload.get("operator") is True
    for pod in about.prepared.pods:
        ports = pod_ports(pod["containers"], workload.get("injects", ()))
        yield _Pod(Labels(pod["labels"], complete=not operator), ports)


def _around(about: About) -> _Around:
    by_place = about.inventory.remembered("monitors", lambda: _by_place(about), of_cluster=True)
    own = by_place.get(about.namespace, ())
    monitors = [*by_place.get("*", ()), *own]
    read = (read_service(obj) for obj in about.neighbours(*SERVICE))
    services = [service for service in read if service is not None]
    by_pair: dict[tuple[str, str], list[Service]] = {}
    for service in services:
        by_pair.setdefault(next(iter(service.selector.items())), []).append(service)
    return _Around(
        _Monitors(monitor for monitor in monitors if not monitor.by_service),
        _Monitors(monitor for monitor in monitors if monitor.by_service),
        services,
        by_pair,
        written_down=about.namespace is not None and bool(own),
    )


def _by_place(about: About) -> dict[str | None, list[Monitor]]:
    """All monitors, by the namespace that they look into; ``*`` stands for any.

    Nobody knows which namespace a monitor without one will be in, so it is found under ``None``.
    """
    found: dict[str | None, list[Monitor]] = {}
    for kind in KINDS:
        for obj in about.inventory.of_kind(*kind):
            monitor = read_monitor(obj, kind)
            if monitor is None:
                continue
            places = {"*"} if monitor.everywhere else monitor.namespaces
            for place in places:
                found.setdefault(place, []).append(monitor)
    return found


def _found(pod: _Pod, around: _Around, *, sure: bool) -> Iterator[_Found]:
    for monitor in around.of_pods.near(pod.labels):
        yield _of_pods(monitor, pod)
    yield from _first_doubt(_of_pods(monitor, pod) for monitor in around.of_pods.far(pod.labels))
    for service, behind in _services(pod, around):
        if service.scraped:
            yield _Found(f"Service {service.name}", behind, behind)
        for monitor in around.of_services.near(service.labels):
            selected = all_of((behind, monitor.selector.matches(service.labels)))
            scraped = all_of((selected, monitor.scrapes(pod.ports, service.ports)))
            yield _Found(monitor.name, selected, scraped)
    if around.of_services and not sure:
        yield _Found("", None, None)
    if not pod.labels.complete:
        annotated = (service for service in around.services if service.scraped)
        behind_it = ((service, service.selects(pod.labels)) for service in annotated)
        yield from _first_doubt(_Found(s.name, behind, behind) for s, behind in behind_it)


def _of_pods(monitor: Monitor, pod: _Pod) -> _Found:
    selected = monitor.selector.matches(pod.labels)
    return _Found(monitor.name, selected, all_of((selected, monitor.scrapes(pod.ports))))


def _first_doubt(found: Iterable[_Found]) -> Iterator[_Found]:
    """What nobody here can tell, once: a hundred more would say no more."""
    return islice((each for each in found if each.scraped is None), 1)


def _services(pod: _Pod, around: _Around) -> list[tuple[Service, Truth]]:
    """The Services that may select the pod by labels that it has."""
    pairs = pod.labels.values.items()
    near = [service for pair in pairs for service in around.by_pair.get(pair, ())]
    verdicts = [(service, service.selects(pod.labels)) for service in near]
    return [(service, verdict) for service, verdict in verdicts if verdict is not False]


def _entry(found: list[_Found], *, known: bool) -> Json:
    by = sorted({each.name for each in found if each.scraped is True})
    doubtful = not known or any(each.scraped is None for each in found)
    selecting = {each.name for each in found if each.selected and each.scraped is False}
    return {
        "scraped": True if by else (None if doubtful else False),
        "by": by[:MAX_NAMES],
        "selecting": sorted(selecting - set(by))[:MAX_NAMES],
    }
