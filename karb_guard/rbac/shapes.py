"""Reading fields of untrusted manifests: the right type, unset, or ``MalformedError``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MalformedError(Exception):
    """A field has a type that the API server would refuse."""


def text(value: Any) -> str:
    """The string; ``""`` where it is unset."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError
    return value


def texts(value: Any) -> tuple[str, ...]:
    """The list of strings; empty where it is unset."""
    if value is None:
        return ()
    if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
        raise MalformedError
    return tuple(value)


def optional_map(value: Any) -> Mapping[str, Any]:
    """The map; empty where it is unset."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedError
    return value


def maps(value: Any) -> list[Mapping[str, Any]]:
    """The list of maps; empty where it is unset."""
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(item, Mapping) for item in value):
        raise MalformedError
    return value
