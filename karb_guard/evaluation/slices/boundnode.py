"""``boundnode``: the Node that a Pod is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.nodes import NODE, node_facts

MAX_NAMES = 5
READS = Reads(everywhere=(("", "Node"), ("resource.k8s.io", "DeviceClass")))


def provide(about: About) -> dict[str, Any] | None:
    """Its ``name``, its ``accelerators`` (names), and whether the pod has ``ended``.

    ``None`` where the object is bound to no Node, or to one that is not visible here.
    """
    raw = about.prepared.raw
    spec, status = raw.get("spec"), raw.get("status")
    name = spec.get("nodeName") if isinstance(spec, Mapping) else None
    if not isinstance(name, str) or not name:
        return None
    node = about.inventory.remembered(
        ("boundnode", name), lambda: _described(about, name), of_cluster=True
    )
    if node is None:
        return None
    ended = isinstance(status, Mapping) and status.get("phase") in ("Succeeded", "Failed")
    return {**node, "ended": ended}


def _described(about: About, name: str) -> dict[str, Any] | None:
    node = about.inventory.get("", "Node", None, name)
    if node is None:
        return None
    facts = node_facts(node, NODE, gpu_rules(about.settings), about.inventory) or {}
    names = [each["name"] for each in facts.get("accelerators", ())]
    return {"name": name, "accelerators": names[:MAX_NAMES]}
