"""Durations and ratios as people write them in annotations: ``250ms``, ``1m30s``, ``0.1%``."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from karb_guard.model.patterns import lazy

MAX_LENGTH = 64
"""A label value has at most 63 characters; an annotation needs no more for a number."""

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MAX_NANOSECONDS = 2**63 - 1
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_PARTS = lazy(_PART)
_DURATION = lazy(rf"[+-]?(?:{_PART})+")
_RATIO = lazy(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(%?)")


class ValueFormatError(ValueError):
    """A text that is no duration or ratio; the message says what would be."""


@lru_cache(maxsize=1024)
def parse_duration_ms(text: str) -> float:
    """Milliseconds of a duration as Go's ``time.ParseDuration`` reads it; may be negative.

    A bare ``0`` is zero; any other number needs a unit (ns, us, ms, s, m, h).
    Raises ``ValueFormatError``.
    """
    if text == "0":
        return 0.0
    if len(text) > MAX_LENGTH or not _DURATION.fullmatch(text):
        raise ValueFormatError("not a duration such as 250ms, 1.5s or 2m")
    total = sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _PARTS.findall(text))
    if total > _MAX_NANOSECONDS:
        raise ValueFormatError("a duration longer than 292 years")
    return float(Decimal(-total if text[0] == "-" else total) / 10**6)


@lru_cache(maxsize=1024)
def parse_ratio(text: str) -> float:
    """The ratio that ``0.001`` or ``0.1%`` is, of any size. Raises ``ValueFormatError``."""
    match = _RATIO.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueFormatError("not a ratio such as 0.001, or a percentage such as 0.1%")
    return float(Decimal(match.group(1)) / (100 if match.group(2) else 1))
