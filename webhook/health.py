"""Whether this process may receive reviews, and why not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

Check = Callable[[], str | None]
"""Returns what is missing, or ``None`` when all is well. Must not wait."""


class Readiness:
    """Named conditions that have to hold before reviews are sent here. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, Check] = {}
        self._draining = False
        self._unready = False

    def require(self, name: str, check: Check) -> None:
        """Add a condition, asked at each probe."""
        with self._lock:
            self._checks[name] = check

    def drain(self) -> None:
        """From now on not ready: the process is about to end."""
        self._draining = True

    @property
    def draining(self) -> bool:
        """Whether the process is about to end."""
        return self._draining

    @property
    def sends_away(self) -> bool:
        """Whether clients shall take their next request elsewhere: draining, or unready lately.

        Endpoints only guide new connections; those that API servers keep open would go on coming
        here. As of the last call of ``missing``: reviews don't pay for the checks.
        """
        return self._draining or self._unready

    def missing(self) -> Mapping[str, str]:
        """Condition -> what is missing; empty when ready."""
        with self._lock:
            checks = dict(self._checks)
        found = {name: problem for name, check in checks.items() if (problem := check())}
        if not checks:
            found["started"] = "nothing is loaded yet"
        if self._draining:
            found["draining"] = "the process is shutting down"
        self._unready = bool(found)
        return found
