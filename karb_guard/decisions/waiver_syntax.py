"""The annotation form of a waiver, read into plain data.

``waive.karb.dev/<invariant>[.<container>]: "<reason> until=YYYY-MM-DD"``
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.model.finding import Path
from karb_guard.model.patterns import lazy

PREFIX = "waive.karb.dev/"
MAX_REASON_CHARACTERS = 1024
"""Reasons end up in reports and audit logs; annotations may be 256 KiB in total."""

_UNTIL = lazy(r"(?:^|\s)until=(\S*)\s*$")
_DATE = lazy(r"^\d{4}-\d{2}-\d{2}$")


class WaiverSource(NamedTuple):
    """Annotations that may hold waivers, and what they reach.

    ``metadata_path`` leads to the metadata that carries them. ``scope`` is the path prefix of the
    findings they reach: ``()`` for an object's own annotations, the PodSpec's path for those of a
    pod template.
    """

    annotations: Mapping[str, Any]
    metadata_path: Path = ("metadata",)
    scope: Path = ()
    template: bool = False
    """The annotations belong to a pod template (or to a Pod, which is its own)."""

    def reaches(self, path: Path) -> bool:
        """Whether a finding at ``path`` lies inside this source's scope."""
        return _starts_with(path, self.scope) or _starts_with(path, self.metadata_path)


class Waiver(NamedTuple):
    """One readable waiver annotation."""

    key: str
    """The annotation's key, as written."""
    invariant: str
    """The invariant as written: its short name or its permanent id."""
    container: str | None
    reason: str
    until: datetime.date
    """The last day (UTC) on which it counts."""
    source: WaiverSource

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day lies before ``today``."""
        return today > self.until

    @property
    def justification(self) -> str:
        """The reason with its date, for reports."""
        return f"{self.reason} (until {self.until.isoformat()})"


class Unreadable(NamedTuple):
    """A waiver annotation that waives nothing, and what is wrong with it."""

    key: str
    problem: str
    source: WaiverSource


def read(source: WaiverSource) -> Iterator[Waiver | Unreadable]:
    """Every waiver annotation of ``source``, in the order of their keys."""
    for key in sorted(k for k in source.annotations if isinstance(k, str) and k.startswith(PREFIX)):
        yield parse(key, source.annotations[key], source)


def parse(key: str, value: Any, source: WaiverSource) -> Waiver | Unreadable:
    """Read one annotation. The reason may contain anything, ``=`` too; ``until=`` comes last."""
    invariant, dot, container = key.removeprefix(PREFIX).partition(".")
    problem = _key_problem(invariant, container if dot else None)
    if problem is None and not isinstance(value, str):
        problem = "its value is not a string"
    if problem is not None:
        return Unreadable(key, problem, source)
    reason, until, problem = _split(value)
    if until is None:
        return Unreadable(key, problem, source)
    return Waiver(key, invariant, container or None, reason, until, source)


def _key_problem(invariant: str, container: str | None) -> str | None:
    if not invariant:
        return f"no invariant after {PREFIX}"
    if container is not None and not container:
        return "no container's name after the dot"
    return None


def _split(value: str) -> tuple[str, datetime.date | None, str]:
    """(reason, until, problem); ``until`` is ``None`` where there is a problem."""
    found = _UNTIL.search(value)
    if found is None:
        return "", None, "it gives no last day; end it with until=YYYY-MM-DD"
    reason = value[: found.start()].strip()
    if not reason:
        return "", None, "it gives no reason; write one before until="
    if len(reason) > MAX_REASON_CHARACTERS:
        return "", None, f"its reason is longer than {MAX_REASON_CHARACTERS} characters"
    until = date_of(found.group(1))
    if until is None:
        shown = ascii(found.group(1)[:20])
        return "", None, f"until={shown} is no date; write it as until=YYYY-MM-DD"
    return reason, until, ""


def date_of(text: str) -> datetime.date | None:
    """The day that ``YYYY-MM-DD`` names; ``None`` for anything else."""
    if not _DATE.match(text) or not text.isascii():
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _starts_with(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix
