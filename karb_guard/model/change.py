"""What happens to a view of a living cluster after its first report."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import NamedTuple

from karb_guard.model.report import LocatedFinding


class Event(str, Enum):
    """What a change is about."""

    APPEARED = "appeared"
    """A finding that was not there."""
    GONE = "gone"
    """A finding that is there no longer: mended, waived, or its object was deleted."""
    UNSEEN = "unseen"
    """Something can't be read, judged or watched any more."""
    SEEN = "seen"
    """It can again."""

    LATE = "late"
    """It can be listed and not be watched: its changes show up at the next resync."""

    @property
    def mark(self) -> str:
        """``+``, ``-``, ``!``, ``=`` or ``~``."""
        return _MARKS[self.value]


_MARKS = {"appeared": "+", "gone": "-", "unseen": "!", "seen": "=", "late": "~"}


class Change(NamedTuple):
    """One change."""

    at: datetime.datetime
    """Aware, in UTC: when it was judged, a moment after it happened."""
    event: Event
    finding: LocatedFinding | None = None
    """Of ``APPEARED`` and ``GONE``."""
    what: str = ""
    """Of all others: a resource, an object, the API server."""
    reason: str = ""
    undecided: tuple[str, ...] = ()
    """Short names of invariants that can't decide without it."""
