"""Large JSON documents, piece by piece: the text of ``json.dumps`` without holding all of it.

A document is plain data in which long lists may be ``Rows``, made item by item as they are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
PIECE = 1 << 16
"""Characters that are put together before they are handed on."""
_encode = json.JSONEncoder(indent=2, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Rows(Generic[Item]):
    """A list whose items are made from others when they are asked for."""

    make: Callable[[Item], Any]
    items: Sequence[Item]


class ListOf(Protocol):
    """How a document holds a long list: ``whole``, or as ``Rows``."""

    def __call__(self, make: Callable[[Item], Any], items: Sequence[Item], /) -> Any:
        """The list of ``make`` of each item."""
        ...


def whole(make: Callable[[Item], Any], items: Sequence[Item], /) -> list[Any]:
    """A list in memory, for documents that are data to others."""
    return [make(item) for item in items]


def pieces(document: Any) -> Iterator[str]:
    """The document as ``json.dumps(document, indent=2, ensure_ascii=False)``, and a line end."""
    held: list[str] = []
    size = 0
    for text in _texts(document, "\n"):
        held.append(text)
        size += len(text)
        if size >= PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join([*held, "\n"])


def _texts(value: Any, end: str) -> Iterator[str]:
    """``end``: a line end and the indentation that the value stands in."""
    if isinstance(value, Rows):
        yield from _many(("[", "]"), (("", value.make(item)) for item in value.items), end)
    elif isinstance(value, dict) and _holds_rows(value):
        named = ((f"{_encode(key)}: ", each) for key, each in value.items())
        yield from _many(("{", "}"), named, end)
    elif isinstance(value, list) and _holds_rows(value):
        yield from _many(("[", "]"), (("", each) for each in value), end)
    else:  # no string in JSON text has a line end of its own
        yield _encode(value).replace("\n", end)


def _many(brackets: tuple[str, str], entries: Iterable[tuple[str, Any]], end: str) -> Iterator[str]:
    opening, closing = brackets
    inner = f"{end}  "
    lead = opening + inner
    for name, value in entries:
        yield lead + name
        yield from _texts(value, inner)
        lead = "," + inner
    yield opening + closing if lead[0] == opening else end + closing


def _holds_rows(value: Any) -> bool:
    if isinstance(value, Rows):
        return True
    if isinstance(value, dict):
        return any(map(_holds_rows, value.values()))
    return isinstance(value, list) and any(map(_holds_rows, value))
