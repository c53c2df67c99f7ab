"""Moments and durations as the API writes them. All moments here are aware, in UTC."""

from __future__ import annotations

import datetime
from typing import Any

from karb_guard.values.duration import ValueFormatError, parse_duration_ms

LONGEST = datetime.timedelta(hours=8784)
"""366 days: the CRD's bound."""


def text_of(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC; parts of a second only where there are any, so that none gets lost."""
    utc = moment.astimezone(datetime.UTC)
    return utc.isoformat().replace("+00:00", "Z")


def moment_of(written: Any) -> datetime.datetime | None:
    """What ``text_of`` or the API server wrote; ``None`` for anything else."""
    if not isinstance(written, str):
        return None
    try:
        found = datetime.datetime.fromisoformat(written)
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(datetime.UTC)


def duration_of(written: Any) -> datetime.timedelta | None:
    """A duration such as ``72h``, at most ``LONGEST``; ``None`` where it is none."""
    if not isinstance(written, str):
        return None
    try:
        found = datetime.timedelta(milliseconds=parse_duration_ms(written))
    except (ValueFormatError, OverflowError):
        return None
    return found if datetime.timedelta(0) <= found <= LONGEST else None


def said(length: datetime.timedelta) -> str:
    """A duration for people, its two largest units: ``2d 3h``, ``5m``, ``12s``."""
    seconds = max(int(length.total_seconds()), 0)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
