"""The objects of a namespace by the labels of the pods they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from karb_guard import workloads
from karb_guard.inventory.keys import group_of

MAX_BACKENDS = 100
"""Objects behind one Service in a slice."""
EXTERNAL = ("LoadBalancer", "NodePort")
"""Types of a Service that clients outside of the cluster reach."""

Object = Mapping[str, Any]


class TemplateIndex:
    """Objects by each label of their pod templates; runtimes make no pods and are left out."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._by_label: dict[tuple[str, str], list[tuple[Mapping[str, Any], Object]]] = {}
        for obj in objects:
            workload = workloads.resolve(obj)
            if workload.role != "runtime":
                for template in workload.templates:
                    self._add(template.labels, obj)

    def _add(self, labels: Mapping[str, Any], obj: Object) -> None:
        for pair in labels.items():
            if isinstance(pair[1], str):
                self._by_label.setdefault(pair, []).append((labels, obj))

    def selected(self, selector: Mapping[str, str]) -> list[Object]:
        """The objects with a template that carries all labels of ``selector``, each once."""
        rows = [self._by_label.get(pair, []) for pair in selector.items()]
        fewest = min(rows, key=len, default=[])
        found = {id(obj): obj for labels, obj in fewest if selector.items() <= labels.items()}
        return list(found.values())


def external_selector(obj: Object) -> dict[str, str] | None:
    """The pod labels that a Service of an external type selects; ``None`` for anything else."""
    spec = obj.get("spec")
    if group_of(obj) or obj.get("kind") != "Service" or not isinstance(spec, dict):
        return None
    selector = spec.get("selector")
    if spec.get("type") not in EXTERNAL or not isinstance(selector, dict) or not selector:
        return None
    if any(not isinstance(text, str) for pair in selector.items() for text in pair):
        return None
    return dict(selector)
