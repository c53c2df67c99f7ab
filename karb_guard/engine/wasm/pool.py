"""Instances for several threads: each is used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from karb_guard.engine.wasm.instance import Instance


class Pool:
    """At most ``size`` instances; whoever finds none waits for one.

    Everyone holds an instance for bounded time (the deadline), so waiting ends.
    """

    def __init__(self, make: Callable[[], Instance], size: int, keep_bytes: int) -> None:
        """``keep_bytes``: an instance that has grown beyond is closed instead of kept."""
        self._make = make
        self._keep_bytes = keep_bytes
        self._free: list[Instance] = []
        self._closed = False
        self._lock = threading.Lock()
        self._permits = threading.BoundedSemaphore(size)

    def take(self) -> Instance:
        """An instance for this thread alone; follow with ``put`` or ``drop``."""
        self._permits.acquire()
        try:
            with self._lock:
                if self._free:
                    return self._free.pop()
            return self._make()
        except BaseException:
            self._permits.release()
            raise

    def put(self, instance: Instance) -> None:
        """Give an instance back that answered."""
        keep = instance.memory_bytes <= self._keep_bytes and not instance.crowded
        with self._lock:
            keep = keep and not self._closed
            if keep:
                self._free.append(instance)
        if not keep:
            instance.close()
        self._permits.release()

    def drop(self, instance: Instance) -> None:
        """Throw an instance away that trapped: nobody knows what state its memory is in."""
        instance.close()
        self._permits.release()

    def close(self) -> None:
        """Close what is free now, and everything else when it comes back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for instance in free:
            instance.close()
