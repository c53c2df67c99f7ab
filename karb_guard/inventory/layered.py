"""One namespace on top of what is of the whole cluster, so that no more is held at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

from karb_guard.inventory.inventory import Inventory, Object
from karb_guard.rbac import RbacIndex

Made = TypeVar("Made")


class ClusterLayer(Inventory):
    """What is of no namespace, and what is looked for across all of them."""

    def __init__(
        self,
        objects: Iterable[Object] = (),
        *,
        is_listed: Callable[[str, str], bool] = lambda _group, _kind: True,
        unsupplied: Collection[str] = (),
    ) -> None:
        """``is_listed``: whether a kind was listed, or is known not to exist.

        ``unsupplied`` are the context keys that need one that is neither.
        """
        self._is_listed = is_listed
        self._unsupplied = frozenset(unsupplied)
        super().__init__(objects)

    def supplies(self, key: str) -> bool:
        """Not what needs a kind that could not be listed."""
        return key not in self._unsupplied

    def lists(self, group: str, kind: str) -> bool:
        """Whether the kind was listed, or is known not to exist."""
        return self._is_listed(group, kind)


class NamespaceLayer(Inventory):
    """The objects of one namespace, seen together with those of the cluster layer."""

    def __init__(
        self, cluster: ClusterLayer, objects: Iterable[Object], json_bytes: int | None = None
    ) -> None:
        """``json_bytes``: see ``Inventory``; the cluster's objects count, too."""
        self._cluster = cluster
        self.json_bytes = json_bytes
        super().__init__(objects)

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Object | None:
        """The object of that name, of either layer."""
        found = super().get(group, kind, namespace, name)
        return self._cluster.get(group, kind, namespace, name) if found is None else found

    def of_kind(self, group: str, kind: str) -> tuple[Object, ...]:
        """All objects of a kind that are held: of kinds that are looked for everywhere, all."""
        return self._cluster.of_kind(group, kind) + super().of_kind(group, kind)

    def holds_group(self, group: str) -> bool:
        """Whether either layer holds an object of an API group."""
        return super().holds_group(group) or self._cluster.holds_group(group)

    def in_namespace(self, group: str, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """All objects of a kind in one namespace."""
        found = self._cluster.in_namespace(group, kind, namespace)
        return found + super().in_namespace(group, kind, namespace)

    def objects_in(self, namespace: str | None) -> tuple[Object, ...]:
        """All objects of one namespace."""
        return self._cluster.objects_in(namespace) + super().objects_in(namespace)

    def owned_by(
        self, group: str, kind: str, namespace: str | None, name: str
    ) -> tuple[Object, ...]:
        """The objects of ``namespace`` that name this owner."""
        found = self._cluster.owned_by(group, kind, namespace, name)
        return found + super().owned_by(group, kind, namespace, name)

    def remembered(
        self, key: Hashable, make: Callable[[], Made], *, of_cluster: bool = False
    ) -> Made:
        """As ``Inventory.remembered``; what is of the cluster is made once for all namespaces."""
        if of_cluster:
            return self._cluster.remembered(key, make)
        return super().remembered(key, make)

    def supplies(self, key: str) -> bool:
        """What the cluster's layer says: kinds are listed everywhere, or not."""
        return self._cluster.supplies(key)

    def lists(self, group: str, kind: str) -> bool:
        """What the cluster's layer says."""
        return self._cluster.lists(group, kind)

    def is_written_down(self, group: str, kind: str, namespace: str | None) -> bool:
        """Whether all there is was listed."""
        return namespace is not None and self.lists(group, kind)

    def rbac(self) -> RbacIndex:
        """Roles and bindings are all in the cluster's layer."""
        return self._cluster.rbac()
