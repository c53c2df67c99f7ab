"""All objects of one input, and the bounded slices of them that policies see."""

from karb_guard.inventory.context import MAX_POLICIES
from karb_guard.inventory.inventory import Inventory

__all__ = ["MAX_POLICIES", "Inventory"]
