"""One workload of a living cluster with its autoscalers: no more is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from audit.survey import preferred, reason_of
from karb_guard.cluster.client import segment
from karb_guard.cluster.discovery import Discovered, Resource, discover
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager
from karb_guard.evaluation.autoscaling.find import Named, read_name
from karb_guard.evaluation.autoscaling.objects import KINDS
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.inventory import Inventory
from karb_guard.model.errors import UsageError

Json = dict[str, Any]


class Read(NamedTuple):
    """What was read."""

    inventory: Inventory
    gaps: tuple[str, ...] = ()
    """What could not be read, and what helps."""


def read_workload(pager: Pager, named: str) -> Read:
    """The objects that a name fits, and the autoscalers of their namespaces.

    Raises ``ClusterError`` where no API server answers, ``UsageError`` where it has no such object.
    """
    return _Reader(pager, discover(pager)).read(named)


class _Reader:
    def __init__(self, pager: Pager, found: Discovered) -> None:
        self._pager, self._found = pager, found
        self._gaps: list[str] = []

    def read(self, named: str) -> Read:
        wanted = read_name(named)
        resources = self._fitting(wanted)
        if not resources:
            raise UsageError(f"{named}: the cluster has no kind {wanted.kind}{self._silent()}")
        objects = [obj for each in resources for obj in self._named(each, wanted)]
        if not objects:
            said = "".join(f"; not read: {gap}" for gap in self._gaps)
            raise UsageError(f"{named} is not in the cluster{said}")
        places = sorted({str(obj["metadata"].get("namespace") or "") for obj in objects})
        # Of several nothing more is needed: that they are several is what is said.
        scalers = self._autoscalers(places[0]) if len(places) == 1 and places[0] else ()
        return Read(Inventory([*objects, *scalers]), tuple(self._gaps))

    def _fitting(self, wanted: Named) -> list[Resource]:
        versions: dict[GroupKind, list[Resource]] = {}
        for each in self._found.resources:
            if each.namespaced and wanted.fits(each.kind, each.group):
                versions.setdefault((each.group, each.kind), []).append(each)
        return [preferred(kind, found) for kind, found in versions.items()]

    def _named(self, resource: Resource, wanted: Named) -> Iterator[Json]:
        """One object of a namespace, or those of the name in all of them."""
        try:
            if wanted.namespace:
                path = f"{resource.path(wanted.namespace)}/{segment(wanted.name)}"
                yield orjson.loads(self._pager.get(path))
                return
            query = {"fieldSelector": f"metadata.name={wanted.name}"}
            for page in self._pager.pages(resource.path(), query):
                yield from page.items
        except ClusterError as error:
            if error.status == 0:
                raise
            if error.status != 404:
                self._gaps.append(_gap(resource, wanted, error))

    def _autoscalers(self, namespace: str) -> Iterator[Json]:
        for kind in KINDS:
            found = [each for each in self._found.resources if (each.group, each.kind) == kind]
            if found:
                yield from self._listed(preferred(kind, found), namespace)
        self._gaps += [
            f"{silent.api_version}: {silent.reason}; it may have an autoscaler"
            for silent in self._found.silent
            if silent.api_version.rpartition("/")[0] in {group for group, _ in KINDS}
        ]

    def _listed(self, resource: Resource, namespace: str) -> list[Json]:
        objects: list[Json] = []
        try:
            for page in self._pager.pages(resource.path(namespace)):
                objects = [*([] if page.begins else objects), *page.items]
        except ClusterError as error:
            if error.status == 0:
                raise
            where = f"{resource.name} in namespace {namespace}"
            self._gaps.append(
                f"{where}: {reason_of(error, resource)}; one that scales this is not shown"
            )
            return []
        return objects

    def _silent(self) -> str:
        names = ", ".join(each.api_version for each in self._found.silent)
        return f", and nobody tells what {names} has" if names else ""


def _gap(resource: Resource, wanted: Named, error: ClusterError) -> str:
    where = "in all namespaces" if wanted.namespace is None else f"in namespace {wanted.namespace}"
    verb = "list" if wanted.namespace is None else "get"
    return f"{resource.name} {where}: {reason_of(error, resource, verb)}"
