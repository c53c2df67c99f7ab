"""Freeze windows: times in which no stage is raised.

From a moment until a moment, or weekly: on days of the week between two times of day in a time
zone. What can't be read freezes: a mistyped window must not promote on a Friday night.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from karb_guard.rollout.times import moment_of, text_of

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_WINDOWS = 50
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Once:
    """From a moment until, and without, another one."""

    start: datetime.datetime
    end: datetime.datetime
    reason: str = ""

    def frozen(self, now: datetime.datetime) -> str | None:
        """Why it is frozen at ``now``, in words, or ``None``."""
        if self.start <= now < self.end:
            return _because(f"frozen until {text_of(self.end)}", self.reason)
        return None


@dataclass(frozen=True, slots=True)
class Weekly:
    """On each of ``days`` from ``start`` to ``end``; an end that is not later is the next day's."""

    days: frozenset[int]
    """0 is Monday."""
    start: int
    """Minutes since midnight, of the clocks in ``zone``."""
    end: int
    zone: zoneinfo.ZoneInfo
    reason: str = ""

    def frozen(self, now: datetime.datetime) -> str | None:
        """Why it is frozen at ``now``, in words, or ``None``."""
        local = now.astimezone(self.zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        over_night = self.end <= self.start
        today = day in self.days and minute >= self.start and (over_night or minute < self.end)
        since_yesterday = over_night and (day - 1) % 7 in self.days and minute < self.end
        if not (today or since_yesterday):
            return None
        span = f"{_clock(self.start)}-{_clock(self.end)} {self.zone.key}"
        first = day if today else (day - 1) % 7
        return _because(f"frozen every {DAYS[first]} {span}", self.reason)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A window that says nothing that can be understood: frozen until somebody mends it."""

    problem: str

    def frozen(self, now: datetime.datetime) -> str | None:
        """Why: what is wrong with it."""
        return f"frozen until spec.gates.freezeWindows is mended: {self.problem}"


Window = Once | Weekly | Unreadable


def read(written: Any) -> tuple[Window, ...]:
    """``spec.gates.freezeWindows``. Never raises."""
    if written is None:
        return ()
    if not isinstance(written, list) or len(written) > MAX_WINDOWS:
        return (Unreadable(f"it has to be a list of at most {MAX_WINDOWS}"),)
    return tuple(_window(index, entry) for index, entry in enumerate(written))


def frozen(windows: tuple[Window, ...], now: datetime.datetime) -> str | None:
    """Why nothing may be raised at ``now`` (aware), by the first window that says so."""
    return next((why for window in windows if (why := window.frozen(now))), None)


def _window(index: int, written: Any) -> Window:
    if not isinstance(written, Mapping):
        return Unreadable(f"[{index}] is no object")
    reason = str(written.get("reason") or "")[:200]
    weekly = written.get("weekly")
    if isinstance(weekly, Mapping):
        return _weekly(index, weekly, reason)
    start, end = moment_of(written.get("from")), moment_of(written.get("until"))
    if start is None or end is None or start >= end:
        return Unreadable(f"[{index}] needs from and a later until, or weekly")
    return Once(start, end, reason)


def _weekly(index: int, weekly: Mapping[str, Any], reason: str) -> Window:
    where = f"[{index}].weekly"
    days = weekly.get("days")
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        return Unreadable(f"{where}.days needs some of {', '.join(DAYS)}")
    start, end = _minute(weekly.get("start", "00:00")), _minute(weekly.get("end", "24:00"))
    if start is None or end is None or start == _DAY_MINUTES:
        return Unreadable(f"{where}: start and end are times of day such as 16:00")
    name = weekly.get("timeZone", "UTC")
    try:
        zone = zoneinfo.ZoneInfo(name if isinstance(name, str) else "")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return Unreadable(f"{where}.timeZone={str(name)[:60]} is no time zone known here")
    return Weekly(frozenset(DAYS.index(day) for day in days), start, end, zone, reason)


def _minute(written: Any) -> int | None:
    if not isinstance(written, str) or not _TIME.fullmatch(written):
        return None
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
