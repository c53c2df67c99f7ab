"""What was made of some bytes, as long as they are among those that were asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Made = TypeVar("Made")

ENTRIES = 64
"""The share of the bound that one entry may take: a larger one would push too many out."""


class Remembered(Generic[Made]):
    """A map from bytes, bounded by size: the entry that was not asked for the longest goes first.

    What it gives is shared: read, don't write. Safe to use from several threads.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._made: OrderedDict[bytes, tuple[Made, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Made | None:
        """What was kept for ``key``."""
        with self._lock:
            found = self._made.get(key)
            if found is None:
                return None
            self._made.move_to_end(key)
            return found[0]

    def keep(self, key: bytes, made: Made, size: int) -> None:
        """Remember ``made``, which takes about ``size`` bytes beside its key's."""
        size += len(key)
        if size > self._max_bytes // ENTRIES:
            return
        with self._lock:
            if key not in self._made:
                self._made[key] = made, size
                self._bytes += size
            while self._bytes > self._max_bytes:
                _, (_, given_back) = self._made.popitem(last=False)
                self._bytes -= given_back
