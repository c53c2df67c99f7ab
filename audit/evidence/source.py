"""The controller's view of the evidence database: the newest scan."""

from __future__ import annotations

import logging

from audit.evidence.errors import EvidenceError
from audit.evidence.store import EvidenceStore
from karb_guard.cluster.logs import log_to
from karb_guard.rollout.evidence import ScanEvidence

logger = logging.getLogger(__name__)


class StoredScans:
    """An ``EvidenceSource``: scans that somebody else (the CronJob) made."""

    def __init__(self, store: EvidenceStore, cluster: str | None = None) -> None:
        self._store, self._cluster = store, cluster
        self._said = ""

    def latest(self) -> ScanEvidence | None:
        """``None`` where the database is away: that is no evidence, and said once."""
        problem, found = "", None
        try:
            found = self._store.latest(self._cluster)
        except EvidenceError as error:
            problem = str(error)
        if problem and problem != self._said:
            log_to(logger, logging.WARNING, "no evidence", problem=problem)
        self._said = problem
        return found
