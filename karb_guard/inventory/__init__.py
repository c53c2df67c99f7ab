"""All objects of one input, and the bounded slices of them that policies see."""

from karb_guard.inventory.context import MAX_POLICIES
from karb_guard.inventory.inventory import Inventory
from karb_guard.inventory.layered import ClusterLayer, NamespaceLayer

__all__ = ["MAX_POLICIES", "ClusterLayer", "Inventory", "NamespaceLayer"]
