"""Compares an object as we see it with what an API server stores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from karb_guard.model.finding import Path
from karb_guard.model.path import format_path
from karb_guard.values.quantity import Quantity, parse_quantity


def equal(ours: Any, theirs: Any) -> bool:
    """The API server writes quantities anew: in another form, a number as a string."""
    if ours == theirs and type(ours) is type(theirs):
        return True
    if not isinstance(theirs, str):
        return False
    amounts = parse_quantity(ours), parse_quantity(theirs)
    return isinstance(amounts[0], Quantity) and amounts[0] == amounts[1]


def differences(ours: Any, theirs: Any, given: Any, path: Path = ()) -> Iterator[str]:
    """Where ``theirs`` doesn't hold what ``ours`` says. ``given`` is the object as written."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        written = given if isinstance(given, dict) else {}
        for key, value in ours.items():
            here = (*path, key)
            if key in theirs:
                yield from differences(value, theirs[key], written.get(key), here)
            elif value or key not in written:  # a zero that was written may be left out in Go
                yield f"{format_path(here)}: {value!r} here, unset there"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        same = isinstance(given, list) and len(given) == len(ours)
        sources = given if same else [None] * len(ours)
        for index, elements in enumerate(zip(ours, theirs, sources, strict=True)):
            yield from differences(*elements, (*path, index))
    elif not equal(ours, theirs):
        yield f"{format_path(path)}: {ours!r} here, {theirs!r} there"


def unset_here(theirs: Any, ours: Any, path: Path = ()) -> Iterator[str]:
    """Fields that the API server fills in and ours lacks, with ``[]`` for indexes."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            if value == {}:
                continue  # Go's structs are never absent; an empty one says nothing
            if not isinstance(ours, dict) or key not in ours:
                yield re.sub(r"\[\d+\]", "[]", format_path((*path, key)))
            else:
                yield from unset_here(value, ours[key], (*path, key))
    elif isinstance(theirs, list) and isinstance(ours, list):
        for index, (other, mine) in enumerate(zip(theirs, ours, strict=False)):
            yield from unset_here(other, mine, (*path, index))
