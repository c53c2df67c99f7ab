"""``time.parse_rfc3339_ns`` and ``time.parse_duration_ns``, as Go's package time reads them."""

from __future__ import annotations

import calendar
import re
from typing import Any

from karb_guard.engine.builtins.errors import UndefinedError

_SECOND = 1_000_000_000
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}
_LONG_UNITS = {"d": 24, "w": 7 * 24, "y": 365 * 24}
"""OPA's own additions, in hours (topdown/time.go)."""
_INT64 = 1 << 63
_MAX_TEXT = 1024

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_SEGMENT = re.compile(r"(\d*)(?:(\.)(\d*))?([^.\d]+)", re.ASCII)
_LONG_SEGMENT = re.compile(r"([0-9.]+)(ms|us|µs|ns|[a-z])")


def parse_rfc3339(text: Any) -> int:
    """Nanoseconds since 1970. Go takes a comma for the fraction and an hour of one digit, too."""
    match = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UndefinedError
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= _days(year, month)):
        raise UndefinedError
    if hour > 23 or minute > 59 or second > 59:
        raise UndefinedError
    days = _days_since_1970(year, month, day)
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - _offset(match)
    return _int64(seconds * _SECOND + int((match[7] or "0")[:9].ljust(9, "0")))


def parse_duration(text: Any) -> int:
    """Nanoseconds of ``1h30m``; ``d``, ``w`` and ``y`` are whole days of 24 hours."""
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise UndefinedError
    if any(unit in text for unit in _LONG_UNITS):
        text = _in_hours(text)
    sign, body = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("", text)
    if body == "0":
        return 0
    total = _total(body)
    return _int64(-total if sign == "-" else total)


def _total(body: str) -> int:
    at, total = 0, 0
    while at < len(body) or not body:
        match = _SEGMENT.match(body, at)
        if match is None or not (match[1] or match[3]) or match[4] not in _UNITS:
            raise UndefinedError
        total += _segment(int(match[1] or 0), match[3] or "", _UNITS[match[4]])
        if total > _INT64:
            raise UndefinedError
        at = match.end()
    return total


def _segment(whole: int, fraction: str, unit: int) -> int:
    if whole > _INT64 // unit:
        raise UndefinedError
    # Go reads the fraction into 63 bits and drops the digits that don't fit any more, then
    # computes with doubles; so do we, to meet the same nanosecond.
    value, scale = 0, 1.0
    for digit in fraction:
        if value > (_INT64 - 1) // 10 or value * 10 + int(digit) > _INT64:
            break
        value, scale = value * 10 + int(digit), scale * 10
    return whole * unit + int(float(value) * (float(unit) / scale))


def _in_hours(text: str) -> str:
    sign, body = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("", text)
    out, at = sign, 0
    while at < len(body):
        match = _LONG_SEGMENT.match(body, at)
        if match is None:
            raise UndefinedError
        out += _hours(match[1], match[2]) if match[2] in _LONG_UNITS else match[0]
        at = match.end()
    return out


def _hours(digits: str, unit: str) -> str:
    try:
        hours = float(digits) * _LONG_UNITS[unit]
    except ValueError as error:
        raise UndefinedError from error
    text = f"{hours:.0f}" if hours.is_integer() else _plain(hours)
    return text + "h"


def _plain(value: float) -> str:
    """The shortest digits without an exponent: ``strconv.FormatFloat(v, 'f', -1, 64)``."""
    mantissa, _, power = repr(value).partition("e")
    if not power:
        return mantissa
    return f"{value:.{-int(power) + len(mantissa.partition('.')[2])}f}"


def _days(year: int, month: int) -> int:
    return 29 if month == 2 and calendar.isleap(year) else calendar.monthrange(2001, month)[1]


def _days_since_1970(year: int, month: int, day: int) -> int:
    # datetime has no year 0, Go has; the Gregorian calendar repeats every 400 years.
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400
    months = sum(_days(year, each) for each in range(1, month))
    return before * 365 + leaps + months + day - 1 - 719162


def _offset(match: re.Match[str]) -> int:
    if not match[8]:
        return 0
    hours, minutes = int(match[9]), int(match[10])
    if hours > 24 or minutes > 60:  # so far goes Go's time.Parse
        raise UndefinedError
    return (hours * 60 + minutes) * 60 * (-1 if match[8] == "-" else 1)


def _int64(value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise UndefinedError
    return value
