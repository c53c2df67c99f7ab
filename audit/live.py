"""Lists a living cluster."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from audit.collecting import Collector
from audit.plan import Plan
from audit.progress import Progress
from audit.survey import Surveyor, reason_of
from karb_guard.cluster.client import segment
from karb_guard.cluster.discovery import Resource
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager
from karb_guard.evaluation.slices.reads import NAMESPACE


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
        survey = Surveyor(self._pager, self._plan).survey()
        collector.collected.absent = survey.absent
        for untold in survey.untold:
            collector.miss(*untold)
        for resource in survey.resources:
            self._list(resource, collector)

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
