"""Namespace labels for the event loop: the watched copy, and one bounded live look."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from karb_guard.model.errors import KarbGuardError
from webhook.logs import log

Labels = Mapping[str, str]

TIMEOUT_SECONDS = 1.0
"""The longest a review waits for a namespace that the copy does not hold."""
FORGET_FAILURE_SECONDS = 5.0
"""After a look that failed or found nothing, reviews of that namespace don't wait for so long."""
THREADS = 4
MAX_FAILURES = 1000


class NoCluster:
    """No API server at hand: configuration alone decides stages."""

    def labels(self, _name: str) -> Labels | None:
        """Nothing is known."""
        return None

    async def fetch(self, _name: str) -> Labels | None:
        """Nothing is known."""
        return None


class WatchedNamespaces:
    """Labels from a copy kept by a thread; what it lacks is asked for once, off the loop."""

    def __init__(
        self,
        cached: Callable[[str], Labels | None],
        live: Callable[[str], Labels | None],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """``cached`` must not wait; ``live`` blocks for about ``timeout`` seconds at most."""
        self._cached = cached
        self._live = live
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(THREADS, "namespace")
        self._under_way: dict[str, asyncio.Future[Labels | None]] = {}
        self._failures: dict[str, float] = {}

    def labels(self, name: str) -> Labels | None:
        """The labels in the copy."""
        return self._cached(name)

    async def fetch(self, name: str) -> Labels | None:
        """The labels as the API server has them, shared by all reviews that ask at once."""
        if self._failures.get(name, 0.0) > time.monotonic():
            return None
        future = self._under_way.get(name)
        if future is None:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._threads, self._look, name)
            self._under_way[name] = future
            future.add_done_callback(lambda _: self._under_way.pop(name, None))
        try:
            labels = await asyncio.wait_for(asyncio.shield(future), self._timeout)
        except TimeoutError:
            labels = None
        if labels is None:
            if len(self._failures) >= MAX_FAILURES:
                self._failures.clear()
            self._failures[name] = time.monotonic() + FORGET_FAILURE_SECONDS
        return labels

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, name: str) -> Labels | None:
        try:
            return self._live(name)
        except KarbGuardError as error:
            log(logging.WARNING, "namespace not read", namespace=name, problem=str(error))
            return None
