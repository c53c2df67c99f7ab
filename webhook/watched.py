"""What decisions read of the cluster besides namespaces, put together for one process."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.leases import Leadership
from karb_guard.cluster.namespaces import NamespaceLabels
from webhook.enforcement import RecordKeeper, RecordPlace, enforced_in
from webhook.loaded import Loaded, Surroundings
from webhook.metrics import Metrics
from webhook.neighbours import neighbours_of
from webhook.objects import ClusterObjects
from webhook.owners import owners_of
from webhook.scales import parents_of
from webhook.watches import Watches


class Watched:
    """Watches rollouts, waivers and the enforcement record, and keeps the latter."""

    def __init__(
        self,
        args: argparse.Namespace,
        cluster: ClusterClient,
        namespaces: NamespaceLabels,
        metrics: Metrics,
        objects: ClusterObjects | None = None,
    ) -> None:
        """``objects`` takes what is seen; by default one of this process's own."""
        self._cluster = cluster
        self._namespaces = namespaces
        self._objects = ClusterObjects(metrics) if objects is None else objects
        self._place = None
        if args.enforcement_record and args.namespace:
            self._place = RecordPlace(args.namespace, args.enforcement_record)
        record = (self._place.namespace, self._place.name) if self._place else None
        self._watches = Watches(cluster, self._objects, metrics, record)

    def missing(self) -> str | None:
        """What has to be read before this process is ready; see ``Watches``."""
        return self._watches.missing()

    @contextlib.contextmanager
    def running(
        self, loaded: Callable[[], Loaded], leadership: Leadership
    ) -> Iterator[Surroundings]:
        """Follow the cluster until the context ends. ``loaded`` gives what counts now."""
        owners, parents = owners_of(self._cluster), parents_of(self._cluster)
        with contextlib.ExitStack() as stack:
            stack.callback(owners.close)
            stack.callback(parents.close)
            stack.enter_context(self._watches.running())
            if self._place is not None:
                keeper = RecordKeeper(
                    self._cluster, self._place, lambda: self._enforced(loaded()), leadership
                )
                stack.enter_context(keeper.running())
            neighbours = neighbours_of(self._cluster, self._objects)
            stack.callback(neighbours.close)
            yield Surroundings(self._objects, owners, parents, neighbours)

    def _enforced(self, loaded: Loaded) -> Mapping[str, frozenset[str]] | None:
        """Namespace -> what is enforced there; break-glass changes nothing about since when."""
        if not self._namespaces.synced or not self._watches.settled:
            return None
        stages = self._objects.stages_for_record(loaded.stages)
        return {
            name: enforced_in(stages.for_namespace(name, labels).decisions, loaded.enabled)
            for name, labels in self._namespaces.everything().items()
        }
