"""What the webhook's replicas counted, and whether nothing was lost between two looks.

Counters live in the replicas' memory. A replica that did not answer, ended or began anew between
two scrapes may have denied what nobody will ever know of: evidence is unbroken only since then.
What is counted of an invariant in a namespace is kept in that entry of the status, so that a
controller that is killed goes on where it was.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from karb_guard.model.stage import Stage
from karb_guard.rollout.times import moment_of, said, text_of

MAX_REPLICAS = 50
MAX_GAP = datetime.timedelta(minutes=15)
"""Between two scrapes; replicas that came and went meanwhile would never be seen."""
BUCKETS = 12
"""In which denials are kept within a window: its length is exact to one of them."""

CountKey = tuple[str, str, Stage]
"""(namespace, invariant's short name, stage at admission)."""
Denials = tuple[tuple[datetime.datetime, int], ...]
"""(beginning of a bucket, denials in it), oldest first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One replica's answer."""

    replica: str
    """A name that no other replica has (its Pod's, or its address)."""
    started: float
    """When its process began, seconds since the epoch."""
    counts: Mapping[CountKey, int] = field(default_factory=dict)
    problem: str = ""
    """Why what it counted can't be gone by: it is not ready, break-glass is on."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """All replicas at one moment."""

    at: datetime.datetime
    samples: Sequence[Sample] = ()
    problems: Sequence[str] = ()
    """Replicas that should have answered and did not; or why nobody knows which there are."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is remembered of the replicas between two scrapes: ``status.webhook``."""

    since: datetime.datetime | None = None
    """Since when every replica was seen without a gap; ``None``: one is missing now."""
    at: datetime.datetime | None = None
    replicas: Mapping[str, float] = field(default_factory=dict)
    """Name -> when its process began."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One scrape held against what was known before."""

    watched: Watched
    scrape: Scrape
    fresh: frozenset[str]
    """Replicas that began since the scrape before."""
    countable: datetime.timedelta | None
    """How long ago the scrape before was; ``None`` where there was none."""
    whole: bool
    """Whether every replica answered."""

    def total(self, namespace: str, invariant: str, stage: Stage) -> int:
        """Counted by all replicas at this stage or a tighter one."""
        return sum(self._of(s, namespace, invariant, stage) for s in self.scrape.samples)

    def increase(self, namespace: str, invariant: str, stage: Stage, before: int | None) -> int:
        """What was counted since the entry's last count; 0 where it can't be told from when."""
        if before is None:
            return 0
        begun = sum(
            self._of(s, namespace, invariant, stage)
            for s in self.scrape.samples
            if s.replica in self.fresh
        )
        return max(self.total(namespace, invariant, stage) - before, begun, 0)

    @staticmethod
    def _of(sample: Sample, namespace: str, invariant: str, stage: Stage) -> int:
        stages = (s for s in Stage if s.rank >= stage.rank)
        return sum(sample.counts.get((namespace, invariant, s), 0) for s in stages)


def observe(before: Watched, scrape: Scrape, max_gap: datetime.timedelta = MAX_GAP) -> Observation:
    """Hold a scrape against what is remembered."""
    now = {s.replica: s.started for s in scrape.samples}
    elapsed = None if before.at is None else scrape.at - before.at
    fresh = frozenset(
        name
        for name, started in now.items()
        if before.at is not None
        and before.replicas.get(name) != started
        and started >= before.at.timestamp()
    )
    problems = [
        *scrape.problems,
        *(f"{s.replica}: {s.problem}" for s in scrape.samples if s.problem),
    ]
    if not now and not problems:
        problems = ["no replica of the webhook is known"]
    if len(now) > MAX_REPLICAS:
        problems.append(f"more than {MAX_REPLICAS} replicas")
    broken = _broken(before, scrape, fresh, max_gap)
    since = None
    if not problems:
        since = scrape.at if broken or before.since is None else before.since
    # One that is missing is remembered: whether it is the same when it comes back tells a restart.
    known = {**before.replicas, **now} if scrape.problems else now
    watched = Watched(
        since=since,
        at=scrape.at,
        replicas=dict(sorted(known.items())[:MAX_REPLICAS]),
        problem="; ".join(problems)[:500] or broken,
    )
    return Observation(watched, scrape, fresh, elapsed, whole=not scrape.problems)


def _broken(
    before: Watched, scrape: Scrape, fresh: frozenset[str], max_gap: datetime.timedelta
) -> str:
    """What may have been lost since the scrape before, in words; empty for nothing."""
    if before.at is None:
        return "this is the first scrape"
    gap = scrape.at - before.at
    if gap > max_gap:
        return f"nobody looked for {said(gap)}"
    now = {s.replica: s.started for s in scrape.samples}
    for name, started in sorted(before.replicas.items()):
        if name not in now:
            return f"replica {name} is gone"
        if now[name] != started:
            return f"replica {name} began anew"
    stranger = next((n for n in sorted(now) if n not in before.replicas and n not in fresh), None)
    return f"replica {stranger} was not seen before" if stranger else ""


def counted(
    denials: Denials, increase: int, now: datetime.datetime, window: datetime.timedelta
) -> Denials:
    """The buckets after ``increase`` more; those that began before the window are dropped."""
    width = max(window / BUCKETS, datetime.timedelta(microseconds=1))
    kept = [(at, n) for at, n in denials if now - window < at <= now]
    if increase > 0:
        if kept and now - kept[-1][0] < width:
            kept[-1] = (kept[-1][0], kept[-1][1] + increase)
        else:
            kept.append((now, increase))
    return tuple(kept[-BUCKETS:])


def to_status(watched: Watched) -> dict[str, object]:
    """``status.webhook``."""
    found: dict[str, object] = {
        "replicas": [{"name": n, "started": s} for n, s in sorted(watched.replicas.items())]
    }
    if watched.since is not None:
        found["since"] = text_of(watched.since)
    if watched.at is not None:
        found["scrapedAt"] = text_of(watched.at)
    if watched.problem:
        found["message"] = watched.problem
    return found


def from_status(written: object) -> Watched:
    """What ``to_status`` wrote; anything else is as if nothing were known."""
    if not isinstance(written, Mapping):
        return Watched()
    replicas = {}
    listed = written.get("replicas")
    for entry in listed[:MAX_REPLICAS] if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("started"), int | float):
            replicas[str(entry.get("name"))] = float(entry["started"])
    return Watched(
        since=moment_of(written.get("since")),
        at=moment_of(written.get("scrapedAt")),
        replicas=replicas,
        problem=str(written.get("message") or ""),
    )
