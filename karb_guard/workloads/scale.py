"""How many pods a template makes, as far as its object says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.model.finding import Path
from karb_guard.workloads.kinds import ROWS
from karb_guard.workloads.patterns import EACH, VALUES, compile_pattern
from karb_guard.workloads.rows import Kind
from karb_guard.workloads.shapes import Template, Workload

_GROUP = "leaderWorkerTemplate"
_LEADERS: Mapping[tuple[str, str], Path] = {
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): ("spec", _GROUP, "leaderTemplate"),
    ("serving.kserve.io", "InferenceService"): ("spec", "predictor"),
}
"""Kinds whose ``size`` counts a leader, and where its own template is, if it has one."""
_RAY = "ray.io"


class Scale(NamedTuple):
    """The pods of one template are ``replicas`` times ``size``."""

    replicas: int
    """As written, else what the kind's operator takes for unwritten: 1, of a Ray group 0."""
    size: int
    """Pods of this template in each replica: more than one where replicas are groups."""
    path: Path
    """Where ``replicas`` is written, or belongs."""


class _Counted(NamedTuple):
    steps: tuple[str, ...]
    replicas: tuple[str, ...]
    size: tuple[str, ...]
    versions: tuple[str, ...]


def _counted(row: Kind) -> tuple[_Counted, ...]:
    """The places of a kind that have a count, the deepest first: of nested ones it is the place."""
    counted = [
        _Counted(
            compile_pattern(location.pattern),
            compile_pattern(location.replicas),
            compile_pattern(location.size) if location.size else (),
            location.versions,
        )
        for location in row.locations
        if location.replicas
    ]
    return tuple(sorted(counted, key=lambda each: -len(each.steps)))


_ROWS = {key: counted for key, row in ROWS.items() if (counted := _counted(row))}


def scale_of(obj: Mapping[str, Any], workload: Workload, template: Template) -> Scale | None:
    """The scale of one template; ``None`` where the kind has no count of its pods.

    ``obj`` may lack its pod templates, but not what stands beside them. A count of a wrong type
    is taken for unwritten: the API server refuses it.
    """
    for row in _ROWS.get((workload.group, workload.kind), ()):
        bound = _bound(row.steps, template.path)
        if bound is not None and (not row.versions or workload.version in row.versions):
            path = _filled(row.replicas, bound)
            size = _count(obj, _filled(row.size, bound), 1) if row.size else 1
            size -= row.size != () and size > 1 and _has_leader(workload, template)
            return Scale(_replicas(obj, workload, path), size, path)
    return None


def _replicas(obj: Mapping[str, Any], workload: Workload, path: Path) -> int:
    if workload.group != _RAY:
        return _count(obj, path, 1)
    # The operator never goes below minReplicas (GetWorkerGroupDesiredReplicas in KubeRay).
    return max(_count(obj, path, 0), _count(obj, (*path[:-1], "minReplicas"), 0))


def _has_leader(workload: Workload, template: Template) -> bool:
    leader = _LEADERS.get((workload.group, workload.kind))
    if leader is None:
        return False
    others = (other.path for other in workload.templates if other is not template)
    return any(path[: len(leader)] == leader for path in others)


def _bound(steps: tuple[str, ...], path: Path) -> tuple[str | int, ...] | None:
    """What the wildcards of a pattern stand for in a path below it; ``None`` if it isn't."""
    if len(steps) > len(path):  # a view may have its PodSpec below the pattern's map
        return None
    bound: list[str | int] = []
    for step, part in zip(steps, path, strict=False):
        if step in (EACH, VALUES):
            bound.append(part)
        elif step != part:
            return None
    return tuple(bound)


def _filled(steps: tuple[str, ...], bound: tuple[str | int, ...]) -> Path:
    parts = iter(bound)
    return tuple([next(parts) if step in (EACH, VALUES) else step for step in steps])


def _count(obj: Any, path: Path, default: int) -> int:
    value = obj
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return default
    return value if type(value) is int and value >= 0 else default
