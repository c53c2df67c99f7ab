"""The scanner, in the controller's own process."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from audit.live import LiveCluster
from audit.scan import Scanner, ScanOptions
from karb_guard.assembly import assemble
from karb_guard.assembly.policies import Choices
from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.paging import Pager
from karb_guard.model.audit import Audit


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class ClusterScanner:
    """Scans one cluster with the configuration that the webhook has."""

    def __init__(
        self,
        client: ClusterClient,
        choices: Choices,
        cluster: str | None = None,
        now: Callable[[], datetime.datetime] = _now,
    ) -> None:
        """Raises a ``KarbGuardError`` for a configuration that can't be meant."""
        guard = assemble(choices)
        self._client, self._now = client, now
        self._cluster = cluster or client.host
        self._waiver_days = guard.config.waivers.max_days
        settings = guard.evaluator.settings
        self._scanner = Scanner(guard.engine, settings, guard.catalogue, guard.loaded)

    def scan(self) -> Audit:
        """Every object that is judged. Raises a ``KarbGuardError``."""
        options = ScanOptions(
            cluster=self._cluster, waiver_days=self._waiver_days, started=self._now()
        )
        pager = Pager(self._client)
        return self._scanner.scan(lambda plan: LiveCluster(pager, plan), options)
