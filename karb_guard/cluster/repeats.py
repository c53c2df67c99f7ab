"""Lines that repeat: a few are written, then their number. A storm must not drown or fill a log.

Lines are the same if logger, level, message and all fields are, but for those that differ each
time (a review's uid, seconds). Of the same line the first ones of an interval are written; the
others are counted, and a line after the interval says how many there were. What is known of an
interval is bounded: beyond, lines are the same by their message alone, except those of reviews, of
which each object's first is always written.
"""

from __future__ import annotations

import itertools
import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

BURST = 10
"""Lines that are written of the same in an interval."""
INTERVAL_SECONDS = 60.0
MAX_WINDOWS = 500
"""Different lines of an interval that are told apart."""
MAX_CHARACTERS = 200
"""Of a field, as far as it tells lines apart."""
MAX_FIELDS = 16
VOLATILE = frozenset({"uid", "seconds"})
"""Fields that differ from line to line."""
DECISION = "operation"
"""A field that only lines about reviews have."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Window:
    """One interval of one line."""

    ends: float
    """On the clock of whoever asks, in seconds."""
    record: logging.LogRecord
    """The first, for the words of the summary."""
    written: int = 0
    suppressed: int = 0


class Repeats:
    """Which records are written. Not thread-safe: a handler's lock guards it."""

    def __init__(self) -> None:
        self._windows: OrderedDict[Key, Window] = OrderedDict()

    def admits(self, record: logging.LogRecord, now: float) -> bool:
        """Whether to write ``record``. Debugging is never spared."""
        if record.levelno < logging.INFO:
            return True
        fields: dict[str, Any] = getattr(record, "fields", {})
        plain = (record.name, record.levelname, str(record.msg)[:MAX_CHARACTERS])
        key = (*plain, *_told(fields))
        if key not in self._windows and len(self._windows) >= MAX_WINDOWS:
            if DECISION in fields:
                return True
            key = plain
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(now + INTERVAL_SECONDS, record)
        if window.written < BURST:
            window.written += 1
            return True
        window.suppressed += 1
        return False

    def summaries(self, now: float) -> Iterator[logging.LogRecord]:
        """A record for each interval that is over and had more than was written."""
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window.ends > now:
                return
            del self._windows[key]
            if window.suppressed:
                yield _summary(window)


def _told(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in itertools.islice(fields.items(), MAX_FIELDS):
        if name not in VOLATILE:
            yield f"{name}={value!s:.{MAX_CHARACTERS}}"


def _summary(window: Window) -> logging.LogRecord:
    first = window.record
    found = logging.LogRecord(
        first.name, first.levelno, first.pathname, first.lineno, "repeated lines", None, None
    )
    fields: dict[str, Any] = getattr(first, "fields", {})
    said = {key: value for key, value in fields.items() if key not in VOLATILE}
    found.fields = {
        **said,
        "suppressed": window.suppressed,
        "repeated": first.getMessage()[:MAX_CHARACTERS],
        "seconds": INTERVAL_SECONDS,
    }
    return found
