"""``semver.is_valid`` and ``semver.compare``: SemVer 2.0.0, and a leading ``v``, as OPA has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from karb_guard.engine.builtins.errors import UndefinedError

_VERSION = re.compile(
    r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class _Version:
    numbers: tuple[int, ...]
    pre: tuple[str, ...]


def is_valid(text: Any) -> bool:
    """Whether ``text`` is a version; false for what is no string."""
    return _parse(text) is not None


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1 by SemVer's precedence."""
    one, other = _parse(left), _parse(right)
    if one is None or other is None:
        raise UndefinedError
    if one.numbers != other.numbers:
        return 1 if one.numbers > other.numbers else -1
    if not one.pre or not other.pre:  # a release comes after its pre-releases
        return int(bool(other.pre)) - int(bool(one.pre))
    mine, theirs = [_rank(each) for each in one.pre], [_rank(each) for each in other.pre]
    return int(mine > theirs) - int(mine < theirs)


def _parse(text: Any) -> _Version | None:
    match = _VERSION.fullmatch(text) if isinstance(text, str) and len(text) <= 4096 else None
    if match is None:
        return None
    numbers = [int(part) for part in match.groups()[:3] if len(part) < 20]
    pre = tuple(match[4].split(".")) if match[4] else ()
    if len(numbers) < 3 or max(numbers) >= _INT64:
        return None
    if any(part.isdecimal() and part != "0" and part.startswith("0") for part in pre):
        return None
    return _Version(tuple(numbers), pre)


def _rank(identifier: str) -> tuple[int, int, str]:
    """Numbers before words, numbers by value, words by bytes."""
    if identifier.isdecimal():
        return 0, int(identifier), ""
    return 1, 0, identifier
