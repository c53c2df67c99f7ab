"""Remedies as HTML: paragraphs, indented examples and code words between backticks.

That is all that the metadata of invariants uses; everything else in it stays text.
"""

from __future__ import annotations

import textwrap
from itertools import groupby

from karb_guard.reports.html.markup import Markup, join, tag


def prose(text: str) -> Markup:
    """Blocks between blank lines; one whose lines are all indented is an example."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    parts = []
    # Neighbouring indented blocks are one example with a blank line in it.
    for is_example, group in groupby(blocks, key=_is_example):
        if is_example:
            parts.append(_example(textwrap.dedent("\n\n".join(group))))
        else:
            parts += [tag("p", _inline(block)) for block in group]
    return tag("div", *parts, class_="remedy")


def _is_example(block: str) -> bool:
    return all(line.startswith("  ") for line in block.splitlines() if line.strip())


def _example(text: str) -> Markup:
    lines = [join([line]) for line in text.strip("\n").splitlines()]
    return tag("pre", tag("code", Markup("\n".join(lines))), tabindex=0)


def _inline(block: str) -> Markup:
    """Odd pieces stand between backticks, unless the last backtick is alone."""
    pieces = " ".join(block.split()).split("`")
    if len(pieces) % 2 == 0:
        return join(["`".join(pieces)])
    return join(tag("code", p) if i % 2 else p for i, p in enumerate(pieces))
