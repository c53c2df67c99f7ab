"""Large objects are judged in a thread, one at a time, so that small ones don't wait for them.

A small review is judged on the event loop: a hop to a thread costs more than it is worth. An object
of a megabyte may take a second, and while it does, the loop gets its turn every few milliseconds
(and all the time that policies run, outside of the interpreter's lock).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")

LARGE_BYTES = 32 * 1024
"""Of a body. An ordinary review has 5 to 20 kB."""
WAIT_SECONDS = 1.5
"""How long a large one waits for its turn. API servers give up after 5 s, and where failurePolicy
is Ignore they let in what nobody judged."""


class BusyError(Exception):
    """There were too many large objects at a time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"objects of more than {LARGE_BYTES >> 10} KiB are judged one at a time, and "
            f"{seconds:g} s were not enough for this one's turn to come; try again"
        )


class Lane:
    """Where reviews are judged, by their size."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "large")

    async def run(self, body_bytes: int, work: Callable[[], Made]) -> Made:
        """What ``work`` gives, for a review of ``body_bytes``; raises ``BusyError`` and its own."""
        if body_bytes <= LARGE_BYTES:
            return work()
        try:
            await asyncio.wait_for(self._turn.acquire(), self._wait_seconds)
        except TimeoutError:
            raise BusyError(self._wait_seconds) from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._turn.release()
