"""Break-glass: enforcement is off for some hours, everything warns at most and nothing is denied.

Its state is the ``data`` of one ConfigMap in the webhook's namespace, all of it text::

    state: "on"                       # or "off"; without a ConfigMap, off
    by: alice@example.com             # who
    reason: nodes can't join          # why
    since: 2026-01-31T10:00:00Z       # when it was switched on
    until: 2026-01-31T12:00:00Z       # when it ends by itself, at most 24 hours later
    namespaces: "team-a, team-b-*"    # optional; absent or empty: everywhere
    invariants: "gpu-pin, KARB-NP-001"  # optional; absent or empty: all

Pure: the time is passed in. Who may write the ConfigMap may switch enforcement off: RBAC guards it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from karb_guard.model.errors import KarbGuardError

CONFIG_MAP = "karb-guard-break-glass"
"""The ConfigMap's name where no argument gives another."""
MAX_DURATION = datetime.timedelta(hours=24)
"""The longest that one switch lasts; whoever needs longer switches again."""
DEFAULT_DURATION = datetime.timedelta(hours=1)
CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far in the future ``since`` may lie: clocks of a laptop and of a node differ."""
MAX_TEXT = 1024
MAX_NAMES = 200

_NAME = re.compile(r"[A-Za-z0-9*?\[\]!_-]{1,100}\Z")
_SEPARATORS = re.compile(r"[\s,]+")


class BreakGlassError(KarbGuardError):
    """A state that can't be read or written; it counts as off. The message names the key."""


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Enforcement switched off, by whom, why and until when. Times are aware, in UTC."""

    by: str
    reason: str
    since: datetime.datetime
    until: datetime.datetime
    namespaces: tuple[str, ...] = ()
    """Names or shell patterns; empty: everywhere, cluster-scoped objects included."""
    invariants: tuple[str, ...] = ()
    """Short names or permanent ids; empty: all, and what could not be evaluated."""

    def __post_init__(self) -> None:
        """Refuse what no one may switch; raises ``BreakGlassError``."""
        for key, text in (("by", self.by), ("reason", self.reason)):
            if not text.strip():
                raise BreakGlassError(f"{key} is empty; say who switches it and why")
            if len(text) > MAX_TEXT:
                raise BreakGlassError(f"{key} is longer than {MAX_TEXT} characters")
        if self.until <= self.since:
            raise BreakGlassError(f"until={_text(self.until)} is not after since")
        if self.until - self.since > MAX_DURATION:
            hours = MAX_DURATION // datetime.timedelta(hours=1)
            raise BreakGlassError(
                f"until={_text(self.until)} is more than {hours} hours after since; "
                "choose an earlier end, and switch it on again if you need longer"
            )
        for key, names in (("namespaces", self.namespaces), ("invariants", self.invariants)):
            if len(names) > MAX_NAMES:
                raise BreakGlassError(f"{key} names more than {MAX_NAMES}")
            for name in names:
                if not _NAME.match(name):
                    raise BreakGlassError(f"{key}: {name[:60]!a} is no name or pattern")

    def active(self, now: datetime.datetime) -> bool:
        """Whether it counts at ``now``: it has begun, give or take a clock, and not ended."""
        return self.since - CLOCK_SKEW <= now < self.until

    def covers(self, namespace: str) -> bool:
        """Whether it counts in ``namespace`` (``""`` for cluster-scoped objects)."""
        if not self.namespaces:
            return True
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces if namespace)

    def covers_invariant(self, name: str, invariant_id: str) -> bool:
        """Whether it counts for the invariant of this short name and permanent id."""
        return not self.invariants or name in self.invariants or invariant_id in self.invariants

    @property
    def decided_by(self) -> str:
        """Who decided, in words that a denial and an audit log can carry."""
        return f"break-glass (until {_text(self.until)}, by {self.by})"

    def to_data(self) -> dict[str, str]:
        """The ``data`` of the ConfigMap."""
        data = {
            "state": "on",
            "by": self.by,
            "reason": self.reason,
            "since": _text(self.since),
            "until": _text(self.until),
            "namespaces": ", ".join(self.namespaces),
            "invariants": ", ".join(self.invariants),
        }
        return {key: value for key, value in data.items() if value}


OFF: Mapping[str, str] = {"state": "off"}
"""The ``data`` of a ConfigMap that says nothing is off."""


def switched_on(
    by: str,
    reason: str,
    now: datetime.datetime,
    duration: datetime.timedelta = DEFAULT_DURATION,
) -> BreakGlass:
    """Enforcement off everywhere from ``now`` on; narrow it with ``dataclasses.replace``.

    Raises ``BreakGlassError`` for what is out of bounds.
    """
    begin = now.astimezone(datetime.UTC).replace(microsecond=0)
    return BreakGlass(by, reason, begin, begin + duration)


def read(data: Mapping[str, Any] | None) -> BreakGlass | None:
    """What a ConfigMap's ``data`` says; ``None``: off. It may have ended: ask ``active``.

    Raises ``BreakGlassError`` for anything that can't be read as a whole: that counts as off.
    """
    if not data:
        return None
    state = data.get("state", "off")
    if state == "off":
        return None
    if state != "on":
        raise BreakGlassError(f"state is {str(state)[:60]!a}; known are on and off")
    return BreakGlass(
        by=_string(data, "by"),
        reason=_string(data, "reason"),
        since=_time(data, "since"),
        until=_time(data, "until"),
        namespaces=_names(data, "namespaces"),
        invariants=_names(data, "invariants"),
    )


def _string(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise BreakGlassError(f"{key} is no text")
    return value


def _names(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    text = _string(data, key)
    if len(text) > MAX_NAMES * 101:
        raise BreakGlassError(f"{key} is longer than {MAX_NAMES * 101} characters")
    return tuple(name for name in _SEPARATORS.split(text) if name)


def _time(data: Mapping[str, Any], key: str) -> datetime.datetime:
    text = _string(data, key)
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BreakGlassError(f"{key} is {text[:60]!a}; write a time such as 2026-01-31T12:00:00Z")
    return found.astimezone(datetime.UTC)


def _text(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
