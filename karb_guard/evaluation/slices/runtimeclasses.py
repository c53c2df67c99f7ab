"""``input.context.runtimeclasses``: the RuntimeClasses that exist in the cluster."""

from __future__ import annotations

from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.inventory import Inventory

KIND = ("node.k8s.io", "RuntimeClass")
READS = Reads(everywhere=(KIND,))


def provide(about: About) -> dict[str, Any] | None:
    """Their names, and whether all are here; absent while nobody wrote one down.

    Operators make RuntimeClasses when they are installed, so manifests seldom hold all:
    ``complete`` says that a name which is missing here is missing in the cluster.
    """
    if not about.knows_of_cluster(*KIND):
        return None
    inventory = about.inventory
    names = inventory.remembered(("runtimeclasses",), lambda: _names(inventory), of_cluster=True)
    return {"names": names, "complete": about.complete}


def _names(inventory: Inventory) -> list[str]:
    found = set()
    for obj in inventory.of_kind(*KIND):
        metadata = obj.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and name:
            found.add(name)
    return sorted(found)
