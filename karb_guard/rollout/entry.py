"""One element of ``status.namespaces``: where a namespace is, and on what evidence.

Readers of stages (the webhook) take ``name``, ``stage`` and ``since`` of it; the rest is the
controller's memory and people's explanation.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from karb_guard.model.stage import Stage
from karb_guard.rollout.counters import BUCKETS, Counts, Denials
from karb_guard.rollout.times import moment_of, text_of

MAX_MESSAGE = 400
UNKNOWN = -1
"""Instead of the count of a replica whose count is not known."""


class Reason(str, Enum):
    """Why a namespace is where it is: ``status.namespaces[].reason``."""

    STARTED = "Started"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    LOWERED = "Lowered"
    """``spec`` asks for less than was reached."""
    REACHED = "Reached"
    PAUSED = "Paused"
    FROZEN = "Frozen"
    HELD = "Held"
    """Rolled back too often; a person has to ask."""
    SOAKING = "Soaking"
    NO_EVIDENCE = "NoEvidence"
    VIOLATIONS = "Violations"
    DENIALS = "Denials"
    CANARY = "WaitingForCanary"
    INVALID = "InvalidSpec"

    __hash__ = str.__hash__


STEPS = frozenset({Reason.STARTED, Reason.PROMOTED, Reason.ROLLED_BACK, Reason.LOWERED})
"""Those with which a stage begins."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Immutable; a step makes another one."""

    name: str
    stage: Stage
    since: datetime.datetime
    reason: Reason
    message: str = ""
    step: Reason = Reason.STARTED
    """How this stage began."""
    rollbacks: int = 0
    """Since somebody asked for a promotion, or since enforce was kept for its soak time."""
    counted: int | None = None
    """What the replicas had counted at this stage or a tighter one, all together."""
    counts: Counts | None = None
    """The same, of each of them; ``None`` where only the sum is known."""
    denials: Denials = ()
    open: int | None = None
    """Unwaived findings of the last scan; ``None`` where no scan tells."""
    waived: int = 0
    uid: str = ""
    """The namespace's: another one of its name begins anew."""
    pod_security: str = ""
    """What became of the namespace's Pod Security labels, where this rollout stages them."""

    @property
    def denied(self) -> int:
        """Denials in the window; what would have been denied, below enforce."""
        return sum(count for _, count in self.denials)


def to_status(entry: Entry, replicas: Sequence[str] = ()) -> dict[str, Any]:
    """The API's form, without what is empty.

    ``replicas``: those of ``status.webhook``, in whose order counts are written.
    """
    found: dict[str, Any] = {
        "name": entry.name,
        "stage": entry.stage.value,
        "since": text_of(entry.since),
        "reason": entry.reason.value,
        "message": entry.message[:MAX_MESSAGE],
        "step": entry.step.value,
    }
    optional = {
        "rollbacks": entry.rollbacks,
        "waived": entry.waived,
        "uid": entry.uid,
        "podSecurity": entry.pod_security[:MAX_MESSAGE],
        "denials": [{"at": text_of(at), "count": count} for at, count in entry.denials],
    }
    found |= {key: value for key, value in optional.items() if value}
    if entry.counted is not None:
        found["counted"] = entry.counted
    if entry.open is not None:
        found["open"] = entry.open
    counts = entry.counts or {}
    if any(row := [counts.get(name, UNKNOWN) for name in replicas]) and entry.counts is not None:
        found["counts"] = row
    return found


def from_status(written: Any, replicas: Sequence[str] = ()) -> Entry | None:
    """What ``to_status`` wrote; ``None`` where a stage can't be told from it.

    ``replicas``: those of ``status.webhook``, in their order; without them counts are not read.

    Without a readable ``since`` (a person wrote it) the stage counts and its time begins at the
    epoch: a soak that nobody recorded is over, everything else is asked as ever.
    """
    if not isinstance(written, Mapping) or not isinstance(written.get("name"), str):
        return None
    try:
        stage = Stage(str(written.get("stage")))
    except ValueError:
        return None
    return Entry(
        name=written["name"],
        stage=stage,
        since=moment_of(written.get("since")) or datetime.datetime.fromtimestamp(0, datetime.UTC),
        reason=_reason(written.get("reason"), Reason.STARTED),
        message=str(written.get("message") or ""),
        step=_reason(written.get("step"), Reason.STARTED),
        rollbacks=_number(written.get("rollbacks")) or 0,
        counted=_number(written.get("counted")),
        counts=_counts(written, replicas),
        denials=_denials(written.get("denials")),
        open=_number(written.get("open")),
        waived=_number(written.get("waived")) or 0,
        uid=str(written.get("uid") or ""),
        pod_security=str(written.get("podSecurity") or ""),
    )


def _reason(written: Any, default: Reason) -> Reason:
    try:
        return Reason(str(written))
    except ValueError:
        return default


def _number(written: Any) -> int | None:
    good = isinstance(written, int) and not isinstance(written, bool) and written >= 0
    return written if good else None


def _counts(written: Mapping[str, Any], replicas: Sequence[str]) -> Counts | None:
    """By replica; ``None`` where it does not fit the sum (an older controller wrote that alone)."""
    listed, total = written.get("counts"), _number(written.get("counted"))
    if listed is None and total == 0:
        listed = [0] * len(replicas)
    if not isinstance(listed, list) or len(listed) != len(replicas):
        return None
    known = {n: c for n, c in zip(replicas, listed, strict=True) if c != UNKNOWN}
    numbers = [_number(c) for c in known.values()]
    return known if None not in numbers and sum(filter(None, numbers)) == total else None


def _denials(written: Any) -> Denials:
    found = []
    for bucket in written[:BUCKETS] if isinstance(written, list) else ():
        at = moment_of(bucket.get("at")) if isinstance(bucket, Mapping) else None
        count = _number(bucket.get("count")) if isinstance(bucket, Mapping) else None
        if at is not None and count:
            found.append((at, count))
    return tuple(sorted(found))
