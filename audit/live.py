"""Lists a living cluster."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from audit.collecting import Collector
from audit.plan import Plan
from audit.progress import Progress
from audit.survey import Surveyor, reason_of
from audit.targets import Target, of_kind
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
        complete = True
        for target in of_kind(resource, self._plan, self._namespaces):
            complete = self._list_one(target, collector) and complete
        if complete:
            collector.collected.listed.add(kind)

    def _list_one(self, target: Target, collector: Collector) -> bool:
        batch, count = collector.batch(), 0
        try:
            for page in self._pager.pages(target.path, dict(target.query)):
                if page.begins:
                    batch, count = collector.batch(), 0
                batch.take(page.items)
                count += len(page.items)
                total = None if page.remaining is None else count + page.remaining
                self._progress.part(count, total, f"listing {target.resource.name}")
        except ClusterError as error:
            if error.status == 0:
                raise  # nobody answers any more: nothing else could be listed either
            reason = reason_of(error, target.resource)
            collector.miss(target.what, target.kind, reason, target.place)
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
