"""JSON documents: values by the standard library, positions by a scan of our own when asked.

kubectl reads a file that starts with ``{`` as JSON first (``YAMLOrJSONDecoder``), several objects
one after the other included, and falls back to YAML.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from karb_guard.manifests import scalars
from karb_guard.manifests.found import Found
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.problem import RefusedError, duplicate_key, too_deep

if TYPE_CHECKING:
    from karb_guard.manifests.marks import Mark

_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(
    r'[\s,:]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|([\[{])|([\]}])|([^\s,:{}\[\]"]++))', re.DOTALL
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """The text is no JSON; ``index`` is where that shows."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


class _ConstantError(ValueError):
    """``NaN`` or ``Infinity``, which Python's decoder takes and JSON doesn't."""


class _DuplicateError(ValueError):
    """Some object of the text has a key twice; `scan` finds out where."""


def load(text: str, limits: Limits) -> list[Found]:
    """Each JSON value of the text, one after the other.

    Raises ``NotJsonError`` where the text is no JSON, ``RefusedError`` where it is and can't be
    used (depth, duplicate keys, numbers beyond float64).
    """
    _check_depth(text, limits)
    decoder = _decoder()
    mend = "\\ud" in text or "\\uD" in text
    result: list[Found] = []
    at = _skip(text, 0)
    while at < len(text) and len(result) <= limits.documents:
        value, end = _decode(decoder, text, at)
        result.append(Found(_mended(value) if mend else value, partial(scan, text, at)))
        at = _skip(text, end)
    return result


def _decode(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except _DuplicateError:
        _Scanner(text, refuse_duplicates=True).run(at)
        raise RefusedError(at, "a key is twice in one mapping", "keep one of them") from None
    except _ConstantError as error:
        raise NotJsonError(at, f"`{error}` is no JSON value") from None
    except scalars.ScalarError as error:
        raise RefusedError(at, str(error), "no Kubernetes field takes it") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(error.pos, error.msg[:1].lower() + error.msg[1:]) from None


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _DuplicateError
    return result


def _int(text: str) -> int | float:
    return int(text) if len(text) <= 18 else _big_int(text)


def _big_int(text: str) -> int | float:
    if len(text) <= 20 and -(1 << 63) <= (small := int(text)) < 1 << 63:
        return small
    return scalars.json_number(float(text), text)


def _float(text: str) -> int | float:
    return scalars.json_number(float(text), text)


def _constant(text: str) -> NoReturn:
    raise _ConstantError(text)


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _check_depth(text: str, limits: Limits) -> None:
    """Refuse deep nesting before the recursive decoder sees it."""
    if text.count("{") + text.count("[") <= limits.depth:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        if token.lastindex == 2:
            depth += 1
            if depth > limits.depth:
                raise too_deep(token.start(2), limits.depth)
        elif token.lastindex == 3:
            depth -= 1


def _mended(value: Any) -> Any:
    r"""Lone surrogates (``"\ud800"``) become U+FFFD, as Go's decoder makes them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def scan(text: str, start: int) -> Mark:
    """The marks of the JSON value at ``start`` (see ``marks.Mark``); the text is valid JSON."""
    return _Scanner(text).run(start)


class _Scanner:
    """Walks the tokens with its own stack; its state is the innermost open object or array."""

    def __init__(self, text: str, *, refuse_duplicates: bool = False) -> None:
        self._text = text
        self._refuse_duplicates = refuse_duplicates
        self._marks: Any = []
        self._start = 0
        self._key: str | None = None
        self._key_span = (0, 0)
        self._stack: list[tuple[Any, int, str | None, tuple[int, int]]] = []

    def run(self, start: int) -> Mark:
        root = self._marks
        for token in _TOKEN.finditer(self._text, start):
            group = token.lastindex or 0
            begin, end = token.span(group)
            if group == 2:
                self._open(begin)
            elif group == 3:
                self._close(end)
            elif group == 1 and type(self._marks) is dict and self._key is None:
                self._take_key(begin, end)
            else:
                self._add(begin, end, None)
            if root:
                break
        return root[0]  # type: ignore[no-any-return]

    def _open(self, begin: int) -> None:
        self._stack.append((self._marks, self._start, self._key, self._key_span))
        self._marks = {} if self._text[begin] == "{" else []
        self._start, self._key = begin, None

    def _close(self, end: int) -> None:
        child, begin = self._marks, self._start
        self._marks, self._start, self._key, self._key_span = self._stack.pop()
        self._add(begin, end, child)

    def _take_key(self, begin: int, end: int) -> None:
        key = _mended(json.loads(self._text[begin:end]))
        if self._refuse_duplicates and key in self._marks:
            raise duplicate_key(key, self._marks[key][0], begin)
        self._key, self._key_span = key, (begin, end)

    def _add(self, begin: int, end: int, child: Any) -> None:
        if type(self._marks) is list:
            self._marks.append((begin, begin, end, child))
        else:
            self._marks[self._key] = (*self._key_span, end, child)
            self._key = None
