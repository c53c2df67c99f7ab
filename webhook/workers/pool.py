"""All workers: started, watched, started anew, and switched together to another configuration."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge

from karb_guard.model.errors import KarbGuardError
from webhook.logs import log
from webhook.workers import child, messages
from webhook.workers.child import Worker
from webhook.workers.feed import State
from webhook.workers.messages import Abort, Commit, Prepare, Report, Start

LOOK_SECONDS = 0.25
STABLE_SECONDS = 10.0
"""A worker that answered for so long is started again at once when it ends."""
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
PREPARE_SECONDS = 45.0
"""How long workers may take to put a new configuration together: an OPA server has 15 s of it."""
AFTER_GRACE_SECONDS = 3.0
"""Beyond the grace of reviews under way, before what is left is killed."""


class PoolMetrics:
    """What is counted about workers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ends = Counter(
            "karb_guard_worker_ends",
            "Worker processes that ended unasked, by cause; each is started again.",
            ("cause",),
            registry=registry,
        )
        for cause in child.CAUSES:
            self.ends.labels(cause)
        self.ready = Gauge(
            "karb_guard_workers_ready",
            "Worker processes that answer reviews.",
            registry=registry,
        )


@dataclass(slots=True)
class _Slot:
    """A place for a worker."""

    number: int
    worker: Worker | None = None
    start_at: float = 0.0
    """Of ``time.monotonic``: when the next one may be started."""
    wait: float = 0.0


@dataclass(slots=True)
class _Vote:
    """Who has to answer before a new configuration is in force."""

    generation: int
    guard: bytes
    open: set[Worker]
    problems: list[str] = field(default_factory=list)


class Pool:
    """``count`` workers; use ``running`` as a context."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it needs, each from another place
        self,
        count: int,
        start: Callable[[int, int, bytes], Start],
        guard: bytes,
        around: tuple[State, Mapping[str, str]],
        metrics: PoolMetrics,
        reported: Callable[[Worker, Report], None],
    ) -> None:
        """``start`` (number, generation, guard) gives the first order of a worker.

        ``guard`` is what they judge by at first (``karb_guard.assembly.transfer``). ``around`` is
        what workers are fed, and variables of their environment; ``reported`` is called from
        threads with Events and questions.
        """
        self._start = start
        self._guard = guard
        self._metrics = metrics
        self._reported_others = reported
        state, environment = around
        self._around = child.Surroundings(state, environment, self._reported, self._changed)
        self._slots = [_Slot(number) for number in range(1, count + 1)]
        self._wake = threading.Event()
        self._condition = threading.Condition()
        self._vote: _Vote | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="workers", daemon=True)
        self.generation = 1
        """Of the configuration in force."""
        self.on_change: Callable[[], None] = lambda: None
        """Called from threads when a worker became ready or ended."""
        metrics.ready.set_function(lambda: len(self._answering()))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Have workers until the context ends."""
        self._look()
        self._thread.start()
        try:
            yield
        finally:
            self.finish(0.0)

    def choose(self) -> list[Worker]:
        """Workers for a connection, the best first: heard of lately, with the fewest."""
        return sorted(self._answering(), key=lambda worker: worker.load)

    def missing(self) -> str | None:
        """For readiness: why nothing is answered. One worker that answers is enough."""
        answering = self._answering()
        if not answering:
            return f"none of {len(self._slots)} workers answers; the log says why"
        problems = [worker.seen.missing for worker in answering]
        return problems[0] if all(problems) else None

    def prepare(self, guard: bytes) -> None:
        """Have all workers that answer put ``guard`` together, for ``commit``. Waits.

        Raises ``KarbGuardError`` where one of them can't; then all have forgotten it.
        """
        generation = self.generation + 1
        with self._condition:
            voters = self._answering()
            self._vote = vote = _Vote(generation, guard, set(voters))
            for worker in voters:
                worker.tell(Prepare(generation, guard))
            deadline = time.monotonic() + PREPARE_SECONDS
            while vote.open and not vote.problems and (left := deadline - time.monotonic()) > 0:
                self._condition.wait(left)
                vote.open = {worker for worker in vote.open if worker.ended_by is None}
            late = [f"worker {worker.number} did not answer in time" for worker in vote.open]
            problems = vote.problems or late
            if problems:
                self._vote = None
                for worker in voters:
                    worker.tell(Abort(generation))
        if problems:
            raise KarbGuardError(f"not all workers can judge by it: {problems[0]}")

    def commit(self) -> None:
        """Put what was prepared in force everywhere."""
        with self._condition:
            vote, self._vote = self._vote, None
            if vote is None:
                return
            self.generation, self._guard = vote.generation, vote.guard
            for worker in self._workers():
                if worker.prepared == vote.generation:
                    worker.generation = vote.generation
                    worker.tell(Commit(vote.generation))
        # Whoever became ready meanwhile judges by what was in force when it began: see ``_look``.
        self._wake.set()

    def finish(self, seconds: float) -> None:
        """No more connections: wait for what workers have, ``seconds`` at most. Waits."""
        self._stopping = True
        self._wake.set()
        workers = self._workers()
        for worker in workers:
            worker.finish()
        deadline = time.monotonic() + seconds
        for worker in workers:
            if not worker.wait(max(0.0, deadline - time.monotonic())):
                if seconds:
                    log(logging.ERROR, "worker did not end in time", worker=worker.number)
                worker.kill()
                worker.wait(AFTER_GRACE_SECONDS)

    def _workers(self) -> list[Worker]:
        return [slot.worker for slot in self._slots if slot.worker is not None]

    def _answering(self) -> list[Worker]:
        return [worker for worker in self._workers() if worker.answers]

    def _changed(self) -> None:
        with self._condition:
            self._condition.notify_all()
        self._wake.set()
        self.on_change()

    def _reported(self, worker: Worker, report: Report) -> None:
        if report.kind not in (messages.PREPARED, messages.REFUSED):
            self._reported_others(worker, report)
            return
        with self._condition:
            vote = self._vote
            if vote is None or vote.generation != report.generation:
                return
            vote.open.discard(worker)
            if report.kind == messages.REFUSED:
                vote.problems.append(f"worker {worker.number}: {report.text}")
            else:
                worker.prepared = report.generation
            self._condition.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            try:
                self._look()
            except Exception:
                # Whatever nobody thought of must not end the thread: nothing would be restarted.
                logging.getLogger(__name__).exception("workers were not looked after")
                time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        for slot in self._slots:
            worker = slot.worker
            if worker is not None:
                worker.look()
                if worker.ended_by is not None and not self._stopping:
                    self._bury(slot, worker)
                elif worker.answers and self._outdated(worker):
                    worker.end(child.OUTDATED)
            if slot.worker is None and not self._stopping and time.monotonic() >= slot.start_at:
                self._begin(slot)

    def _outdated(self, worker: Worker) -> bool:
        with self._condition:
            return worker.generation != self.generation

    def _bury(self, slot: _Slot, worker: Worker) -> None:
        """Count the end; the first time the next one follows at once, then after growing waits."""
        self._metrics.ends.labels(worker.ended_by).inc()
        slot.worker = None
        now = time.monotonic()
        if worker.ready and now - worker.ready_at > STABLE_SECONDS:
            slot.wait = 0.0
        slot.start_at = now + slot.wait
        slot.wait = min(LONGEST_WAIT_SECONDS, max(FIRST_WAIT_SECONDS, 2 * slot.wait))

    def _begin(self, slot: _Slot) -> None:
        try:
            with self._condition:
                start = self._start(slot.number, self.generation, self._guard)
            slot.worker = Worker(start, self._around)
        except OSError as error:
            log(logging.ERROR, "worker not started", worker=slot.number, problem=str(error))
            slot.start_at = time.monotonic() + max(slot.wait, FIRST_WAIT_SECONDS)
            slot.wait = min(LONGEST_WAIT_SECONDS, max(FIRST_WAIT_SECONDS, 2 * slot.wait))
            return
        log(logging.INFO, "worker started", worker=slot.number, pid=slot.worker.pid)
