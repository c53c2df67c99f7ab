"""Three truth values: ``True``, ``False`` and ``None`` for unknown (Kleene's strong logic)."""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None


def negated(value: Truth) -> Truth:
    """Unknown stays unknown."""
    return None if value is None else not value


def all_of(values: Iterable[Truth]) -> Truth:
    """``False`` if one is, else ``None`` if one is, else ``True``."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def any_of(values: Iterable[Truth]) -> Truth:
    """``True`` if one is, else ``None`` if one is, else ``False``."""
    result: Truth = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result
