"""What the facts ask about other objects of the cluster, or of the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Lookup(Protocol):
    """Finds related objects. The inventory is one; ``None`` stands for a door that has none."""

    def get(
        self, group: str, kind: str, namespace: str | None, name: str
    ) -> Mapping[str, Any] | None:
        """The object, or ``None`` where it is not known."""
        ...

    def of_kind(self, group: str, kind: str) -> Sequence[Mapping[str, Any]]:
        """All known objects of a kind."""
        ...
