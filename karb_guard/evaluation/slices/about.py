"""The object that a slice is made for, and what is known around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.evaluation.prepare import Acquainted, JsonText, Prepared, prepare
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.inventory.keys import key_of


class About(NamedTuple):
    """What ``provide`` of a slice is given."""

    prepared: Prepared
    inventory: Inventory
    settings: FactSettings
    complete: bool
    """The inventory holds everything of its namespaces and of the cluster."""
    written: JsonText | None = None
    """The JSON that the inventory's objects come from, where they all come from some."""
    acquainted: Acquainted | None = None
    """What was prepared before, against this inventory."""

    def prepare(self, obj: Mapping[str, Any]) -> Prepared:
        """Another object of the inventory, as policies would see it."""
        known = None if self.acquainted is None else self.acquainted.get(obj)
        if known is None:
            known = prepare(obj, self.settings, self.inventory, (), self.written)
            if self.acquainted is not None:
                self.acquainted.keep(obj, known)
        return known

    @property
    def namespace(self) -> str | None:
        """The namespace that the object is about: a Namespace's own name, else where it is."""
        return self.inventory.namespace_about(self.prepared.raw)

    def knows(self, group: str, kind: str) -> bool:
        """Whether what the object's namespace lacks of a kind is really absent.

        With ``complete``; else where the Namespace object or one object of the kind is here:
        somebody who writes one down is taken to write all down. Never for objects without a
        namespace: in a tree of samples, each may get another.
        """
        if not self.inventory.lists(group, kind):
            return False
        return self.complete or self.inventory.is_written_down(group, kind, self.namespace)

    def knows_of_cluster(self, group: str, kind: str) -> bool:
        """The same for a kind that lives in no namespace."""
        if not self.inventory.lists(group, kind):
            return False
        return self.complete or bool(self.inventory.of_kind(group, kind))

    def neighbours(self, group: str, kind: str) -> tuple[Mapping[str, Any], ...]:
        """The objects of a kind in the object's namespace, as written: of any shape inside."""
        return self.inventory.in_namespace(group, kind, self.namespace)

    def applied(self, group: str, kind: str) -> list[Mapping[str, Any]]:
        """The same without those that another one of the same name replaces when all are applied.

        An input may hold an object twice (a base and its copy for a test cluster); to a cluster
        they are one. Objects without a name are all kept.
        """
        found = self.neighbours(group, kind)
        last = {key: obj for obj in found if (key := key_of(obj)) and key[3]}
        return [obj for obj in found if (key := key_of(obj)) is None or last.get(key, obj) is obj]


def only_sure(found: list[dict[str, Any]], *, known: bool) -> list[dict[str, Any]] | None:
    """What was found beside an object, as far as conclusions may be drawn from it.

    Where not all that could be there is known, nothing is no proof of absence, and of two one may
    belong to another namespace or another sample: then only a single one counts.
    """
    return found if known or len(found) == 1 else None
