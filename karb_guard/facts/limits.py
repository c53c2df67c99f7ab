"""Bounds that are checked before anything else looks at an object.

Beyond them an object is not judged, which is never an allow. Nothing here recurses, and nothing
is copied: an alias bomb of YAML, which expands to more values than fit in memory, is counted only
as far as the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.model.path import format_path
from karb_guard.workloads import Container, Template, Workload

MAX_DEPTH = 100
"""Maps and lists inside each other; the document itself is 1."""
MAX_VALUES = 200_000
"""Values in maps and lists, those of shared (aliased) parts counted each time."""
MAX_CHARACTERS = 3 * 2**20
"""Characters of all keys and strings: etcd and the API server refuse objects of that size."""
MAX_TEMPLATES = 500
MAX_CONTAINERS = 250
MAX_ENV = 2_000
MAX_VOLUMES = 1_000
MAX_TOLERATIONS = 1_000

_OF_TEMPLATE = {"volumes": MAX_VOLUMES, "tolerations": MAX_TOLERATIONS}
_OF_CONTAINER = {"env": MAX_ENV}


def check(obj: Mapping[str, Any]) -> str | None:
    """Why ``obj`` is too deep, too large or no Unicode to be judged; ``None`` if it isn't."""
    level: list[Any] = [obj]
    depth = values = characters = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return f"{_field(obj, level[0])} is nested more than {MAX_DEPTH} levels deep"
        inner: list[Any] = []
        for node in level:
            values += len(node)
            if values > MAX_VALUES:
                return f"{_field(obj, node)} takes it over {MAX_VALUES:,} values"
            if type(node) is list:
                items = node
            else:
                items = node.values()
                characters += sum([len(key) for key in node if type(key) is str])
            texts = [item for item in items if type(item) is str]
            characters += sum(map(len, texts))
            if characters > MAX_CHARACTERS:
                return f"{_field(obj, node)} takes it over {MAX_CHARACTERS:,} characters"
            inner += [item for item in items if type(item) is dict or type(item) is list]
        level = inner
    return None


def _field(obj: Mapping[str, Any], node: Any) -> str:
    """The field of the object that ``node`` is part of, two steps from the root."""
    for key, value in obj.items():
        if value is node:
            return str(key)
        for inner, part in value.items() if isinstance(value, dict) else ():
            if _holds(part, node):
                return f"{key}.{inner}"
        if _holds(value, node):
            return str(key)
    return "the object"


def _holds(value: Any, node: Any) -> bool:
    """Whether ``node`` is in ``value``, each shared part visited once."""
    pending, seen = [value], set()
    while pending:
        current = pending.pop()
        if current is node:
            return True
        if isinstance(current, (dict, list)) and id(current) not in seen:
            seen.add(id(current))
            pending += current.values() if isinstance(current, dict) else current
    return False


def check_workload(workload: Workload) -> str | None:
    """Why the pod templates hold too much to be judged; ``None`` if they don't."""
    if workload.truncated or len(workload.templates) > MAX_TEMPLATES:
        return f"it holds more than {MAX_TEMPLATES} pod templates"
    for template in workload.templates:
        reason = _check_template(template)
        if reason is not None:
            return reason
    return None


def _check_template(template: Template) -> str | None:
    count = len(template.containers)
    if count > MAX_CONTAINERS:
        return f"{_at(template)} has {count} containers, more than {MAX_CONTAINERS}"
    reason = _check_lists(template, _OF_TEMPLATE)
    for container in template.containers:
        reason = reason or _check_lists(container, _OF_CONTAINER)
    return reason


def _check_lists(part: Template | Container, bounds: Mapping[str, int]) -> str | None:
    for field, bound in bounds.items():
        items = part.spec.get(field)
        if isinstance(items, list) and len(items) > bound:
            return f"{_at(part, field)} has {len(items)} elements, more than {bound}"
    return None


def _at(part: Template | Container, *field: str) -> str:
    return format_path(part.written(field)) or "the object"
