"""Rego values as the host sees them: read from ``opa_value_dump``, printed as OPA prints them.

Arrays are ``list``, strings ``str``, booleans ``bool``, null ``None``. Numbers keep their text
(``1.0`` and ``1`` print differently), sets and objects have types of their own.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined] # in typeshed's stub it is absent
from typing import Any

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}
_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its text."""

    text: str

    @property
    def is_float(self) -> bool:
        """Whether it is written with a fraction or an exponent."""
        return any(sign in self.text for sign in ".eE")


@dataclass(frozen=True, slots=True)
class Members:
    """A set; its elements in any order."""

    values: list[Any]


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object; keys may be any value."""

    items: list[tuple[Any, Any]]


def parse_term(text: str) -> Any:
    """The value in the Rego literal ``text``. Raises ``ValueError``."""
    value, end = _value(text, 0)
    if end != len(text):
        raise ValueError(f"unexpected text at {end}: {text[end : end + 20]!r}")
    return value


def write_term(value: Any) -> str:
    """JSON for what built-ins return: strings, numbers, booleans and arrays of them."""
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _value(text: str, at: int) -> tuple[Any, int]:
    head = text[at : at + 1]
    if head == '"':
        string, end = scanstring(text, at + 1, False)
        return string, end
    if head == "[":
        values, end = _sequence(text, at + 1, "]")
        return [value for value, _ in values], end
    if head == "{":
        return _braces(text, at + 1)
    return _word(text, at)


def _braces(text: str, at: int) -> tuple[Any, int]:
    # `{}` is the empty object; the empty set is written `set()`.
    values, end = _sequence(text, at, "}")
    if all(pair for _, pair in values):
        return Pairs([(key, pair[0]) for key, pair in values]), end
    return Members([value for value, _ in values]), end


def _sequence(text: str, at: int, close: str) -> tuple[list[tuple[Any, tuple[Any, ...]]], int]:
    """``value`` or ``key: value`` items up to ``close``; the second part holds an item's value."""
    items: list[tuple[Any, tuple[Any, ...]]] = []
    at = _skip(text, at)
    while text[at : at + 1] != close:
        first, at = _value(text, at)
        pair: tuple[Any, ...] = ()
        at = _skip(text, at)
        if text[at : at + 1] == ":":
            second, at = _value(text, _skip(text, at + 1))
            pair, at = (second,), _skip(text, at)
        items.append((first, pair))
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != close:
            raise ValueError(f"expected {close} or a comma at {at}")
    return items, at + 1


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\n", "\t"}:
        at += 1
    return at


def _word(text: str, at: int) -> tuple[Any, int]:
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return value, at + len(word)
    if text.startswith("set()", at):
        return Members([]), at + len("set()")
    match = _NUMBER.match(text, at)
    if match is None:
        raise ValueError(f"no value at {at}: {text[at : at + 20]!r}")
    return Number(match[0]), match.end()


def to_string(value: Any) -> str:
    """The value as OPA's ``ast.Value.String()`` prints it: Rego with sorted keys and elements."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(to_string, value)) + "]"
    if isinstance(value, Members):
        members = sorted(value.values, key=_sort_key)
        return "{" + ", ".join(map(to_string, members)) + "}" if members else "set()"
    items = sorted(value.items, key=lambda item: _sort_key(item[0]))
    return "{" + ", ".join(f"{to_string(k)}: {to_string(v)}" for k, v in items) + "}"


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """A Go string (or, with ``'``, rune) literal, as ``strconv.Quote`` writes it."""
    return mark + "".join(_escape(char, mark, ascii_only=ascii_only) for char in text) + mark


def is_printable(char: str) -> bool:
    """Go's ``strconv.IsPrint``: letters, marks, numbers, punctuation, symbols, and the space."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def _escape(char: str, mark: str, *, ascii_only: bool) -> str:
    code = ord(char)
    if char in {mark, "\\"}:
        return "\\" + char
    if char != '"' and char in _ESCAPES:
        return _ESCAPES[char]
    if is_printable(char) and (code < 0x80 or not ascii_only):
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# OPA's order of types (ast.Compare): null, boolean, number, string, array, object, set.
_RANKS: tuple[type, ...] = (type(None), bool, Number, str, list, Pairs, Members)


def _compare(left: Any, right: Any) -> int:
    ranks = _RANKS.index(type(left)), _RANKS.index(type(right))
    if ranks[0] != ranks[1]:
        return _sign(ranks[0], ranks[1])
    if isinstance(left, Number):
        return _sign(Decimal(left.text), Decimal(right.text))
    if isinstance(left, str):
        return _sign(left.encode(), right.encode())
    if isinstance(left, list | Members | Pairs):
        return _compare_lists(_in_order(left), _in_order(right))
    return _sign(bool(left), bool(right))


def _in_order(value: list[Any] | Members | Pairs) -> list[Any]:
    """What decides between two collections, in turn: objects go by key, value, key, value."""
    if isinstance(value, list):
        return value
    if isinstance(value, Members):
        return sorted(value.values, key=_sort_key)
    items = sorted(value.items, key=lambda item: _sort_key(item[0]))
    return [[key, each] for key, each in items]


def _compare_lists(left: list[Any], right: list[Any]) -> int:
    for one, other in zip(left, right, strict=False):
        order = _compare(one, other)
        if order:
            return order
    return _sign(len(left), len(right))


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


_sort_key = functools.cmp_to_key(_compare)
