"""Which collections of an API server hold what judging needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from audit.plan import Plan
from audit.survey import Survey
from karb_guard.cluster.discovery import Resource
from karb_guard.evaluation.slices.reads import NAMESPACE, GroupKind


class Collection(NamedTuple):
    """What a target is called in a copy of the cluster."""

    key: str
    """Its path and query."""
    kind: GroupKind
    namespaced: bool


@dataclass(frozen=True, slots=True)
class Target:
    """One collection to list, or to follow."""

    resource: Resource
    place: str | None = None
    """Its namespace; ``None``: of the whole cluster."""
    query: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> GroupKind:
        """(API group, kind)."""
        return self.resource.group, self.resource.kind

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return self.resource.path(self.place)

    @property
    def collection(self) -> Collection:
        """What the mirror calls it."""
        key = f"{self.path}?{urlencode(self.query)}"
        return Collection(key, self.kind, self.resource.namespaced)

    @property
    def what(self) -> str:
        """What people call it."""
        return f"{self.resource.name} in namespace {self.place}" if self.place else self._name

    @property
    def _name(self) -> str:
        by_name = dict(self.query).get("fieldSelector", "").removeprefix("metadata.name=")
        return f"namespace {by_name}" if by_name else self.resource.name


def targets(survey: Survey, plan: Plan, namespaces: Sequence[str]) -> Iterator[Target]:
    """What to follow; ``namespaces``: only these, but for what is looked for in all."""
    for resource in survey.resources:
        yield from of_kind(resource, plan, namespaces)


def of_kind(resource: Resource, plan: Plan, namespaces: Sequence[str]) -> Iterator[Target]:
    """Those of one kind."""
    kind = (resource.group, resource.kind)
    selector = plan.selector(*kind)
    query = (("labelSelector", selector),) if selector else ()
    if kind == NAMESPACE and namespaces:
        for name in namespaces:
            yield Target(resource, None, (("fieldSelector", f"metadata.name={name}"),))
    elif namespaces and resource.namespaced and not plan.pins(*kind):
        for name in namespaces:
            yield Target(resource, name, query)
    else:
        yield Target(resource, None, query)
