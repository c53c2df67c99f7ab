"""Lists a living cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from audit.collecting import Collector
from audit.plan import POD, Plan
from audit.progress import Progress
from karb_guard.cluster.client import segment
from karb_guard.cluster.discovery import Discovered, Resource, discover
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager
from karb_guard.evaluation.slices.reads import NAMESPACE, GroupKind
from karb_guard.workloads import ROWS

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_MAY_HOLD_PODS = (b'"containers":', b'"x-kubernetes-preserve-unknown-fields":true')
"""What the schema of a custom resource has somewhere if its objects may hold a PodSpec."""
_METRICS = ".metrics.k8s.io"
"""Aggregated APIs whose objects have containers and are no templates."""


class LiveCluster:
    """One API server, listed once."""

    def __init__(
        self,
        pager: Pager,
        plan: Plan,
        namespaces: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> None:
        """``namespaces``: only these; none given means all."""
        self._pager = pager
        self._plan = plan
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._progress = progress or Progress()

    def fill(self, collector: Collector) -> None:
        """List all that the plan needs. Raises ``ClusterError`` where no API server answers."""
        self._progress.say("asking the API server what it has")
        found = discover(self._pager)
        resources = self._chosen(found.resources)
        served = {(each.group, each.kind) for each in found.resources}
        silent = {each.api_version.rpartition("/")[0]: each.reason for each in found.silent}
        collector.collected.absent = lambda group, kind: (
            (group, kind) not in served and group not in silent
        )
        self._miss_silent(collector, found, served)
        for resource in resources:
            self._list(resource, collector)

    def _miss_silent(self, collector: Collector, found: Discovered, served: set[GroupKind]) -> None:
        plan = self._plan
        needed = {*plan.matched, *plan.context, *(ROWS if plan.needs_workloads else ())}
        for silent in found.silent:
            group = silent.api_version.rpartition("/")[0]
            for kind in sorted(kind for kind in needed - served if kind[0] == group):
                collector.miss(f"{kind[1]} ({silent.api_version})", kind, silent.reason)

    def _chosen(self, resources: Iterable[Resource]) -> list[Resource]:
        """One version of each kind that is needed: context first, pods last."""
        versions: dict[GroupKind, list[Resource]] = {}
        for resource in resources:
            versions.setdefault((resource.group, resource.kind), []).append(resource)
        chosen = [
            _version(kind, found)
            for kind, found in versions.items()
            if self._plan.names(*kind) or self._may_carry(found[0])
        ]
        return sorted(chosen, key=self._order)

    def _order(self, resource: Resource) -> tuple[bool, bool, str, str]:
        kind = (resource.group, resource.kind)
        pinned = not resource.namespaced or self._plan.pins(*kind)
        return kind == POD, not pinned, resource.group, resource.plural

    def _may_carry(self, resource: Resource) -> bool:
        """Whether a kind that nobody here knows can hold pod templates, by its CRD's schema."""
        if not self._plan.may_carry(resource.group, resource.kind):
            return False
        try:
            schema = self._pager.get(f"{_CRDS}/{segment(resource.name)}")
        except ClusterError as error:
            # Not defined by a CRD: served by somebody's own API server, which makes no pods of it.
            return error.status != 404 and not resource.group.endswith(_METRICS)
        return any(mark in schema for mark in _MAY_HOLD_PODS)

    def _list(self, resource: Resource, collector: Collector) -> None:
        kind = (resource.group, resource.kind)
        if kind == NAMESPACE and self._namespaces:
            self._get_namespaces(resource, collector)
            return
        places: Sequence[str | None] = (None,)
        if self._namespaces and resource.namespaced and not self._plan.pins(*kind):
            places = self._namespaces
        complete = True
        for place in places:
            complete = self._list_in(resource, place, collector) and complete
        if complete:
            collector.collected.listed.add(kind)

    def _list_in(self, resource: Resource, place: str | None, collector: Collector) -> bool:
        selector = self._plan.selector(resource.group, resource.kind)
        query = {"labelSelector": selector} if selector else {}
        batch, count = collector.batch(), 0
        try:
            for page in self._pager.pages(resource.path(place), query):
                if page.begins:
                    batch, count = collector.batch(), 0
                batch.take(page.items)
                count += len(page.items)
                total = None if page.remaining is None else count + page.remaining
                self._progress.part(count, total, f"listing {resource.name}")
        except ClusterError as error:
            if error.status == 0:
                raise  # nobody answers any more: nothing else could be listed either
            kind = (resource.group, resource.kind)
            within = f" in namespace {place}" if place else ""
            reason = reason_of(error, resource)
            collector.miss(f"{resource.name}{within}", kind, reason, place)
            return False
        batch.commit()
        return True

    def _get_namespaces(self, resource: Resource, collector: Collector) -> None:
        """The Namespace objects that are asked for, one by one: few may list all of them."""
        batch, complete = collector.batch(), True
        for name in self._namespaces:
            try:
                text = self._pager.get(f"{resource.path()}/{segment(name)}")
            except ClusterError as error:
                if error.status == 0:
                    raise
                reason = f"there is no namespace {name}" if error.status == 404 else str(error)
                collector.miss(f"namespace {name}", NAMESPACE, reason, name)
                complete = False
                continue
            batch.take([orjson.loads(text)])
        batch.commit()
        if complete:
            collector.collected.listed.add(NAMESPACE)


def _version(kind: GroupKind, found: Sequence[Resource]) -> Resource:
    """The version that the kind table knows best, else the one that the API server prefers."""
    row = ROWS.get(kind)
    for version in row.versions if row is not None else ():
        for resource in found:
            if resource.version == version:
                return resource
    return found[0]


def reason_of(error: ClusterError, resource: Resource) -> str:
    """Why a kind could not be listed, and what helps."""
    if error.status in (401, 403):
        group = resource.group or '""'
        return f"not allowed; grant the verb list on {resource.plural} of API group {group}"
    if error.status in (404, 405):
        return "the API server no longer serves it: it was removed while it was being listed"
    return str(error)


def namespaces_of(objects: Iterable[dict[str, object]]) -> Iterator[str]:
    """Names of the Namespace objects among ``objects``."""
    for obj in objects:
        metadata = obj.get("metadata")
        if obj.get("kind") == "Namespace" and isinstance(metadata, dict):
            yield str(metadata.get("name", ""))
