"""Where a pod may and must run: its tolerations, and the node labels it requires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.facts.gpu_rules import GpuRules
from karb_guard.model.finding import Path
from karb_guard.workloads import Template

_REQUIRED: Path = (
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
)
_PRESENCE = frozenset({"In", "Exists", "Gt", "Lt"})
"""Operators that only a node with the label can satisfy."""


def tolerations(
    spec: Mapping[str, Any], template: Template, rules: GpuRules
) -> list[dict[str, Any]]:
    """The tolerations, with ``Equal`` as the default operator (core/v1 ``Toleration.Operator``).

    ``gpu``: it tolerates a taint that GPU nodes carry. ``wild``: ``Exists`` without a key, which
    tolerates every taint.
    """
    return [
        _toleration(index, item, template, rules)
        for index, item in enumerate(spec.get("tolerations") or ())
    ]


def _toleration(
    index: int, item: Mapping[str, Any], template: Template, rules: GpuRules
) -> dict[str, Any]:
    key, value = item.get("key") or "", item.get("value") or ""
    operator = item.get("operator") or "Equal"
    row = rules.taints.valued(key, value) if operator == "Equal" else rules.taints.row(key)
    return {
        "index": index,
        "path": list(template.written(("tolerations", index))),
        "key": key,
        "operator": operator,
        "value": value,
        "effect": item.get("effect") or "",
        "gpu": row is not None,
        "wild": operator == "Exists" and not key,
    }


def selectors(spec: Mapping[str, Any], template: Template, rules: GpuRules) -> list[dict[str, Any]]:
    """Labels that the pod's node must have: nodeSelector and required node affinity.

    ``gpu`` says that the node must have an accelerator. Terms of a node affinity are
    alternatives, so there it takes an accelerator label in each of them.
    """
    found = [
        {
            "path": list(template.written(("nodeSelector", key))),
            "key": key,
            "values": [value],
            "gpu": rules.labels.valued(key, value) is not None,
        }
        for key, value in (spec.get("nodeSelector") or {}).items()
    ]
    if spec.get("affinity"):
        found += _affinity(spec, template, rules)
    return found


def _affinity(spec: Mapping[str, Any], template: Template, rules: GpuRules) -> list[dict[str, Any]]:
    terms: list[list[dict[str, Any]]] = []
    for index, term in enumerate(_terms(spec)):
        listed = list(_expressions(term, (*_REQUIRED, index), template, rules))
        # A term without any requirement matches no node (NodeSelectorTerm).
        if listed or term.get("matchExpressions") or term.get("matchFields"):
            terms.append(listed)
    everywhere = all(any(selector["gpu"] for selector in listed) for listed in terms)
    found = [selector for listed in terms for selector in listed]
    if not everywhere:
        for selector in found:
            selector["gpu"] = False
    return found


def _terms(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value: Any = spec
    for key in _REQUIRED:
        value = value.get(key) or {}
    return list(value)


def _expressions(
    term: Mapping[str, Any], base: Path, template: Template, rules: GpuRules
) -> Iterator[dict[str, Any]]:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        operator, key = expression.get("operator"), expression.get("key")
        if operator in _PRESENCE and key:
            values = list(expression.get("values") or ())
            yield {
                "path": list(template.written((*base, "matchExpressions", index))),
                "key": key,
                "values": values,
                "gpu": _selects_gpu(operator, key, values, rules),
            }


def _selects_gpu(operator: str, key: str, values: list[str], rules: GpuRules) -> bool:
    if operator == "In":
        return bool(values) and all(rules.labels.valued(key, value) for value in values)
    row = rules.labels.row(key)
    return row is not None and not row.values
