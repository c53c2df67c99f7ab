"""What an API server has of the kinds that a plan needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from audit.plan import POD, Plan
from karb_guard.cluster.client import segment
from karb_guard.cluster.discovery import Discovered, Resource, discover
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.workloads import ROWS

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_MAY_HOLD_PODS = re.compile(
    rb'"containers"\s*:|"x-kubernetes-preserve-unknown-fields"\s*:\s*true',
)
"""What the schema of a custom resource has somewhere if its objects may hold a PodSpec. Spaces are
what a proxy in between may write."""
_METRICS = ".metrics.k8s.io"
"""Aggregated APIs whose objects have containers and are no templates."""


class Untold(NamedTuple):
    """A kind that is needed, of which nobody tells whether there is one."""

    what: str
    kind: GroupKind
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """One look at what is served."""

    resources: Sequence[Resource]
    """What to list: one version of each kind that is needed, context first, pods last."""
    served: frozenset[GroupKind]
    silent: Mapping[str, str]
    """API group whose own server is away -> why nobody tells what it has."""
    untold: Sequence[Untold] = ()

    def absent(self, group: str, kind: str) -> bool:
        """Whether the kind is known not to exist."""
        return (group, kind) not in self.served and group not in self.silent


class Surveyor:
    """Asks one API server, as often as wanted."""

    def __init__(self, pager: Pager, plan: Plan) -> None:
        self._pager = pager
        self._plan = plan
        self._carrying: dict[str, bool] = {}

    def survey(self) -> Survey:
        """What is served now. Raises ``ClusterError`` where nothing can be learnt."""
        found = discover(self._pager)
        served = frozenset((each.group, each.kind) for each in found.resources)
        silent = {each.api_version.rpartition("/")[0]: each.reason for each in found.silent}
        resources = self._chosen(found.resources)
        return Survey(resources, served, silent, tuple(self._untold(found, served)))

    def forget(self) -> None:
        """Look at the schemas of custom resources anew."""
        self._carrying.clear()

    def _untold(self, found: Discovered, served: Iterable[GroupKind]) -> Iterator[Untold]:
        plan = self._plan
        needed = {*plan.matched, *plan.context, *(ROWS if plan.needs_workloads else ())}
        unseen = needed.difference(served)
        for silent in found.silent:
            group = silent.api_version.rpartition("/")[0]
            for kind in sorted(kind for kind in unseen if kind[0] == group):
                yield Untold(f"{kind[1]} ({silent.api_version})", kind, silent.reason)

    def _chosen(self, resources: Iterable[Resource]) -> list[Resource]:
        versions: dict[GroupKind, list[Resource]] = {}
        for resource in resources:
            versions.setdefault((resource.group, resource.kind), []).append(resource)
        chosen = [
            preferred(kind, found)
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
        known = self._carrying.get(resource.name)
        if known is None:
            known = self._carrying[resource.name] = self._has_room_for_pods(resource)
        return known

    def _has_room_for_pods(self, resource: Resource) -> bool:
        try:
            schema = self._pager.get(f"{_CRDS}/{segment(resource.name)}")
        except ClusterError as error:
            # Not defined by a CRD: served by somebody's own API server, which makes no pods of it.
            return error.status != 404 and not resource.group.endswith(_METRICS)
        return _MAY_HOLD_PODS.search(schema) is not None


def preferred(kind: GroupKind, found: Sequence[Resource]) -> Resource:
    """Of one kind, the version that the kind table knows best, else the API server's choice."""
    row = ROWS.get(kind)
    for version in row.versions if row is not None else ():
        for resource in found:
            if resource.version == version:
                return resource
    return found[0]


def reason_of(error: ClusterError, resource: Resource, verb: str = "list") -> str:
    """Why a kind could not be listed, and what helps."""
    if error.status in (401, 403):
        group = resource.group or '""'
        return f"not allowed; grant the verb {verb} on {resource.plural} of API group {group}"
    if error.status in (404, 405):
        return "the API server no longer serves it: it was removed while it was being listed"
    return str(error)
