"""Where fields stand: compact marks beside a document's value, read when a position is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from karb_guard.manifests.text import Position, SourceText

Mark: TypeAlias = "tuple[int, int, int, Marks | None]"
"""Offsets of a field: start of its key (or list element), end of the key, end of the value where
that can stand on the key's line (scalars, flow collections), and the marks of its children."""
Marks: TypeAlias = "dict[str, Mark] | list[Mark]"


class Layout:
    """The marks of one document of a file, made when first asked for (``root`` may be costly)."""

    __slots__ = ("_base", "_make", "_root", "source")

    def __init__(self, source: SourceText, make: Callable[[], Mark], base: int = 0) -> None:
        self.source = source
        self._base = base
        self._make = make
        self._root: Mark | None = None

    def position(self, path: tuple[str | int, ...]) -> Position:
        """The region of the field at ``path``, or of its deepest existing parent.

        A mapping's field is its key, with the value if that is on the same line; a list's
        element begins at its ``-``; the root is the document's first line.
        """
        if self._root is None:
            self._root = self._make()
        mark, is_key = self._root, False
        for part in path:
            child = _child(mark[3], part)
            if child is None:
                break
            mark, is_key = child, isinstance(part, str)
        start, key_end, end = (self._base + offset for offset in mark[:3])
        if is_key:
            return self.source.region(start, end, key_end)
        return self.source.item_region(start, end)


def _child(marks: Marks | None, part: str | int) -> Mark | None:
    if isinstance(marks, dict) and isinstance(part, str):
        return marks.get(part)
    if isinstance(marks, list) and isinstance(part, int) and 0 <= part < len(marks):
        elements: list[Mark] = marks  # mypy narrows a recursive alias to list[Any]
        return elements[part]
    return None
