"""Live looks for namespaces: bounded, shared, and not repeated after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from karb_guard.cluster.errors import ClusterError
from webhook.namespaces import WatchedNamespaces

LABELS = {"karb.dev/stage": "warn"}


class Live:
    """Counts looks and answers after a while."""

    def __init__(self, seconds: float = 0.0, error: bool = False) -> None:
        self.calls = 0
        self.seconds = seconds
        self.error = error

    def __call__(self, name: str) -> Mapping[str, str]:
        self.calls += 1
        time.sleep(self.seconds)
        if self.error:
            raise ClusterError(f"{name}: no answer")
        return LABELS


def watched(live: Live, timeout: float = 1.0) -> WatchedNamespaces:
    return WatchedNamespaces(lambda _: None, live, timeout)


def test_reviews_that_ask_at_once_share_one_look() -> None:
    live = Live(0.05)

    async def ask() -> list[Mapping[str, str] | None]:
        namespaces = watched(live)
        return await asyncio.gather(*(namespaces.fetch("a") for _ in range(20)))

    assert asyncio.run(ask()) == [LABELS] * 20
    assert live.calls == 1


def test_a_slow_look_ends_in_time_and_blocks_nobody() -> None:
    async def ask() -> tuple[Mapping[str, str] | None, float, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        started = time.monotonic()
        found = await watched(Live(0.5), timeout=0.1).fetch("a")
        seconds = time.monotonic() - started
        ticking.cancel()
        return found, seconds, ticks

    found, seconds, ticks = asyncio.run(ask())
    assert found is None
    assert seconds < 0.4
    assert ticks > 5


def test_after_a_failure_nobody_waits_for_a_while() -> None:
    live = Live(error=True)

    async def ask() -> None:
        namespaces = watched(live)
        for _ in range(10):
            assert await namespaces.fetch("a") is None
        await namespaces.fetch("b")

    asyncio.run(ask())
    assert live.calls == 2
