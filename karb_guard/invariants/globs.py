"""Parameters that are lists of globs (``items: {format: glob}``), taken apart before policies run.

What a pattern begins and ends with, and whether it has wildcards at all, is the same for every
object; to find out in Rego took more than all else that a policy did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

GLOBS = "globs"
"""Beside the parameters themselves, what ``data.karb.lib.globs.any_of`` reads."""

_SPECIAL = re.compile(r"[*?{}\[\]\\]")


def with_globs(
    params: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """``params`` as policies get them: with the taken apart ones under ``globs``, if any are."""
    lists = [name for name, schema in schemas.items() if _of_globs(schema) and name in params]
    if not lists:
        return dict(params)
    return {**params, GLOBS: {name: taken_apart(params[name]) for name in lists}}


def _of_globs(schema: Mapping[str, Any]) -> bool:
    items = schema.get("items")
    return isinstance(items, Mapping) and items.get("format") == "glob"


def taken_apart(patterns: Iterable[str]) -> dict[str, Any]:
    """``exact``: every pattern, for a value that equals one; ``wild``: those with wildcards."""
    patterns = list(patterns)
    return {
        "exact": dict.fromkeys(patterns, True),
        "wild": [_parts(pattern) for pattern in patterns if _SPECIAL.search(pattern)],
    }


def _parts(pattern: str) -> dict[str, Any]:
    """The literal text around the wildcards.

    ``least``: where a single ``*`` is all there is, the least length of a match. Without it,
    beginning and end only rule out.
    """
    specials = list(_SPECIAL.finditer(pattern))
    begin, end = pattern[: specials[0].start()], pattern[specials[-1].end() :]
    parts: dict[str, Any] = {"glob": pattern, "begin": begin, "end": end}
    if [match[0] for match in specials] == ["*"]:
        parts["least"] = len(begin) + len(end)
    return parts
