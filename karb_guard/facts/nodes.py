"""The ``node`` of the input document: what accelerators and taints a Node or a NodePool has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.facts.gpu_rules import GpuRules
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.resources import extended_resource_of
from karb_guard.model.finding import Path
from karb_guard.values.quantity import Quantity, parse_quantity

Json = dict[str, Any]

NODE, NODE_POOL = "/Node", "karpenter.sh/NodePool"
KINDS = frozenset({NODE, NODE_POOL})

_POOL_TEMPLATE: Path = ("spec", "template", "spec")
_FEATURES = "feature.node.kubernetes.io/"
"""Labels of PCI vendors: a display adapter of a server board has one as well."""

_PRESENCE = frozenset({"In", "Exists", "Gt", "Gte"})
"""Operators that only machines with the label meet (``Lt: 1`` asks for machines without GPUs)."""


class Accelerator(NamedTuple):
    """What shows that a node has accelerators, or that a pool makes such nodes."""

    name: str
    """A resource, or a label (``key`` or ``key=value``)."""
    vendor: str | None


def node_facts(
    obj: Mapping[str, Any], kind: str, rules: GpuRules, lookup: Lookup | None = None
) -> Json | None:
    """The facts of a Node or a Karpenter NodePool; ``None`` for any other kind.

    ``obj`` is the object as written, of any shape inside; ``kind`` is ``group/Kind``.
    """
    if kind not in KINDS:
        return None
    found = _of_node(obj, rules, lookup) if kind == NODE else _of_pool(obj, rules)
    spec: Path = ("spec",) if kind == NODE else _POOL_TEMPLATE
    accelerators = list(dict.fromkeys(found))
    return {
        "accelerators": [each._asdict() for each in accelerators],
        "vendors": sorted({each.vendor for each in accelerators if each.vendor}),
        "taints": list(_taints(_inside(obj, spec), spec, rules)),
        "taintsPath": [*spec, "taints"],
    }


def _of_node(
    obj: Mapping[str, Any], rules: GpuRules, lookup: Lookup | None
) -> Iterator[Accelerator]:
    """By what the device plugins registered, else by what the node is labelled with."""
    status = _inside(obj, ("status",))
    for section in ("capacity", "allocatable"):
        for name, amount in _map(status.get(section)).items():
            hit = extended_resource_of(name, rules, lookup) if type(name) is str else None
            if hit is not None and _is_positive(amount):
                yield Accelerator(name, hit.vendor)
    labels = _inside(obj, ("metadata", "labels"))
    for key, value in labels.items():
        yield from _label(key, value, rules)


def _is_positive(amount: Any) -> bool:
    quantity = parse_quantity(amount)
    return type(quantity) is Quantity and quantity.milli > 0


def _label(key: Any, value: Any, rules: GpuRules) -> Iterator[Accelerator]:
    if type(key) is str and type(value) is str and not key.startswith(_FEATURES):
        row = rules.labels.valued(key, value)
        if row is not None:
            yield Accelerator(f"{key}={value}", row.vendor)


def _of_pool(obj: Mapping[str, Any], rules: GpuRules) -> Iterator[Accelerator]:
    """By the requirements that only machines with accelerators meet, and by its nodes' labels."""
    for key, value in _inside(obj, ("spec", "template", "metadata", "labels")).items():
        yield from _label(key, value, rules)
    for requirement in _maps(_inside(obj, _POOL_TEMPLATE).get("requirements")):
        operator = _text(requirement.get("operator"))
        if operator in _PRESENCE:
            values = _list(requirement.get("values"))
            yield from _requirement(_text(requirement.get("key")), operator, values, rules)


def _requirement(
    key: str, operator: str, values: list[Any], rules: GpuRules
) -> Iterator[Accelerator]:
    if operator != "In":
        row = rules.labels.row(key)
        if row is not None and not row.values:
            yield Accelerator(key, row.vendor)
        return
    texts = [value for value in values if type(value) is str]
    rows = [rules.labels.valued(key, value) for value in texts]
    if rows and rows[0] is not None and all(rows):
        yield Accelerator(f"{key}={','.join(texts[:3])}", rows[0].vendor)


def _taints(spec: Mapping[str, Any], base: Path, rules: GpuRules) -> Iterator[Json]:
    for index, taint in enumerate(_list(spec.get("taints"))):
        if isinstance(taint, Mapping):
            key, value = _text(taint.get("key")), _text(taint.get("value"))
            yield {
                "key": key,
                "value": value,
                "effect": _text(taint.get("effect")),
                "gpu": rules.taints.valued(key, value) is not None,
                "path": [*base, "taints", index],
            }


def _inside(obj: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return _map(value)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
