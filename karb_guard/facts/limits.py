"""Bounds that are checked before anything else looks at an object.

Beyond them an object is not judged, which is never an allow. Nothing here recurses, and nothing
is copied: an alias bomb of YAML, which expands to more values than fit in memory, is counted only
as far as the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from karb_guard.model.path import format_path
from karb_guard.workloads import Container, Template, Workload
from karb_guard.workloads.containers import LISTS

MAX_DEPTH = 100
"""Maps and lists inside each other; the document itself is 1."""
MAX_VALUES = 200_000
"""Values in maps and lists, those of shared (aliased) parts counted each time."""
MAX_CHARACTERS = 3 * 2**20
"""Characters of all keys and strings: etcd and the API server refuse objects of that size."""
MAX_TEMPLATES = 500
MAX_CONTAINERS = 250
MAX_ENV = 2_000
MAX_PORTS = 250
"""Of a container. Each can be a finding, so a pod of many containers multiplies them."""
MAX_VOLUMES = 1_000
MAX_TOLERATIONS = 1_000
MAX_ALL_CONTAINERS = 2_000
"""Of all templates together."""
MAX_TEMPLATE_CHARACTERS = 4 * 2**20
"""Of the metadata and specs of all templates together, where there are several, with one for each
value. What they inherit from the object counts each time: every template has its own copy in the
input document, which engines take up to this size."""
MAX_POLICY_ENTRIES = 5_000
"""Rules, peers, excepted networks and ports of a NetworkPolicy together. A network takes 15 to
40 µs to read, and policies compare each with those that it is excepted from."""

_OF_TEMPLATE = {"volumes": MAX_VOLUMES, "tolerations": MAX_TOLERATIONS}
_OF_CONTAINER = {"env": MAX_ENV, "ports": MAX_PORTS}


# What an entry of a map or list at the greatest depth begins with, in indented JSON.
_DEEPEST = b"\n" + b" " * (2 * MAX_DEPTH)


def check(obj: Mapping[str, Any], json_bytes: int | None = None) -> str | None:
    """Why ``obj`` is too deep, too large or no Unicode to be judged; ``None`` if it isn't.

    ``json_bytes``: of the JSON text that ``obj`` was read from, where there was one. Nothing in
    such an object is shared, so a short text says that values and characters are few; what is
    left to tell costs a sixth of the walk.
    """
    if json_bytes is not None and json_bytes <= MAX_VALUES and _is_shallow(obj):
        return None
    try:
        return _walk(obj, len) or _check_unicode(obj)
    except TypeError:  # YAML's keys may be numbers or null, which have no length
        return _walk(obj, _length) or _check_unicode(obj)


def _is_shallow(obj: Mapping[str, Any]) -> bool:
    """Whether ``obj`` is surely below the greatest depth, and can be written at all."""
    try:
        return _DEEPEST not in orjson.dumps(obj, option=orjson.OPT_INDENT_2)
    except TypeError:
        return False  # the walk says why


def _length(key: object) -> int:
    return len(key) if isinstance(key, str) else 1


def _walk(obj: Mapping[str, Any], length: Callable[[Any], int]) -> str | None:
    """Level by level. Written for speed: it sees every value of every object."""
    level: list[Any] = [obj]
    depth = values = characters = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return f"{_field(obj, level[0])} is nested more than {MAX_DEPTH} levels deep"
        values += sum(map(len, level))
        if values > MAX_VALUES:
            return f"{_largest(obj, level)} takes the object over {MAX_VALUES:,} values"
        inner: list[Any] = []
        for node in level:
            items = node
            if type(node) is not list:
                items = node.values()
                for key in node:
                    characters += length(key)
            for item in items:
                kind = type(item)
                if kind is str:
                    characters += len(item)
                elif kind is dict or kind is list:
                    inner.append(item)
        if characters > MAX_CHARACTERS:
            return f"{_longest(obj, level)} takes the object over {MAX_CHARACTERS:,} characters"
        level = inner
    return None


def _check_unicode(obj: Mapping[str, Any]) -> str | None:
    """Half a surrogate pair (U+D800) is no character: Python holds it, nothing else can write it.

    The object is within bounds, so writing it is quick; what else can't be written is left to the
    field types.
    """
    try:
        orjson.dumps(obj, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        node = _find_unencodable(obj)
        return None if node is None else f"{_field(obj, node)} holds text that is no Unicode"
    return None


def _find_unencodable(obj: Mapping[str, Any]) -> Any:
    """The map or list that holds a string which can't be encoded."""
    pending: list[Any] = [obj]
    while pending:
        node = pending.pop()
        items = list(node) if isinstance(node, list) else [*node, *node.values()]
        for item in items:
            if isinstance(item, str) and not _encodable(item):
                return node
            if isinstance(item, (dict, list)):
                pending.append(item)
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _largest(obj: Mapping[str, Any], level: list[Any]) -> str:
    return _field(obj, max(level, key=len))


def _longest(obj: Mapping[str, Any], level: list[Any]) -> str:
    def characters(node: Any) -> int:
        items = node if isinstance(node, list) else [*node, *node.values()]
        return sum(len(item) for item in items if isinstance(item, str))

    return _field(obj, max(level, key=characters))


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
    if len(workload.templates) > MAX_TEMPLATES:
        return f"it holds more than {MAX_TEMPLATES} pod templates"
    if workload.truncated:
        return "it is too large or too deep to be searched for pod templates to its end"
    for template in workload.templates:
        reason = _check_template(template)
        if reason is not None:
            return reason
    return _check_all(workload.templates) if len(workload.templates) > 1 else None


def _check_all(templates: Sequence[Template]) -> str | None:
    """Of templates that share what is the object's: one alone is as large as its object at most."""
    count = sum(len(template.containers) for template in templates)
    if count > MAX_ALL_CONTAINERS:
        return f"its pod templates have {count:,} containers, more than {MAX_ALL_CONTAINERS:,}"
    known: dict[int, int] = {}
    characters = 0
    for template in templates:
        spec = {key: part for key, part in template.spec.items() if key not in _CONTAINER_LISTS}
        specs = [container.spec for container in template.containers]
        metadata = [part for each in template.metadata for part in (each.labels, each.annotations)]
        characters += sum(_weight(part, known) for part in (*spec.values(), *specs, *metadata))
        if characters > MAX_TEMPLATE_CHARACTERS:
            return (
                f"with what its {len(templates)} pod templates inherit, each for itself, they take "
                f"more than {MAX_TEMPLATE_CHARACTERS:,} characters"
            )
    return None


_CONTAINER_LISTS = frozenset(field for field, _ in LISTS)


def _weight(part: Any, known: dict[int, int]) -> int:
    """Characters of keys and strings, and one for each value.

    ``known``: id -> weight of the maps and lists that were seen, which the templates keep alive.
    """
    if isinstance(part, str):
        return 1 + len(part)
    if not isinstance(part, Mapping | list):
        return 1
    weight = known.get(id(part))
    if weight is None:
        items = part if isinstance(part, list) else [*part, *part.values()]
        weight = known[id(part)] = 1 + sum(_weight(item, known) for item in items)
    return weight


def check_network_policy(obj: Mapping[str, Any]) -> str | None:
    """Why a NetworkPolicy of any shape has too many entries to be read; ``None`` if it hasn't."""
    spec = obj.get("spec")
    if not isinstance(spec, Mapping):
        return None
    rules = [rule for field in _PEERS for rule in _list(spec, field)]
    peers = [peer for rule in rules for field in _PEERS.values() for peer in _list(rule, field)]
    count = len(rules) + len(peers) + sum(len(_list(rule, "ports")) for rule in rules)
    count += sum(len(_list(_at_key(peer, "ipBlock"), "except")) for peer in peers)
    if count <= MAX_POLICY_ENTRIES:
        return None
    return (
        f"spec has {count:,} rules, peers, excepted networks and ports, more than "
        f"{MAX_POLICY_ENTRIES:,}: split it into several policies"
    )


_PEERS = {"ingress": "from", "egress": "to"}


def _at_key(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _list(value: Any, key: str) -> list[Any]:
    found = _at_key(value, key)
    return found if isinstance(found, list) else []


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
