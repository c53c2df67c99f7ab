"""Labels of namespaces: a watched copy, and a live look for one that the copy doesn't hold yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from karb_guard.cluster.client import ClusterClient, Json, segment
from karb_guard.cluster.reflector import Reflector

PATH = "/api/v1/namespaces"
LIVE_TIMEOUT_SECONDS = 1.0

Labels = Mapping[str, str]


class NamespaceLabels:
    """Namespace -> labels."""

    def __init__(self, client: ClusterClient, on_change: Callable[[], None] | None = None) -> None:
        """``on_change`` is called from the watching thread after each change."""
        self._client = client
        self._copy = Reflector(client, PATH, labels_of, on_change=on_change)

    def start(self) -> None:
        """Begin to watch."""
        self._copy.start()

    def stop(self) -> None:
        """Stop watching."""
        self._copy.stop()

    def wait(self, seconds: float) -> bool:
        """Wait until the copy is complete; whether it is."""
        return self._copy.wait(seconds)

    @property
    def synced(self) -> bool:
        """Whether the copy was complete at some time."""
        return self._copy.synced

    def cached(self, name: str) -> Labels | None:
        """The labels in the copy; ``None`` where the namespace is not in it. Never waits."""
        return cast("Labels | None", self._copy.items.get(("", name)))

    def everything(self) -> dict[str, Labels]:
        """All namespaces of the copy with their labels, at this moment."""
        return {
            name: cast("Labels", labels) for (_, name), labels in dict(self._copy.items).items()
        }

    def live(self, name: str, timeout: float = LIVE_TIMEOUT_SECONDS) -> Labels | None:
        """The labels as the API server has them now; ``None`` where there is no such namespace.

        Blocks for up to ``timeout`` seconds. Raises ``ClusterError``.
        """
        found = self._client.get(f"{PATH}/{segment(name)}", timeout=timeout)
        return None if found is None else labels_of(found)


def labels_of(obj: Json) -> Labels:
    """An object's labels; empty where it has none."""
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return {str(key): str(value) for key, value in labels.items()}
