"""Markup that can't forget to escape: whatever isn't ``Markup`` becomes text.

Names, messages and reasons come from a cluster, where anybody may have written them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from karb_guard.reports.snippet import CUT, printable

_VOID = frozenset({"meta", "link", "input", "br", "rect", "circle", "line", "path", "polyline"})
"""Elements without content; those of SVG are closed by their slash."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Any text as HTML, without control characters and those that turn the reading direction."""
    return Markup("\n".join(html.escape(printable(line)) for line in value.split("\n")))


def short(value: str, limit: int) -> str:
    """At most ``limit`` characters, with a mark where some are left out."""
    return value if len(value) <= limit else value[: limit - 1] + CUT


def join(parts: Iterable[Markup | str | int | None]) -> Markup:
    """Parts one after the other; ``None`` is nothing."""
    return Markup("".join(_part(part) for part in parts))


def tag(
    name: str, /, *children: Markup | str | int | None, **attributes: str | int | None
) -> Markup:
    """An element. Of attribute names ``class_`` is ``class``, and ``_`` stands for a dash.

    An attribute that is ``None`` is left out, an empty one is a flag.
    """
    opened = name + "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Markup(f"<{opened}/>")
    return Markup(f"<{opened}>{join(children)}</{name}>")


def _part(part: Markup | str | int | None) -> str:
    if part is None:
        return ""
    return part if isinstance(part, Markup) else text(str(part))


def _attribute(key: str, value: str | int) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f' {name}="{text(str(value))}"' if value != "" else f" {name}"
