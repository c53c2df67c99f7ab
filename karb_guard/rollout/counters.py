"""What the webhook's replicas counted, and whether nothing was lost between two looks.

Counters live in the replicas' memory. A replica that did not answer, ended or began anew between
two scrapes may have denied what nobody will ever know of: evidence is unbroken only since then.
What each of them had counted is kept in the status, so that a controller that is killed goes on
where it was; replica by replica, so that one that is missing hides nothing that the others denied.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from karb_guard.model.stage import Stage
from karb_guard.rollout.times import moment_of, said, text_of

MAX_REPLICAS = 50
MAX_GAP = datetime.timedelta(minutes=15)
"""Between two scrapes; replicas that came and went meanwhile would never be seen."""
BUCKETS = 12
"""In which denials are kept within a window: its length is exact to one of them."""

NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)

CountKey = tuple[str, str, Stage]
"""(namespace, invariant's short name, stage at admission)."""
Counts = Mapping[str, int]
"""Replica -> what it had counted. One that is not in it is not known."""
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


class Known(NamedTuple):
    """A replica that answered once."""

    started: float
    at: datetime.datetime | None
    """When it answered last."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is remembered of the replicas between two scrapes: ``status.webhook``."""

    since: datetime.datetime | None = None
    """Since when every replica was seen without a gap; ``None``: one is missing now."""
    at: datetime.datetime | None = None
    replicas: Mapping[str, Known] = field(default_factory=dict)
    """Those that answered last, and those that were missing then, by name."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One scrape held against what was known before."""

    watched: Watched
    scrape: Scrape
    before: Watched

    def counts(self, key: CountKey) -> Counts:
        """What each replica that answered counted at this stage or a tighter one."""
        namespace, invariant, stage = key
        tighter = [(namespace, invariant, s) for s in Stage if s.rank >= stage.rank]
        return {s.replica: sum(s.counts.get(k, 0) for k in tighter) for s in self.scrape.samples}

    def kept(self, counts: Counts, before: Counts | None) -> Counts:
        """What to remember: of a replica that is missing now, what it had counted."""
        missing = {n: c for n, c in (before or {}).items() if n in self.watched.replicas}
        return {**missing, **counts}

    def increase(
        self, counts: Counts, before: Counts | int | None, longest: datetime.timedelta
    ) -> int:
        """What was counted since ``before``; 0 where it can't be told from when.

        ``before``: an entry's last counts, or only their sum. ``longest``: what was counted between
        two looks at a replica counts as of now, unless they lie further apart.
        """
        if before is None:
            return 0
        grown = {
            s.replica: self._grown(s, counts[s.replica], before, longest)
            for s in self.scrape.samples
        }
        if isinstance(before, Mapping):
            return sum(grown.values())
        began = sum(grown.values())
        return max(sum(counts.values()) - before if self._is_recent(longest) else 0, began)

    def _grown(
        self, sample: Sample, count: int, before: Counts | int, longest: datetime.timedelta
    ) -> int:
        """One replica's increase; with a sum alone, only that of one that began since."""
        known = self.before.replicas.get(sample.replica)
        seen = self.before.at if known is None else known.at
        if seen is None or self.scrape.at - seen > longest:
            return 0
        if known is None or known.started != sample.started:
            return count if sample.started >= seen.timestamp() else 0
        base = before.get(sample.replica) if isinstance(before, Mapping) else None
        return 0 if base is None else max(count - base, 0)

    def _is_recent(self, longest: datetime.timedelta) -> bool:
        return self.before.at is not None and self.scrape.at - self.before.at <= longest


def observe(before: Watched, scrape: Scrape, max_gap: datetime.timedelta = MAX_GAP) -> Observation:
    """Hold a scrape against what is remembered."""
    problems = [
        *scrape.problems,
        *(f"{s.replica}: {s.problem}" for s in scrape.samples if s.problem),
    ]
    if not scrape.samples and not problems:
        problems = ["no replica of the webhook is known"]
    if len(scrape.samples) > MAX_REPLICAS:
        problems.append(f"more than {MAX_REPLICAS} replicas")
    broken = _broken(before, scrape, max_gap)
    since = None
    if not problems:
        since = scrape.at if broken or before.since is None else before.since
    watched = Watched(
        since=since,
        at=scrape.at,
        replicas=_remembered(before, scrape),
        problem="; ".join(problems)[:500] or broken,
    )
    return Observation(watched, scrape, before)


def _remembered(before: Watched, scrape: Scrape) -> Mapping[str, Known]:
    """Those that answered and, while any is missing, those that did before, as far as they fit."""
    now = sorted((s.replica, Known(s.started, scrape.at)) for s in scrape.samples)[:MAX_REPLICAS]
    found = dict(now)
    if scrape.problems:
        # Who is missing is not always known: whoever answered last is the likeliest to come back.
        gone = sorted(before.replicas.items(), key=lambda item: item[1].at or NEVER, reverse=True)
        left = ((name, known) for name, known in gone if name not in found)
        found |= dict(itertools.islice(left, MAX_REPLICAS - len(found)))
    return dict(sorted(found.items()))


def _broken(before: Watched, scrape: Scrape, max_gap: datetime.timedelta) -> str:
    """What may have been lost since the scrape before, in words; empty for nothing."""
    if before.at is None:
        return "this is the first scrape"
    back = max(before.at, before.since or before.at) - scrape.at
    if back > datetime.timedelta(0):
        return f"the clock went back by {said(back)}"
    gap = scrape.at - before.at
    if gap > max_gap:
        return f"nobody looked for {said(gap)}"
    now = {s.replica: s.started for s in scrape.samples}
    for name, known in sorted(before.replicas.items()):
        if name not in now:
            return f"replica {name} is gone"
        if now[name] != known.started:
            return f"replica {name} began anew"
    new = {n for n, started in now.items() if started >= before.at.timestamp()}
    stranger = next((n for n in sorted(now) if n not in before.replicas and n not in new), None)
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
    listed = []
    for name, known in watched.replicas.items():
        replica: dict[str, object] = {"name": name, "started": known.started}
        if known.at is not None and known.at != watched.at:
            replica["seenAt"] = text_of(known.at)
        listed.append(replica)
    found: dict[str, object] = {"replicas": listed}
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
    at = moment_of(written.get("scrapedAt"))
    replicas = {}
    listed = written.get("replicas")
    for entry in listed[:MAX_REPLICAS] if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("started"), int | float):
            seen = moment_of(entry.get("seenAt")) or at
            replicas[str(entry.get("name"))] = Known(float(entry["started"]), seen)
    return Watched(
        since=moment_of(written.get("since")),
        at=at,
        replicas=replicas,
        problem=str(written.get("message") or ""),
    )
