"""A source line with a caret under the field, safe for a terminal and aligned in one.

Manifests are untrusted and hold anything: whole model configurations on one line, tabs, wide and
combining characters, terminal sequences.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from karb_guard.model.report import Region

MAX_COLUMNS = 120
"""A longer source line is cut around the caret."""
_BEFORE = 40
"""Columns that stay visible before the caret where a line is cut."""
_NEAR = 1_000
"""Characters on each side of the caret that are looked at: a cluster's dump may be one line of many
megabytes, and each of its findings shows 120 columns."""
CUT = "…"


class Snippet(NamedTuple):
    """What a report prints below a place."""

    number: str
    """The line's number."""
    source: str
    caret: str
    """Spaces and ``^`` that line up with ``source`` in a fixed-width font."""


def snippet(region: Region) -> Snippet | None:
    """The line of ``region``; ``None`` where there is no text to show."""
    if not region.text.strip():
        return None
    place = min(region.column - 1, len(region.text))
    cut = max(0, place - _NEAR)
    text = printable(region.text[cut : place + _NEAR])
    start = place - cut
    end = region.end_column - 1 - cut if region.end_line == region.line else len(text)
    end = min(max(end, start + 1), len(text))
    first, last = _window(text, start)
    shown = text[first:last]
    prefix, suffix = CUT if cut + first else "", CUT if cut + last < len(region.text) else ""
    indent = " " * columns(prefix + text[first:start])
    width = max(1, columns(text[start : min(end, last)]))
    return Snippet(str(region.line), prefix + shown + suffix, indent + "^" * width)


def printable(text: str) -> str:
    """Text without what a terminal would act on; one character for each, so positions stay."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in text)


def columns(text: str) -> int:
    """How many columns printable text takes: two for East Asian wide characters, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _window(text: str, start: int) -> tuple[int, int]:
    """The part of a line that is shown: all of it, or what is around ``start``."""
    if columns(text) <= MAX_COLUMNS:
        return 0, len(text)
    first = max(0, start - _BEFORE) if columns(text[:start]) > MAX_COLUMNS // 2 else 0
    last, room = first, MAX_COLUMNS
    while last < len(text) and room > 0:
        room -= _columns_of(text[last])
        last += 1
    return first, last
