"""The rollout controller in a process of its own, with a clock that a test turns and ways to die.

Run as ``python -m tests.support.rollout_process KUBECONFIG REPLICA EVIDENCE CLOCK DIES_AT``. CLOCK
is a file with seconds to add to the time. At its DIES_AT-th write (0: never) the process kills
itself with SIGKILL, before it where that is even and after it where it is odd.
"""

from __future__ import annotations

import datetime
import os
import signal
import sys
from pathlib import Path
from typing import Any

from audit.controller.loop import Controller, Sources
from audit.controller.replicas import GivenReplicas
from audit.evidence.source import StoredScans
from audit.evidence.store import EvidenceStore
from karb_guard.assembly.policies import Choices, read_catalogue
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.leases import Alone
from karb_guard.cluster.logs import configure

ROUND = datetime.timedelta(seconds=0.1)
WRITTEN_EVERY = datetime.timedelta(minutes=2)


class MortalClient:
    """A client whose process dies at a write."""

    def __init__(self, client: ClusterClient, dies_at: int) -> None:
        self._client, self._left = client, dies_at
        self._before = dies_at % 2 == 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._dying(found) if name in ("replace", "create", "apply") else found

    def _dying(self, write: Any) -> Any:
        def write_and_die(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._before:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = write(*args, **kwargs)
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return write_and_die


def main(kubeconfig: str, replica: str, evidence: str, clock: str, dies_at: str) -> None:
    """Serve until killed."""
    configure("info")
    client: Any = MortalClient(connect(Path(kubeconfig)), int(dies_at))

    def now() -> datetime.datetime:
        offset = datetime.timedelta(seconds=float(Path(clock).read_text(encoding="ascii")))
        return datetime.datetime.now(datetime.UTC) + offset

    catalogue, _ = read_catalogue(Choices())
    names = {i.id: i.name for i in catalogue} | {i.name: i.name for i in catalogue}
    sources = Sources(GivenReplicas((replica,)), StoredScans(EvidenceStore(evidence)), names)
    Controller(client, sources, Alone(), now, WRITTEN_EVERY).run(ROUND)


if __name__ == "__main__":
    main(*sys.argv[1:])
