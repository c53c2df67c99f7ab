"""Keeps a copy of one collection by list and watch, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from karb_guard.cluster.client import ClusterClient, Json
from karb_guard.cluster.follower import (
    ABSENT,
    FAILING,
    FORBIDDEN,
    STARTING,
    STATES,
    SYNCED,
    Follower,
)

__all__ = ["ABSENT", "FAILING", "FORBIDDEN", "STARTING", "STATES", "SYNCED", "Key", "Reflector"]

_NOTHING = object()

Key = tuple[str, str]
"""(namespace or ``""``, name)."""


class Reflector(Follower):
    """A read-only copy of a collection, projected object by object.

    ``project`` keeps what its users need (labels, a spec) so that the copy stays small. Readers
    get the map as it is at that moment; it is replaced on relisting and changed one key at a time.
    ``on_change`` is called from the thread after each change.
    """

    def __init__(
        self,
        client: ClusterClient,
        path: str,
        project: Callable[[Json], object],
        query: Mapping[str, str] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(client, path, query)
        self._project = project
        self._on_change = on_change or (lambda: None)
        self._items: dict[Key, object] = {}

    @property
    def items(self) -> Mapping[Key, object]:
        """The copy. Don't change it."""
        return self._items

    def _list(self) -> str:
        items, version = self._client.list(self._path, self._query)
        self._items = {_key(item): self._project(item) for item in items}
        return version

    def _gone(self) -> None:
        self._items = {}

    def _changed(self) -> None:
        self._on_change()

    def _take(self, kind: str, obj: Json) -> None:
        key = _key(obj)
        if kind == "DELETED":
            if self._items.pop(key, _NOTHING) is _NOTHING:
                return
        else:
            projected = self._project(obj)
            if self._items.get(key, _NOTHING) == projected:
                return  # a status, a heartbeat: nothing that anybody reads
            self._items[key] = projected
        self._on_change()


def _key(obj: Json) -> Key:
    metadata = obj.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
