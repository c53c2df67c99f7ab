"""Finding pod templates in a kind that nobody told us about.

Any map with a ``containers`` list of maps is taken for a PodSpec. The walk is iterative and
bounded: in depth, in visited values and in finds.
"""

from __future__ import annotations

from typing import Any

from karb_guard.model.finding import Path
from karb_guard.workloads.containers import LISTS, Openness, read_containers
from karb_guard.workloads.patterns import Reference, metadata_source
from karb_guard.workloads.shapes import Misfit, Template

MAX_DEPTH = 100
MAX_VISITED = 100_000
"""Maps and lists looked into per object."""

_OPEN = Openness(imageless=True)
_NOT_WALKED = frozenset(field for field, _ in LISTS)
_NOT_SPEC = frozenset({"metadata", "status"})
"""At the root: what the author did not write as the object's intent."""


def discover(obj: dict[str, Any], limit: int, misfits: list[Misfit]) -> tuple[list[Template], bool]:
    """The templates found, at most ``limit``, and whether the walk had to stop early."""
    found: list[Template] = []
    visited = 0
    cut = False
    stack: list[tuple[Path, Any]] = [((), obj)]
    while stack:
        path, value = stack.pop()
        visited += 1
        if visited > MAX_VISITED or len(found) >= limit:
            return found, True
        if isinstance(value, dict) and _is_pod_spec(value):
            found.append(_template(obj, path, value, misfits))
        if len(path) >= MAX_DEPTH:
            cut = True
            continue
        stack += _children(path, value)
    return found, cut


def _is_pod_spec(value: dict[str, Any]) -> bool:
    containers = value.get("containers")
    return isinstance(containers, list) and any(isinstance(c, dict) for c in containers)


def _children(path: Path, value: Any) -> list[tuple[Path, Any]]:
    """Maps and lists below, the last first, so that the stack gives them in the object's order."""
    if isinstance(value, list):
        items: list[tuple[Any, Any]] = list(enumerate(value))
    else:
        skipped = _NOT_WALKED if path else _NOT_WALKED | _NOT_SPEC
        items = [(k, v) for k, v in value.items() if isinstance(k, str) and k not in skipped]
    return [((*path, key), item) for key, item in reversed(items) if isinstance(item, (dict, list))]


def _template(
    obj: dict[str, Any], path: Path, spec: dict[str, Any], misfits: list[Misfit]
) -> Template:
    containers = read_containers(spec, path, _OPEN, misfits)
    where = _metadata_reference(path, spec).resolve(path)
    return Template(path, spec, tuple(containers), (metadata_source(obj, where, misfits),))


def _metadata_reference(path: Path, spec: dict[str, Any]) -> Reference:
    """In the map where it has labels itself, else beside it as in a PodTemplateSpec."""
    if "labels" in spec or "annotations" in spec or not path:
        return Reference(absolute=False, up=0, keys=())
    return Reference(absolute=False, up=1, keys=("metadata",))
