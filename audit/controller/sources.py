"""Where the evidence of scans comes from."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Callable
from typing import Protocol

from karb_guard.cluster.logs import log_to
from karb_guard.model.audit import Audit
from karb_guard.model.errors import KarbGuardError
from karb_guard.rollout.evidence import ScanEvidence, of_audit

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]


class EvidenceSource(Protocol):
    """The newest scan. An interface: scans are made here, or elsewhere and kept in a database."""

    def latest(self) -> ScanEvidence | None:
        """``None`` where there is none; never raises: what can't be had is no evidence."""
        ...


class NoScans:
    """Nobody scans: nothing is promoted."""

    def latest(self) -> ScanEvidence | None:
        """None at all."""
        return None


class ScanningSource:
    """Scans by itself, now and then, in a thread: rounds go on, and with them rolling back."""

    def __init__(
        self,
        scan: Callable[[], Audit],
        every: datetime.timedelta,
        now: Clock,
        keep: Callable[[ScanEvidence], None] | None = None,
    ) -> None:
        """``keep`` is given what each scan found, to write it where history is kept."""
        self._scan, self._every, self._now = scan, every, now
        self._keep = keep
        self._latest: ScanEvidence | None = None
        self._tried: datetime.datetime | None = None
        self._thread: threading.Thread | None = None

    def latest(self) -> ScanEvidence | None:
        """Of the last scan that ended well; a scan that fails leaves the one before, which ages."""
        now = self._now()
        running = self._thread is not None and self._thread.is_alive()
        if not running and (self._tried is None or now - self._tried >= self._every):
            self._tried = now
            self._thread = threading.Thread(target=self.attempt, name="scan", daemon=True)
            self._thread.start()
        return self._latest

    def attempt(self) -> None:
        """Scan once, now. Never raises."""
        try:
            audit = self._scan()
            self._latest = of_audit(audit)
            log_to(logger, logging.INFO, "scanned", seconds=audit.seconds)
            if self._keep is not None:
                self._keep(self._latest)
        except KarbGuardError as error:
            log_to(logger, logging.WARNING, "scan failed", problem=str(error))
        except Exception:
            logger.exception("scan failed")
