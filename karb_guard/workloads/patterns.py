"""Location patterns and metadata references, compiled once and followed in an object.

Nothing here raises for an object of any shape. A missing field (or a null, which Kubernetes
treats as missing) leads nowhere; a field of the wrong type leads nowhere and leaves a ``Misfit``.
Objects are ``dict`` and ``list`` as JSON and YAML parsers make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from karb_guard.model.finding import Path
from karb_guard.workloads.shapes import MetadataSource, Misfit

EACH = "[]"
VALUES = "*"

Found = tuple[Path, dict[str, Any]]


def compile_pattern(pattern: str) -> tuple[str, ...]:
    """``spec.tasks[].template.*`` -> ``("spec", "tasks", "[]", "template", "*")``."""
    steps: list[str] = []
    for part in pattern.split("."):
        if part.endswith(EACH):
            steps += [part.removesuffix(EACH), EACH]
        else:
            steps.append(part)
    return tuple(steps)


def json_type(value: Any) -> str:
    """The JSON word for the value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return _WORDS.get(type(value).__name__, type(value).__name__)


_WORDS = {"str": "string", "dict": "object", "list": "array"}


def follow(root: Any, steps: tuple[str, ...], misfits: list[Misfit]) -> Iterator[Found]:
    """Every map that the compiled pattern leads to, with its path, in the object's order."""
    return _follow(root, (), steps, misfits)


def _follow(
    value: Any, path: Path, steps: tuple[str, ...], misfits: list[Misfit]
) -> Iterator[Found]:
    for index, step in enumerate(steps):
        if step in (EACH, VALUES):
            for key, item in _items(value, path, step, misfits):
                yield from _follow(item, (*path, key), steps[index + 1 :], misfits)
            return
        if not isinstance(value, dict):
            _misfit(misfits, path, "object", value)
            return
        value, path = value.get(step), (*path, step)
        if value is None:
            return
    if isinstance(value, dict):
        yield path, value
    else:
        _misfit(misfits, path, "object", value)


def _items(
    value: Any, path: Path, step: str, misfits: list[Misfit]
) -> Iterator[tuple[str | int, Any]]:
    if step == EACH:
        if isinstance(value, list):
            yield from enumerate(value)
        else:
            _misfit(misfits, path, "array", value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield key, item
    else:
        _misfit(misfits, path, "object", value)


def _misfit(misfits: list[Misfit], path: Path, expected: str, value: Any) -> None:
    misfits.append(Misfit(path, expected, json_type(value)))


class Reference(NamedTuple):
    """A compiled metadata reference (see ``rows.py``)."""

    absolute: bool
    up: int
    keys: tuple[str, ...]

    def resolve(self, path: Path) -> Path:
        """The path that the reference means, seen from a location's map at ``path``."""
        if self.absolute:
            return self.keys
        return path[: len(path) - self.up] + self.keys


def compile_reference(text: str) -> Reference:
    """``^metadata`` -> one step up, then ``metadata``; ``/spec`` -> from the root."""
    absolute = text.startswith("/")
    rest = text.removeprefix("/")
    keys = rest.lstrip("^")
    return Reference(
        absolute, len(rest) - len(keys), tuple(part for part in keys.split(".") if part)
    )


_NOTHING: dict[str, Any] = {}


def metadata_source(root: dict[str, Any], path: Path, misfits: list[Misfit]) -> MetadataSource:
    """The labels and annotations of the map at ``path``; empty where there are none."""
    value: Any = root
    for depth, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
        if value is None:
            return MetadataSource(path, _NOTHING, _NOTHING)
        if not isinstance(value, (dict, list)):
            _misfit(misfits, path[: depth + 1], "object", value)
            return MetadataSource(path, _NOTHING, _NOTHING)
    labels = _map(value, path, "labels", misfits)
    return MetadataSource(path, labels, _map(value, path, "annotations", misfits))


def _map(value: Any, path: Path, key: str, misfits: list[Misfit]) -> dict[str, Any]:
    if not isinstance(value, dict):
        _misfit(misfits, path, "object", value)
        return _NOTHING
    found = value.get(key)
    if isinstance(found, dict):
        return found
    if found is not None:
        _misfit(misfits, (*path, key), "object", found)
    return _NOTHING
