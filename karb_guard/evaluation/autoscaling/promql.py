"""How a PromQL query makes one answer of the series of several pods.

This reads the outermost operations of a query (Prometheus, "Operators" and "Functions"), not the
whole language.
"""

from __future__ import annotations

import re
from itertools import pairwise

from karb_guard.model.patterns import lazy

MAX_DEPTH = 20
"""Operations within each other; deeper ones are not read."""
AVG, COUNT, RATIO, NUMBER = "avg", "count", "ratio", "number"

_AGGREGATORS = frozenset({"sum", AVG, "min", "max", COUNT, "quantile", "group", "stddev", "stdvar"})
_LOOKED_THROUGH = frozenset(
    {"abs", "ceil", "clamp", "clamp_max", "clamp_min", "floor", "round", "scalar", "vector"}
    | {"sort", "sort_desc", "label_replace", "label_join"}
    | {f"{word}_over_time" for word in (AVG, "max", "min", "last", "quantile")}
)
"""Functions whose answer is still of the same kind."""
_LEVELS = (
    frozenset({"or", "and", "unless"}),
    frozenset({"==", "!=", ">", "<", ">=", "<="}),
    frozenset("+-"),
    frozenset("*/%"),
)
"""Operators; those that bind least come first."""
_TEXTS = lazy(r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|`[^`]*+`")
_OPERATORS = lazy(r"\b(?:or|and|unless)\b|[=!]=|[<>]=?|[-+*/%]", re.IGNORECASE)
_NO_LEFT_SIDE = lazy(r"(?:[-+*/%<>=]|\b(?:or|and|unless|offset|bool)|\b[0-9.]+e)$", re.IGNORECASE)
_LONGEST_WORD = 12
_NUMBER = lazy(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_MATCHING = lazy(
    r"(?:bool\b\s*)?(?:(?:on|ignoring)\s*\([^()]*\)\s*)?(?:group_(?:left|right)\b\s*(?:\([^()]*\))?\s*)?",
    re.IGNORECASE,
)
# Brackets are blank inside when these are asked.
_CALL = lazy(
    r"([a-z_]*)\s*(?:(?:by|without)\s*\( *\)\s*)?\(( *)\)\s*(?:(?:by|without)\s*\( *\)\s*)?",
    re.IGNORECASE,
)


def aggregate(query: str, depth: int = 0) -> str | None:
    """The operator that the answer comes from: ``sum``, ``avg``, ``max`` ...

    A sum divided by a count is an ``avg``, another quotient of two readings a ``ratio``, a number
    is a ``number``. Functions that keep the kind of a reading, and numbers beside one, are looked
    through. ``None`` for anything else, and for what can't be read.
    """
    query = query.strip()
    blank = _blank(query)
    if blank is None or depth > MAX_DEPTH:
        return None
    if _NUMBER.fullmatch(query):
        return NUMBER
    for level in _LEVELS:
        found = [o for o in _OPERATORS.finditer(blank) if o[0].lower() in level]
        binary = [o for o in found if _has_left_side(blank[: o.start()])]
        if binary:
            last = binary[-1]
            right = _MATCHING.sub("", query[last.end() :].strip(), count=1)
            left = aggregate(query[: last.start()], depth + 1)
            return _combined(last[0].lower(), left, aggregate(right, depth + 1))
    return _called(query, blank, depth)


def _has_left_side(before: str) -> bool:
    """Whether an operator is between two readings, and no sign of a number."""
    word = before.rstrip()[-_LONGEST_WORD:]
    return bool(word) and not _NO_LEFT_SIDE.search(word)


def _combined(sign: str, left: str | None, right: str | None) -> str | None:
    if sign in _LEVELS[0] or right == NUMBER:
        return left
    if left == NUMBER:
        return RATIO if sign == "/" and right is not None else right
    if sign == "/":
        return AVG if (left, right) == ("sum", COUNT) else RATIO
    return left if left == right else None


def _called(query: str, blank: str, depth: int) -> str | None:
    call = _CALL.fullmatch(blank)
    if call is None:
        return None
    name = call[1].lower()
    if name in _AGGREGATORS:
        return name
    if name and name not in _LOOKED_THROUGH:
        return None
    inside = query[call.start(2) : call.end(2)]
    if not name:
        return aggregate(inside, depth + 1)
    answers = (aggregate(part, depth + 1) for part in _arguments(inside))
    return next((answer for answer in answers if answer != NUMBER), NUMBER)


def _arguments(inside: str) -> list[str]:
    """A function's arguments; a subquery's range is left out."""
    blank = _blank(inside) or ""
    cuts = [-1, *(i for i, char in enumerate(blank) if char == ","), len(inside)]
    parts = [inside[start + 1 : end].strip() for start, end in pairwise(cuts)]
    return [part[: part.rindex("[")] if part.endswith("]") else part for part in parts]


def _blank(query: str) -> str | None:
    """The query with spaces for all in quotes and brackets; ``None`` where a bracket is open."""
    found, depth = [], 0
    for char in _TEXTS.sub(lambda text: " " * len(text[0]), query):
        depth -= char in ")]}"
        found.append(char if depth == 0 else " ")
        depth += char in "([{"
        if depth < 0:
            return None
    return "".join(found) if depth == 0 else None
