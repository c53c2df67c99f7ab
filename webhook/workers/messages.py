"""What supervisor and workers say to each other.

Downwards, ``Order``s are pickled: a worker may believe its parent. Upwards, ``Report``s are JSON:
workers read what strangers wrote, so nothing that they send is ever executed.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from karb_guard.model.errors import KarbGuardError
from webhook.neighbours import WATCHED
from webhook.objects import ENFORCEMENT, ROLLOUTS, WAIVERS
from webhook.tls import Material

Key = tuple[str, str]
"""(namespace or ``""``, name)."""
NAMESPACES = "namespaces"
"""The collection of labels, beside those of ``webhook.objects``."""
COLLECTIONS = (ROLLOUTS, WAIVERS, ENFORCEMENT, *WATCHED)
"""What ``ClusterObjects`` takes."""
MAX_TEXT = 64 << 10
"""Characters of one text that a worker reports."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first order: who the worker is and what it judges by."""

    number: int
    generation: int
    guard: bytes
    """See ``karb_guard.assembly.transfer``."""
    namespace: str | None
    kubeconfig: Path | None
    in_cluster: bool
    events: bool
    max_body_bytes: int
    log_level: str
    grace_seconds: int
    """How long reviews under way may take at the end."""


@dataclass(frozen=True, slots=True)
class Items:
    """What changed in a collection."""

    collection: str
    changed: Mapping[Key, Any]
    gone: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Which collections are as the cluster has them, with what was sent of them before."""

    known: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Serve new connections with this."""

    material: Material


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What the ConfigMap says; ``None``: there is none."""

    data: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Away:
    """Whether clients shall take their next request elsewhere."""

    away: bool


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything that is known was sent once: begin to answer."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Put this together, judge a pod with it, and report; reviews go on by what is in force."""

    generation: int
    guard: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """Judge by what was prepared, from the next review on."""

    generation: int


@dataclass(frozen=True, slots=True)
class Abort:
    """Forget what was prepared."""

    generation: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Report how the event loop is."""


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to a question: one of the supervisor's pages."""

    question: int
    status: int
    media_type: str
    body: bytes


Order = (
    Start
    | Items
    | Known
    | Certificate
    | BreakGlass
    | Away
    | Synced
    | Prepare
    | Commit
    | Abort
    | Ping
    | Page
)

READY, PREPARED, REFUSED, ALIVE, EVENT, ASK = (
    "ready",
    "prepared",
    "refused",
    "alive",
    "event",
    "ask",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says: ``kind``, and what belongs to it."""

    kind: str
    generation: int = 0
    """Of ``ready``, ``prepared``, ``refused``: which configuration."""
    taken: int = 0
    """Of ``alive``: connections that were handed over so far, and how many of them are open."""
    open: int = 0
    number: int = 0
    """Of ``ask``: which question."""
    text: str = ""
    """Of ``refused`` why, of ``alive`` what its engine lacks, of ``ask`` the page's path."""
    event: Mapping[str, Any] | None = None


class ReportError(KarbGuardError):
    """A report that nobody can mean."""


def order_bytes(order: Order) -> bytes:
    """An order, for ``frames.send``."""
    return pickle.dumps(order)


def read_order(data: bytes) -> Order:
    """What the supervisor said."""
    order: Order = pickle.loads(data)  # noqa: S301 - from our own parent, by an inherited socket
    return order


def report_bytes(report: Report) -> bytes:
    """A report, for ``frames.send``."""
    return orjson.dumps(report)


def read_report(data: bytes) -> Report:
    """What a worker said. Raises ``ReportError``."""
    try:
        fields = orjson.loads(data)
        report = Report(**fields)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ReportError(f"a worker sent no report: {error}") from error
    numbers = (report.generation, report.taken, report.open, report.number)
    texts = (report.kind, report.text)
    if not all(type(n) is int and n >= 0 for n in numbers):
        raise ReportError("a worker's report has numbers that are none")
    if not all(isinstance(t, str) and len(t) <= MAX_TEXT for t in texts):
        raise ReportError("a worker's report has texts that are none, or too long")
    if report.event is not None and not isinstance(report.event, dict):
        raise ReportError("a worker's report has an event that is none")
    return report
