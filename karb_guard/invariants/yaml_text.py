"""YAML written for karb-guard itself: metadata, fixture headers, configuration, ``--set``.

Manifests are read elsewhere, with Kubernetes' own rules. Here the reader is strict, so that a
slip is an error instead of a surprise: YAML 1.2's core schema (``on``, ``off`` and ``yes`` are
words, ``1:30`` and dates are text), no duplicate keys, keys are text, no anchors, aliases or tags,
bounded size and depth. It builds from parser events on a stack of its own, because PyYAML's
composer recurses (a text of 100,000 ``[`` crashes its C variant), and keeps line numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from karb_guard.model.errors import KarbGuardError
from karb_guard.model.finding import Path
from karb_guard.model.patterns import lazy

MAX_CHARACTERS = 1 << 20
"""Longest text that is read, in characters."""
MAX_DEPTH = 32
"""Deepest nesting of maps and lists."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = lazy(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = lazy(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")


class YamlError(KarbGuardError):
    """The text can't be read. ``line`` is 1-based within the text, 0 where none is known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's value and where its parts stand."""

    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)
    """Path -> 1-based line of the key (or list element)."""

    def line(self, path: Path) -> int:
        """The line of ``path`` or of its nearest existing parent; 0 in an empty document."""
        for depth in range(len(path), -1, -1):
            if path[:depth] in self.lines:
                return self.lines[path[:depth]]
        return 0


def read(text: str) -> Parsed:
    """The one document in ``text`` (``None`` where it is empty).

    Raises ``YamlError`` for anything outside of the strict subset described above.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(f"has {len(text)} characters; the most is {MAX_CHARACTERS}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder().build(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"is not YAML: {error.problem}", mark.line + 1 if mark else 0) from error
    except yaml.YAMLError as error:
        raise YamlError(f"is not YAML: {str(error).splitlines()[0]}") from error


def scalar(text: str) -> Any:
    """The value of an unquoted scalar by YAML 1.2's core schema, less octal, hex and infinity."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


@dataclass(slots=True)
class _Open:
    """A map or list that is being filled."""

    container: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


class _Builder:
    """Builds one value from parser events."""

    def __init__(self) -> None:
        self._stack: list[_Open] = []
        self._lines: dict[Path, int] = {}
        self._value: Any = None
        self._documents = 0

    def build(self, events: Iterable[Any]) -> Parsed:
        for event in _plain(events):
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise YamlError("holds more than one document", _line(event))
            elif isinstance(event, yaml.MappingStartEvent):
                self._open({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open([], event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._stack.pop()
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
        return Parsed(self._value, self._lines)

    def _open(self, container: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise YamlError(f"is nested deeper than {MAX_DEPTH} levels", _line(event))
        path = self._add(container, event)
        self._stack.append(_Open(container, path))

    def _scalar(self, event: Any) -> None:
        top = self._stack[-1] if self._stack else None
        value = scalar(event.value) if event.implicit[0] else event.value
        if top is not None and isinstance(top.container, dict) and top.key is None:
            self._key(top, top.container, value, event)
        else:
            self._add(value, event)

    def _key(self, top: _Open, container: dict[str, Any], key: Any, event: Any) -> None:
        if not isinstance(key, str):
            raise YamlError(f"key {event.value!r} is not text; write it in quotes", _line(event))
        if key in container:
            raise YamlError(f"key {key!r} is there twice; keep one", _line(event))
        top.key = key
        self._lines[(*top.path, key)] = _line(event)

    def _add(self, value: Any, event: Any) -> Path:
        """Put ``value`` where it belongs and return its path."""
        if not self._stack:
            self._value = value
            self._lines[()] = _line(event)
            return ()
        top = self._stack[-1]
        if isinstance(top.container, list):
            path = (*top.path, len(top.container))
            top.container.append(value)
            self._lines[path] = _line(event)
            return path
        if top.key is None:
            raise YamlError("a map or list can't be a key", _line(event))
        path = (*top.path, top.key)
        top.container[top.key] = value
        top.key = None
        return path


def _plain(events: Iterable[Any]) -> Iterator[Any]:
    """The events, refusing what the strict subset leaves out."""
    for event in events:
        if getattr(event, "anchor", None) is not None:
            raise YamlError("anchors and aliases are not read here; write it out", _line(event))
        if getattr(event, "tag", None) is not None:
            raise YamlError(f"tag {event.tag} is not read here; remove it", _line(event))
        yield event


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
