"""Follows everything that judging needs of a living cluster.

One watch a kind, each in a thread of its own; lists come one after the other, as in a scan. What is
served is asked anew every few seconds, so that kinds come and go.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audit.collecting import Collector
from audit.mirror import Mirror
from audit.plan import Plan
from audit.progress import Progress
from audit.spool import SpoolError
from audit.survey import Survey, Surveyor, reason_of
from audit.targets import Target, targets
from karb_guard.cluster.client import ClusterClient, Json
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.follower import ABSENT, FAILING, FORBIDDEN, STARTING, SYNCED, Follower
from karb_guard.cluster.paging import Pager, Patience
from karb_guard.evaluation.slices.reads import NAMESPACE, GroupKind
from karb_guard.model.audit import Missing
from karb_guard.model.errors import KarbGuardError

logger = logging.getLogger(__name__)

SURVEY_SECONDS = 5.0
"""Between looks at what is served: two small requests."""
GRACE_SECONDS = 5.0
"""A watch that is lost for shorter is nothing to speak of: they end every two minutes anyway."""
FIRST_LISTS_SECONDS = 120.0
"""How long a kind that can't be listed keeps the first report, as long as a scan waits for it."""
LONGEST_WAIT_SECONDS = 8.0
"""Between two attempts."""
_PATIENCE = Patience(attempts=3)
"""Of one list: a follower tries again by itself, and others wait for their turn."""


class Watch(Follower):
    """Keeps the mirror's copy of one collection."""

    longest_wait_seconds = LONGEST_WAIT_SECONDS

    def __init__(
        self,
        client: ClusterClient,
        target: Target,
        mirror: Mirror,
        turn: threading.Lock,
        on_change: Callable[[], None],
    ) -> None:
        """``turn``: who holds it may list."""
        super().__init__(client, target.path, dict(target.query))
        self.target = target
        self._pager = Pager(client, _PATIENCE)
        self._mirror, self._turn, self._on_change = mirror, turn, on_change
        self._again = threading.Event()
        self.holds = False
        """Whether the mirror has all of it, if perhaps as it was a while ago."""
        self.unwatched: str | None = None
        """Why it is listed from time to time only."""
        self.error: ClusterError | None = None
        self.lost: float | None = None
        """Since when it is not seen, on the monotonic clock."""
        self.lost_at: datetime.datetime | None = None

    def again(self) -> None:
        """List it anew, whatever the watch says."""
        self._again.set()
        self._hang_up()

    def stop(self) -> None:
        """End the watch and forget what it saw."""
        super().stop()
        self._again.set()

    def _follow(self) -> None:
        self._again.clear()
        try:
            super()._follow()
        except ClusterError as error:
            if self._again.is_set():
                return
            if error.status not in (403, 405) or self.state != SYNCED:
                raise
            # It may be listed and not be watched.
            self.unwatched = reason_of(error, self.target.resource, "watch")
            self._on_change()
            self._again.wait()
        except SpoolError:
            self._stopping.set()  # the mirror has told those who look at it

    def _goes_on(self) -> bool:
        return super()._goes_on() and not self._again.is_set()

    def _list(self) -> str:
        collection, version = self.target.collection, ""
        with self._turn:
            number = self._mirror.begin()
            for page in self._pager.pages(self._path, self._query):
                if page.begins:
                    number, version = self._mirror.begin(), page.version
                self._mirror.take(collection, page.items, number)
                if self._stopping.is_set():
                    break
            else:
                self._mirror.end(collection, number)
        self.holds = True
        self.error = self.lost = self.lost_at = self.unwatched = None
        return version

    def _take(self, kind: str, obj: Json) -> None:
        collection = self.target.collection
        if kind == "DELETED":
            self._mirror.remove(collection, obj)
        else:
            self._mirror.put(collection, obj)

    def _gone(self) -> None:
        self.holds = False
        try:
            self._mirror.forget(self.target.collection)
        except SpoolError:
            self._stopping.set()

    def _changed(self) -> None:
        self._on_change()

    def _say(self, error: ClusterError) -> None:
        """Those who look at the view are told by ``Watches.missing``."""
        self.error = error
        if self.lost is None:
            self.lost, self.lost_at = time.monotonic(), datetime.datetime.now(datetime.UTC)


@dataclass
class _Known:
    """What a judgement was made with."""

    listed: frozenset[GroupKind] = frozenset()
    served: frozenset[GroupKind] = frozenset()
    silent: frozenset[str] = frozenset()


_NO_SURVEY = Survey((), frozenset(), {})


@dataclass
class _State:
    survey: Survey = _NO_SURVEY
    watches: dict[str, Watch] = field(default_factory=dict)
    known: _Known = field(default_factory=_Known)


class Watches:
    """All of them, and what they don't see."""

    def __init__(
        self,
        client: ClusterClient,
        plan: Plan,
        mirror: Mirror,
        namespaces: Sequence[str] = (),
        resync_seconds: float = 600.0,
    ) -> None:
        """``namespaces``: only these; none given means all."""
        self._client, self._plan, self._mirror = client, plan, mirror
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._resync = resync_seconds
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._due, self._stopping = threading.Event(), threading.Event()
        self._state = _State()
        self._nowhere: list[Missing] = []
        """Namespaces that are asked for and not there."""
        self._surveyor = Surveyor(Pager(client, Patience(attempts=1)), plan)
        self._thread = threading.Thread(target=self._run, name="survey", daemon=True)

    def start(self, progress: Progress) -> None:
        """Begin, and wait until everything was listed that can be. Raises ``ClusterError``."""
        progress.say("asking the API server what it has")
        self._apply(Surveyor(Pager(self._client), self._plan).survey())
        self._thread.start()
        while self._mirror.broken is None:
            watches = self._watches()
            done = sum(_is_settled(watch) for watch in watches)
            progress.part(done, len(watches), "listing kinds")
            if done == len(watches):
                break
            time.sleep(0.05)
        if self._mirror.broken is not None:
            raise self._mirror.broken
        failed = [watch.error for watch in self._watches() if not watch.holds]
        if failed and failed[0] is not None and all(e and e.status == 0 for e in failed):
            raise failed[0]  # nobody answers any more: there is no half report

    def stop(self) -> None:
        """End all of them."""
        self._stopping.set()
        self._due.set()
        for watch in self._watches():
            watch.stop()

    def fill(self, collector: Collector, namespaces: Sequence[str] | None) -> None:
        """Give a scan what is known now; of these namespaces alone, where they are given."""
        survey = self._state.survey
        collected = collector.collected
        collected.absent = survey.absent
        for untold in survey.untold:
            collector.miss(*untold)
        watches = self._watches()
        unseen = {id(watch) for watch in watches if not watch.holds}
        for watch in watches:
            if id(watch) in unseen:
                collector.miss(watch.target.what, watch.target.kind, _reason(watch))
                continue
            self._fill_one(watch.target, collector, namespaces)
            collected.listed.add(watch.target.kind)
        self._miss_namespaces(collector)

    def _fill_one(
        self, target: Target, collector: Collector, namespaces: Sequence[str] | None
    ) -> None:
        here = target.resource.namespaced and not self._plan.pins(*target.kind)
        batch = collector.batch()
        for objects in self._mirror.objects(target.collection, namespaces if here else None):
            batch.take(objects)
        batch.commit()

    def _miss_namespaces(self, collector: Collector) -> None:
        collected = collector.collected
        there = {o["metadata"]["name"] for o in collected.pinned if o.get("kind") == NAMESPACE[1]}
        known = NAMESPACE in collected.listed
        before = len(collected.missing)
        for name in self._namespaces if known else ():
            if name not in there:
                collector.miss(f"namespace {name}", NAMESPACE, f"there is no namespace {name}")
        self._nowhere = collected.missing[before:]

    def missing(self) -> list[Missing]:
        """What is not seen at this moment, after a short grace."""
        survey, watches = self._state.survey, self._watches()
        missing = [Missing(u.what, u.reason, self._plan.undecided(u.kind)) for u in survey.untold]
        missing += self._nowhere
        unseen = [watch for watch in watches if _is_unseen(watch)]
        if unseen and len(unseen) == len(watches) and all(w.state == FAILING for w in unseen):
            return [*missing, Missing(f"the API server {self._client.host}", _reason(unseen[0]))]
        for watch in unseen:
            undecided = () if watch.holds else self._plan.undecided(watch.target.kind)
            missing.append(Missing(watch.target.what, _reason(watch), undecided))
        return missing

    def late(self) -> dict[str, str]:
        """What is seen late: kinds that may be listed and not be watched."""
        every = f"listed again every {self._resync:g} s"
        return {
            watch.target.what: f"not watched, {every}: {watch.unwatched}"
            for watch in self._watches()
            if watch.unwatched is not None
        }

    def _watches(self) -> list[Watch]:
        with self._lock:
            return list(self._state.watches.values())

    def _run(self) -> None:
        """Look at what is served, from time to time, and list all of it less often."""
        resync = time.monotonic() + self._resync
        while not self._stopping.is_set():
            self._due.wait(SURVEY_SECONDS)
            self._due.clear()
            if self._stopping.is_set():
                return
            if time.monotonic() >= resync:
                resync = time.monotonic() + self._resync
                self._surveyor.forget()
                for watch in self._watches():
                    watch.again()
                self._mirror.mark_everything()
            try:
                self._apply(self._surveyor.survey())
            except KarbGuardError:
                continue  # the watches, or the mirror, say what is the matter
            except Exception:
                # An answer that nobody thought of must not end the looks for good.
                logger.exception("what the API server serves: unexpected answer; trying again")

    def _apply(self, survey: Survey) -> None:
        wanted = {t.collection.key: t for t in targets(survey, self._plan, self._namespaces)}
        with self._lock:
            watches = self._state.watches
            gone = [
                watches.pop(key)
                for key, watch in list(watches.items())
                if key not in wanted and watch.target.resource.group not in survey.silent
            ]
            new = [self._watch(t) for key, t in wanted.items() if key not in watches]
            watches.update((watch.target.collection.key, watch) for watch in new)
            order = [key for key in wanted if key in watches]
            self._state.watches = {
                **{key: watches[key] for key in order},
                **{key: watch for key, watch in watches.items() if key not in wanted},
            }
            self._state.survey = survey
        for watch in gone:
            watch.stop()
            self._mirror.forget(watch.target.collection)
        for watch in new:
            watch.start()
        self._note()

    def _watch(self, target: Target) -> Watch:
        return Watch(self._client, target, self._mirror, self._turn, self._on_change)

    def _on_change(self) -> None:
        """Called from the thread of a watch whose state is another one."""
        if any(watch.state == ABSENT for watch in self._watches()):
            self._due.set()
        self._note()
        self._mirror.wake()

    def _note(self) -> None:
        """Where another set of kinds is known than before, verdicts may be others anywhere."""
        with self._lock:
            survey = self._state.survey
            held = frozenset(w.target.kind for w in self._state.watches.values() if w.holds)
            context = {*self._plan.context, *self._plan.matched}
            served = frozenset(kind for kind in survey.served if kind in context)
            known = _Known(held, served, frozenset(survey.silent))
            same, self._state.known = known == self._state.known, known
        if not same:
            self._mirror.mark_everything()


def _is_settled(watch: Watch) -> bool:
    """Whether the first report need not wait for it."""
    if watch.holds or watch.state in (ABSENT, FORBIDDEN):
        return True
    return watch.lost is not None and time.monotonic() - watch.lost > FIRST_LISTS_SECONDS


def _is_unseen(watch: Watch) -> bool:
    if watch.state == SYNCED:
        return False
    if watch.state == FORBIDDEN and not watch.holds:
        return True
    if watch.state == STARTING and watch.lost is None:
        return False
    return watch.lost is not None and time.monotonic() - watch.lost > GRACE_SECONDS


def _reason(watch: Watch) -> str:
    """Why it is not seen, and what that means."""
    error = watch.error or ClusterError("not listed yet")
    reason = reason_of(error, watch.target.resource)
    if not watch.holds or watch.lost_at is None:
        return reason
    return f"not seen since {watch.lost_at:%H:%M:%S} UTC, its last state counts: {reason}"
