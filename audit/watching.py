"""``karb-guard audit --watch``: a first scan, then whatever changes about its findings."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from audit.collecting import Collector
from audit.dirt import Scopes
from audit.mirror import Mirror
from audit.progress import Progress
from audit.scan import Scanner, ScanOptions
from audit.view import View
from audit.watches import Watches
from karb_guard.cluster.client import ClusterClient
from karb_guard.model.audit import Audit
from karb_guard.model.change import Change
from karb_guard.model.finding import Severity

LOOK_SECONDS = 1.0
"""Between looks at what is not seen."""


class _EndedError(Exception):
    """Somebody wants it to end, in the middle of a judgement."""


class _Ending(Progress):
    """Ends a judgement between two namespaces."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def part(self, done: int, of: int | None, what: str) -> None:
        if self._ended.is_set():
            raise _EndedError


@dataclass(frozen=True, slots=True)
class _Part:
    """What watches have seen, as a source of a scan."""

    watches: Watches
    namespaces: frozenset[str] | None

    def fill(self, collector: Collector) -> None:
        """All of it, or that of some namespaces."""
        names = None if self.namespaces is None else sorted(self.namespaces)
        self.watches.fill(collector, names)


class Watching:
    """One cluster under watch; a context that begins with ``first``."""

    def __init__(
        self,
        scanner: Scanner,
        client: ClusterClient,
        options: ScanOptions,
        resync_seconds: float,
    ) -> None:
        self._scanner, self._options = scanner, options
        self._mirror = Mirror(scanner.plan)
        self._watches = Watches(
            client, scanner.plan, self._mirror, options.namespaces, resync_seconds
        )
        self._view = View()
        self.ended = threading.Event()
        """Set it to end the watch."""

    def first(self, progress: Progress) -> Audit:
        """Begin to watch; the first report. Raises a ``KarbGuardError``."""
        self._watches.start(progress)
        self._mirror.clean()
        started = time.monotonic()
        audit = self._scanner.scan(lambda _: _Part(self._watches, None), self._options, progress)
        self._mirror.rest(time.monotonic() - started)
        # What was found first is no change.
        for _ in self._view.take(audit, Scopes(everything=True), self._options.started):
            pass
        for _ in self._view.gaps(audit.missing, self._options.started):
            pass
        return audit

    def follow(self, tell: Callable[[Iterable[Change]], None]) -> int:
        """Tell what changes, until it ends; the exit code that the last state deserves."""
        with suppress(_EndedError):
            while not self.ended.is_set():
                scopes = self._mirror.wait(LOOK_SECONDS, self.ended.is_set)
                if scopes is not None:
                    tell(self._judged(scopes))
                tell(self._looked())
        return self.exit_code

    def counts(self) -> dict[Severity, int]:
        """Open findings as they are now."""
        return self._view.counts()

    @property
    def exit_code(self) -> int:
        """What the state deserves as it is now."""
        return self._view.exit_code(self._options.fail_on)

    def close(self) -> None:
        """End all watches and forget what they saw."""
        self.ended.set()
        self._watches.stop()
        self._mirror.close()

    def _looked(self) -> list[Change]:
        now = _now()
        gaps = self._view.gaps(self._watches.missing(), now)
        return [*gaps, *self._view.late(self._watches.late(), now)]

    def _judged(self, scopes: Scopes) -> list[Change]:
        started, now = time.monotonic(), _now()
        wanted = set(self._options.namespaces)
        names = scopes.namespaces if not wanted else scopes.namespaces & wanted
        if not scopes.everything and not names:
            return []
        asked = self._options.namespaces if scopes.everything else sorted(names)
        options = replace(self._options, namespaces=asked, started=now)
        part = _Part(self._watches, None if scopes.everything else frozenset(names))
        # Stages of namespaces are not looked up again: changes don't tell of them.
        scanner = replace(self._scanner, loaded=None)
        audit = scanner.scan(lambda _: part, options, _Ending(self.ended))
        if scopes.everything:
            self._mirror.rest(time.monotonic() - started)
        return list(self._view.take(audit, Scopes(scopes.everything, frozenset(names)), now))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
