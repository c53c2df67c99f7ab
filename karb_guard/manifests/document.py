"""One Kubernetes object as it was written, with the places of its fields."""

from __future__ import annotations

from typing import Any

from karb_guard.manifests.marks import Layout
from karb_guard.manifests.text import Position
from karb_guard.model.finding import ObjectRef, Path


class Document:
    """One object of one file. Values reached through YAML aliases are shared: never change them."""

    __slots__ = ("_layout", "file", "index", "object", "offset", "rendered")

    def __init__(
        self, value: dict[str, Any], layout: Layout, *, index: int, offset: Path = ()
    ) -> None:
        self.object = value
        """Plain ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``."""
        self.file = layout.source.name
        self.index = index
        """Which document of the file it stands in, from 0, empty ones counted."""
        self.offset = offset
        """The path from that document's root to the object: ``("items", 3)`` in a ``List``."""
        self.rendered = False
        """Whether a command made the text: lines count in its output, not in ``file``."""
        self._layout = layout

    @property
    def ref(self) -> ObjectRef:
        """The object's name; ``generateName`` with ``*`` where the API server picks the name."""
        metadata = self.object.get("metadata")
        fields = metadata if isinstance(metadata, dict) else {}
        name = _text(fields.get("name"))
        if not name and (prefix := _text(fields.get("generateName"))):
            name = prefix + "*"
        return ObjectRef(
            _text(self.object.get("apiVersion")),
            _text(self.object.get("kind")),
            name,
            _text(fields.get("namespace")) or None,
        )

    @property
    def line(self) -> int:
        """The 1-based line the object starts on."""
        return self.position(()).line

    def position(self, path: Path) -> Position:
        """The place of the field at ``path`` (from the object's root).

        Where the path does not exist, the place of the deepest parent that does.
        """
        return self._layout.position(self.offset + tuple(path))

    def source_line(self, number: int) -> str:
        """The text of a 1-based line of the file, without its end; for carets under a field."""
        return self._layout.source.line(number)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
