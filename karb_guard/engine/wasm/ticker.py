"""Advances a wasmtime engine's epoch while evaluations run, so that deadlines pass."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable


class Ticker:
    """Calls ``tick`` every ``interval`` seconds, but only between ``begin`` and ``end``.

    One thread for all evaluations of an engine; it sleeps while nothing runs. Survives a fork:
    the child's first ``begin`` starts a thread of its own.
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
            self._busy.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="karb-epoch", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """The evaluation that ``begin`` announced is over."""
        with self._lock:
            self._running -= 1
            if self._running == 0:
                self._busy.clear()

    def stop(self) -> None:
        """End the thread, at its next tick at the latest."""
        self._stopped = True
        self._busy.set()

    def _run(self) -> None:
        while not self._stopped:
            self._busy.wait()
            time.sleep(self.interval)
            self._tick()
