"""The thread behind deadlines: awake while it is needed, asleep soon after."""

from __future__ import annotations

import threading
import time

import pytest

from karb_guard.engine.wasm import ticker as module
from karb_guard.engine.wasm.ticker import Ticker


class Ticks:
    """Counts, and tells how many there were in a while."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    def within(self, seconds: float) -> int:
        before = self.count
        time.sleep(seconds)
        return self.count - before


def test_it_ticks_while_something_runs_and_rests_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)
    ticks = Ticks()
    ticker = Ticker(ticks, 0.005)
    try:
        ticker.begin()
        assert ticks.within(0.3) > 2
        ticker.end()
        time.sleep(0.3)
        assert ticks.within(0.2) == 0, "asleep"
        ticker.begin()
        assert ticks.within(0.3) > 2, "awake again"
        ticker.end()
    finally:
        ticker.stop()


def test_short_evaluations_do_not_wake_it_each_time() -> None:
    """It is awake already: its event is set once, not at each ``begin``."""
    ticks = Ticks()
    ticker = Ticker(ticks, 0.01)
    sets = 0
    original = threading.Event.set

    class Counting(threading.Event):
        def set(self) -> None:
            nonlocal sets
            sets += 1
            original(self)

    ticker._busy = Counting()
    try:
        for _ in range(500):
            ticker.begin()
            ticker.end()
        assert sets == 1
    finally:
        ticker.stop()


def test_it_does_not_rest_while_something_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.0)
    ticks = Ticks()
    ticker = Ticker(ticks, 0.005)
    try:
        ticker.begin()
        ticker.begin()
        ticker.end()
        assert ticks.within(0.3) > 2
    finally:
        ticker.stop()
