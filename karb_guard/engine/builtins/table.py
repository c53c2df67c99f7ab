"""The built-in functions that the host implements, by OPA's names (see ``names.HOST``)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from karb_guard.engine.builtins import semver, times, units
from karb_guard.engine.builtins.errors import UndefinedError
from karb_guard.engine.builtins.gofmt import sprintf
from karb_guard.engine.builtins.terms import Members, Number


class Host(Protocol):
    """What a built-in may ask of the evaluation that it serves."""

    def now(self) -> int:
        """Nanoseconds since 1970, the same during one evaluation."""
        ...

    def find_n(self, pattern: str, value: str, number: int) -> list[str] | None:
        """The matches of an RE2 pattern; ``None`` where the pattern is none."""
        ...


def any_prefix_match(_: Host, search: Any, base: Any) -> bool:
    """Whether any of ``search`` starts with any of ``base``."""
    prefixes = tuple(_strings(base))
    return any(text.startswith(prefixes) for text in _strings(search))


def any_suffix_match(_: Host, search: Any, base: Any) -> bool:
    """Whether any of ``search`` ends with any of ``base``."""
    suffixes = tuple(_strings(base))
    return any(text.endswith(suffixes) for text in _strings(search))


def count(_: Host, search: Any, part: Any) -> int:
    """How often ``part`` is in ``search``, without overlaps; the empty string at every gap."""
    return _text(search).count(_text(part))


def sha256(_: Host, text: Any) -> str:
    """The hash of the UTF-8 bytes, in hex."""
    return hashlib.sha256(_text(text).encode()).hexdigest()


def find_n(host: Host, pattern: Any, value: Any, number: Any) -> list[str]:
    """At most ``number`` matches; all for a negative number."""
    if not isinstance(number, Number) or number.is_float or abs(int(number.text)) >= 1 << 31:
        raise UndefinedError
    found = host.find_n(_text(pattern), _text(value), int(number.text))
    if found is None:
        raise UndefinedError
    return found


def now_ns(host: Host) -> int:
    """The time of the evaluation."""
    return host.now()


BUILTINS: Mapping[str, Callable[..., Any]] = {
    "crypto.sha256": sha256,
    "regex.find_n": find_n,
    "semver.compare": lambda _, left, right: semver.compare(left, right),
    "semver.is_valid": lambda _, text: semver.is_valid(text),
    "sprintf": lambda _, template, operands: sprintf(template, operands),
    "strings.any_prefix_match": any_prefix_match,
    "strings.any_suffix_match": any_suffix_match,
    "strings.count": count,
    "time.now_ns": now_ns,
    "time.parse_duration_ns": lambda _, text: times.parse_duration(text),
    "time.parse_rfc3339_ns": lambda _, text: times.parse_rfc3339(text),
    "units.parse": lambda _, text: units.parse_units(text),
    "units.parse_bytes": lambda _, text: units.parse_bytes(text),
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UndefinedError
    return value


def _strings(value: Any) -> list[str]:
    values = value.values if isinstance(value, Members) else value
    if isinstance(values, str):
        return [values]
    if not isinstance(values, list):
        raise UndefinedError
    return [_text(each) for each in values]
