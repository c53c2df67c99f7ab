"""The rollout controller in a process of its own, with a clock that a test turns, killed at will.

Run as ``python -m tests.support.rollout_process KUBECONFIG REPLICAS EVIDENCE CLOCK JOURNAL``.
REPLICAS are joined by commas; CLOCK is a file with seconds to add to the time. As a kubelet does,
it starts the controller again when it was killed; every life begins with what is stored, in a
process that knows nothing of those before it. With a sixth argument, ``mortal``, the controller is
killed (SIGKILL) before and after each of its writes. JOURNAL takes a line a write; see ``Journal``.
"""

from __future__ import annotations

import datetime
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audit.controller.loop import Controller, Sources
from audit.controller.replicas import GivenReplicas
from audit.evidence.source import StoredScans
from audit.evidence.store import EvidenceStore
from karb_guard.assembly.policies import Choices, read_catalogue
from karb_guard.cluster.client import connect
from karb_guard.cluster.leases import Alone
from karb_guard.cluster.logs import configure
from karb_guard.decisions import rollouts

ROUND = datetime.timedelta(seconds=0.1)
WRITTEN_EVERY = datetime.timedelta(minutes=2)
WRITES = ("replace", "create", "apply")
BORN, BEFORE, WRITTEN, AFTER = "born", "killed before", "written", "killed after"
QUIET = "quiet"
"""A whole round found nothing to write; with the minute as a write begins with it."""

Json = dict[str, Any]


class Journal:
    """What was written, and at which writes a controller was killed: one JSON object a line."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, what: str, write: str = "", stored: Json | None = None) -> None:
        """``what`` happened at ``write``; it is in the file before this returns."""
        line = json.dumps({"what": what, "write": write, "stored": stored})
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def lines(self) -> list[Json]:
        """All lines so far."""
        if not self._file.exists():
            return []
        text = self._file.read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def has(self, what: str, write: str) -> bool:
        """Whether it happened."""
        return any((line["what"], line["write"]) == (what, write) for line in self.lines())


class JournalingClient:
    """A client whose writes are noted, and whose process is killed around them if it is mortal."""

    def __init__(
        self, client: Any, journal: Journal, minute: Callable[[], int], *, mortal: bool
    ) -> None:
        self._client, self._journal = client, journal
        self._minute, self._mortal = minute, mortal
        self._quiet_since: str | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._noting(found) if name in WRITES else found

    def list(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """A round begins with a list of rollouts."""
        if path == rollouts.PATH:
            if self._quiet_since == self._now():
                self._journal.note(QUIET, self._now())
            self._quiet_since = self._now()
        return self._client.list(path, *args, **kwargs)

    def _now(self) -> str:
        return f"+{self._minute()}m"

    def _noting(self, write: Any) -> Any:
        def noting(path: str, body: Json, *args: Any, **kwargs: Any) -> Any:
            self._quiet_since = None
            what = f"{self._now()} {write.__name__} {path}: {_gist(body)}"
            self._die_once(BEFORE, what)
            stored = write(path, body, *args, **kwargs)
            self._journal.note(WRITTEN, what, stored)
            self._die_once(AFTER, what)
            return stored

        return noting

    def _die_once(self, what: str, write: str) -> None:
        if self._mortal and not self._journal.has(what, write):
            self._journal.note(what, write)
            os.kill(os.getpid(), signal.SIGKILL)


def _gist(body: Json) -> str:
    """What tells a write from the others of its minute."""
    listed = (body.get("status") or {}).get("namespaces") or ()
    stages = [f"{entry['name']}={entry['stage']}" for entry in listed]
    labels = sorted(body["metadata"].get("labels") or ()) if not stages else []
    return " ".join([body["metadata"]["name"], *stages, *labels])


def serve(arguments: list[str]) -> None:
    """Be a controller until killed."""
    kubeconfig, replicas, evidence, clock, journal, *mortal = arguments

    def ahead() -> datetime.timedelta:
        return datetime.timedelta(seconds=float(Path(clock).read_text(encoding="ascii")))

    def now() -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + ahead()

    def minute() -> int:
        return int(ahead().total_seconds() // 60)

    configure("info")
    client: Any = JournalingClient(
        connect(Path(kubeconfig)), Journal(Path(journal)), minute, mortal=bool(mortal)
    )
    catalogue, _ = read_catalogue(Choices())
    names = {i.id: i.name for i in catalogue} | {i.name: i.name for i in catalogue}
    addresses = tuple(replicas.split(","))
    sources = Sources(GivenReplicas(addresses), StoredScans(EvidenceStore(evidence)), names)
    Controller(client, sources, Alone(), now, WRITTEN_EVERY).run(ROUND)


def main(arguments: list[str]) -> int:
    """Have a controller, again and again while it is killed; the exit code of one that failed.

    This process has imported everything and done nothing: a copy of it begins at once.
    """
    journal = Journal(Path(arguments[4]))
    while True:
        child = os.fork()
        if child == 0:
            journal.note(BORN)
            serve(arguments)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
