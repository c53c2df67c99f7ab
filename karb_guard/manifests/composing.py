"""YAML parser events -> plain values and, beside them, where each field stands.

PyYAML's C *parser* is used, not its composer: the composer recurses in C (100,000 ``[`` end the
process), builds a node object per value, and loses nothing that is needed here. One pass over
the events builds both the value and its marks, with a stack of our own that is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from karb_guard.manifests import scalars
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.marks import Mark
from karb_guard.manifests.problem import RefusedError, duplicate_key, too_deep

_MERGE = object()
_MISS = object()


class Composed(NamedTuple):
    """One document: its value, the marks of its root, and where it starts in the text."""

    value: Any
    mark: Mark
    start: int


class NotAKeyError(RefusedError):
    """A mapping or list where a key must stand: what ``{{ name }}`` is to YAML."""


class _Anchored(NamedTuple):
    """What an alias repeats: how many nodes it is, and how deep they nest (a scalar: 0)."""

    value: Any
    marks: Any
    weight: int
    height: int


class _Frame:
    """A mapping or sequence that is still open."""

    __slots__ = (
        "anchor",
        "before",
        "flow",
        "height",
        "key",
        "key_end",
        "key_start",
        "marks",
        "merged",
        "start",
        "value",
    )

    def __init__(self, value: Any, marks: Any, start: int) -> None:
        self.value: Any = value
        self.marks: Any = marks
        self.start = start
        self.flow = False
        self.height = 1
        self.anchor: str | None = None
        self.before = 0
        self.key: Any = None
        self.key_start = self.key_end = start
        self.merged: set[str] | None = None


def open_parser(text: str) -> Any:
    """PyYAML's event parser: libyaml's, or the one in Python where PyYAML came without it."""
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)


def compose(text: str, limits: Limits) -> Iterator[Composed]:
    """Yield each document of a YAML stream.

    Raises ``RefusedError`` or ``yaml.YAMLError`` at the first document that can't be used;
    offsets are relative to ``text``.
    """
    composer = _Composer(text, limits)
    handlers = composer.handlers
    get_event = open_parser(text).get_event
    while (event := get_event()) is not None:
        handler = handlers.get(type(event))
        if handler is not None:
            handler(event)
        elif type(event) is yaml.DocumentEndEvent:
            yield composer.finish()


class _Composer:
    """The state between two events."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._limits = limits
        self.handlers: Mapping[type, Callable[[Any], None]] = {
            yaml.DocumentStartEvent: self._begin,
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
        }

    def _begin(self, event: Any) -> None:
        self._start: int = event.start_mark.index
        self._frame = _Frame([], [], self._start)
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = self._aliases = self._alias_nodes = 0

    def finish(self) -> Composed:
        """The document that just ended."""
        return Composed(self._frame.value[0], self._frame.marks[0], self._start)

    def _scalar(self, event: Any) -> None:
        self._nodes += 1
        frame = self._frame
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        if frame.key is None and type(frame.marks) is dict:
            self._set_key(frame, event, start, end)
            return
        try:
            value = self._resolve(event, start)
        except scalars.ScalarError as error:
            raise RefusedError(start, str(error), "put the value in quotes or mend it") from None
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, None, 1, 0)
        self._add(frame, value, start, end, None)

    def _resolve(self, event: Any, start: int) -> scalars.Scalar:
        value: str = event.value
        if event.tag is not None:
            return scalars.resolve_tagged(event.tag, value)
        if not event.implicit[0]:
            return value
        found: Any = scalars.WORDS.get(value, _MISS)
        if found is _MISS:
            if value[0] not in scalars.NUMERIC_START:
                return value
            found = scalars.number(value)
        # libyaml drops the tag of `! 5`, which goyaml takes for a string
        if type(found) is not str and self._text.startswith("! ", start):
            return value
        return found  # type: ignore[no-any-return]

    def _set_key(self, frame: _Frame, event: Any, start: int, end: int) -> None:
        text: str = event.value
        plain = event.tag is None and event.implicit[0]
        key: Any = text
        if plain and text == "<<":
            key = _MERGE
        elif plain and (text in scalars.WORDS or text[0] in scalars.NUMERIC_START):
            key = self._odd_key(text, start)
        elif event.tag is not None:
            key = self._tagged_key(event.tag, text, start)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(key, None, 1, 0)
        self._take_key(frame, key, start, end)

    def _odd_key(self, text: str, start: int) -> str:
        try:
            return scalars.key(text)
        except scalars.ScalarError as error:
            raise RefusedError(start, str(error), "a key is a string; put it in quotes") from None

    def _tagged_key(self, tag: str, text: str, start: int) -> str | object:
        if tag == "tag:yaml.org,2002:merge" and text == "<<":
            return _MERGE
        try:
            return scalars.tagged_key(tag, text)
        except scalars.ScalarError as error:
            raise RefusedError(start, str(error), "a key is a string") from None

    def _take_key(self, frame: _Frame, key: Any, start: int, end: int) -> None:
        if key in frame.value and (frame.merged is None or key not in frame.merged):
            raise duplicate_key(key, frame.marks[key][0], start)
        frame.key, frame.key_start, frame.key_end = key, start, end

    def _add(self, frame: _Frame, value: Any, start: int, end: int, child: Any) -> None:
        """Put a finished value into its parent; ``end`` 0 means "not on the key's line"."""
        key = frame.key
        if type(frame.marks) is list:
            frame.value.append(value)
            frame.marks.append((start, start, end, child))
        elif key is _MERGE:
            self._merge(frame, value, child, start)
            frame.key = None
        else:
            frame.value[key] = value
            frame.marks[key] = (frame.key_start, frame.key_end, end or frame.key_end, child)
            frame.key = None
            if frame.merged is not None:
                frame.merged.discard(key)

    def _merge(self, frame: _Frame, value: Any, child: Any, start: int) -> None:
        """``<<``: like goyaml v2, later keys win, whether merged or written out."""
        if frame.merged is None:
            frame.merged = set()
        several = type(value) is list
        sources = zip(value, child, strict=True) if several else [(value, (0, 0, 0, child))]
        for fields, mark in reversed(list(sources)):
            if type(fields) is not dict:
                raise RefusedError(
                    start,
                    "`<<` merges something that is not a mapping",
                    "give `<<` an alias of a mapping, or a list of such aliases",
                )
            frame.merged.update(name for name in fields if name not in frame.value)
            frame.value.update(fields)
            frame.marks.update(mark[3])

    def _mapping(self, event: Any) -> None:
        self._open(event, {}, {})

    def _sequence(self, event: Any) -> None:
        self._open(event, [], [])

    def _open(self, event: Any, value: Any, marks: Any) -> None:
        self._nodes += 1
        start: int = event.start_mark.index
        parent = self._frame
        if len(self._stack) >= self._limits.depth:
            raise too_deep(start, self._limits.depth)
        if parent.key is None and type(parent.marks) is dict:
            raise _not_a_key(start, "mapping" if type(marks) is dict else "list")
        frame = _Frame(value, marks, start)
        frame.flow, frame.anchor, frame.before = event.flow_style, event.anchor, self._nodes
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(parent)
        self._frame = frame

    def _close(self, event: Any) -> None:
        frame = self._frame
        parent = self._frame = self._stack.pop()
        if frame.height >= parent.height:
            parent.height = frame.height + 1
        if frame.anchor is not None:
            weight = self._nodes - frame.before + 1
            known = _Anchored(frame.value, frame.marks, weight, frame.height)
            self._anchors[frame.anchor] = known
        end = event.end_mark.index if frame.flow else 0
        self._add(parent, frame.value, frame.start, end, frame.marks)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        known = self._anchored(event.anchor, start)
        self._count_alias(event.anchor, known.weight, start)
        frame, value = self._frame, known.value
        if len(self._stack) + known.height > self._limits.depth:
            raise too_deep(start, self._limits.depth)
        frame.height = max(frame.height, known.height + 1)
        if frame.key is None and type(frame.marks) is dict:
            if not isinstance(value, str):
                raise _not_a_key(start, "value that is not a string")
            self._take_key(frame, value, start, end)
        else:
            self._add(frame, value, start, end, known.marks)

    def _anchored(self, name: str, start: int) -> _Anchored:
        if name not in self._anchors:
            remedy = "define it before its use, in the same document"
            raise RefusedError(start, f"alias `*{name}` has no anchor `&{name}`", remedy)
        known = self._anchors[name]
        if known is None:
            remedy = "an alias can't stand inside of the value it repeats"
            raise RefusedError(start, f"anchor `&{name}` contains itself", remedy)
        return known

    def _count_alias(self, name: str, weight: int, start: int) -> None:
        self._aliases += 1
        self._nodes += weight
        self._alias_nodes += weight
        remedy = "write the values out, or split the document"
        if self._aliases > self._limits.aliases:
            message = f"more than {self._limits.aliases} aliases in one document"
            raise RefusedError(start, message, remedy)
        if self._alias_nodes > self._limits.alias_nodes:
            message = (
                f"alias `*{name}`: aliases expand to more than {self._limits.alias_nodes} values"
            )
            raise RefusedError(start, message, remedy)


def _not_a_key(start: int, what: str) -> NotAKeyError:
    return NotAKeyError(start, f"a {what} as a mapping's key", "a key is a string")
