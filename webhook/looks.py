"""Looks at an API server that a review waits for: in threads off the event loop, within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


class Looks:
    """Threads of one purpose, so that slow looks of one kind hold up no other."""

    def __init__(self, name: str, threads: int, seconds: float) -> None:
        """``seconds`` are the longest that anybody waits; ``name`` is for the threads."""
        self.seconds = seconds
        self._threads = ThreadPoolExecutor(threads, name)

    async def within(
        self,
        look: Callable[Arguments, Found],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Found:
        """What ``look`` finds; it may block. Raises ``TimeoutError``, or what ``look`` raises."""

        def call() -> Found:
            return look(*args, **kwargs)

        under_way = asyncio.get_running_loop().run_in_executor(self._threads, call)
        return await asyncio.wait_for(under_way, self.seconds)

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
