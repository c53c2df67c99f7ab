"""Advances a wasmtime engine's epoch while evaluations run, so that deadlines pass."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable

LINGER_SECONDS = 1.0


class Ticker:
    """Calls ``tick`` every ``interval`` seconds between ``begin`` and ``end``, and a while longer.

    One thread for all evaluations of an engine. It goes on for ``LINGER_SECONDS`` after the last
    one, then sleeps until the next: waking it for each evaluation hands the interpreter's lock to
    and fro each time, which took longer than the evaluation on a busy machine. Survives a fork: the
    child's first ``begin`` starts a thread of its own.
    """

    def __init__(self, tick: Callable[[], object], interval: float) -> None:
        self._tick = tick
        self.interval = interval
        self._stopped = False
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._running = 0
        self._used = False
        self._thread: threading.Thread | None = None

    def ticks(self, seconds: float) -> int:
        """How many ticks are surely at least ``seconds``: the one that is under way is no whole."""
        return max(1, math.ceil(seconds / self.interval)) + 1

    def begin(self) -> None:
        """An evaluation starts."""
        if self._pid != os.getpid():
            self._start()
        with self._lock:
            self._running += 1
            self._used = True
            if not self._busy.is_set():
                self._busy.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="karb-epoch", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """The evaluation that ``begin`` announced is over."""
        with self._lock:
            self._running -= 1

    def stop(self) -> None:
        """End the thread, at its next tick at the latest."""
        self._stopped = True
        self._busy.set()

    def _run(self) -> None:
        idle = 0.0
        while not self._stopped:
            self._busy.wait()
            time.sleep(self.interval)
            self._tick()
            idle = 0.0 if self._in_use() else idle + self.interval
            if idle >= LINGER_SECONDS and self._rest():
                idle = 0.0

    def _in_use(self) -> bool:
        """Whether anything runs, or ran since this was last asked."""
        used, self._used = self._used, False
        return used or self._running > 0

    def _rest(self) -> bool:
        """Sleep until the next ``begin``, if nothing runs; whether that is so."""
        with self._lock:
            if self._running or self._used or self._stopped:
                return False
            self._busy.clear()
            return True
