"""A rollout controller on a real API server, its clock and its evidence, driven by a test."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.evidence.store import EvidenceStore
from karb_guard.rollout.evidence import Counts, ScanEvidence
from karb_guard.rollout.times import moment_of
from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.own_objects import rollout
from tests.support.rollout_process import AFTER, BEFORE, BORN, QUIET, WRITTEN, Journal

TICK = datetime.timedelta(minutes=5)
GATES = {"soak": "10m", "denialWindow": "5m", "maxDenials": 3, "evidenceMaxAge": "1h"}
ROUND_SECONDS = 240
"""A controller starts within two seconds; a machine with other things to do takes longer."""
INVARIANT, OTHER = "res-mem", "img-tag"

Json = dict[str, Any]


class Scene:
    """A tick is five minutes of the controller's clock; whatever it writes is remembered."""

    def __init__(self, cluster: Cluster, replicas: Sequence[str], directory: Path) -> None:
        """``replicas``: HOST:PORT of each webhook's metrics."""
        self.cluster, self.replicas = cluster, replicas
        self.clock, self.log = directory / "clock", directory / "controller.log"
        self.evidence = f"sqlite:///{directory}/evidence.db"
        self.store = EvidenceStore(self.evidence)
        self.offset = datetime.timedelta(0)
        self.found: dict[str, Counts] = {}
        self.mortal = False
        """Whether the controller is killed before and after each of its writes."""
        self.names: list[str] = []
        self.rollouts: list[str] = []
        self._journal_file = directory / "journal"
        self._journal = Journal(self._journal_file)
        self._process: subprocess.Popen[bytes] | None = None
        self.turn(datetime.timedelta(0))

    @property
    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + self.offset

    def turn(self, by: datetime.timedelta) -> None:
        """Turn the clock; whoever reads it meanwhile sees the old or the new time."""
        self.offset += by
        new = self.clock.with_suffix(".new")
        new.write_text(str(self.offset.total_seconds()), encoding="ascii")
        new.replace(self.clock)

    def live(self) -> None:
        """Have a controller from now on; each that is killed is followed by another."""
        if self._process is not None:
            code = self._process.poll()
            assert code is None, f"a controller failed:\n{self.log.read_text()[-3000:]}"
            return
        arguments = [
            str(self.cluster.kubeconfig),
            ",".join(self.replicas),
            self.evidence,
            str(self.clock),
            str(self._journal_file),
            *(["mortal"] if self.mortal else []),
        ]
        command = [sys.executable, "-m", "tests.support.rollout_process", *arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=REPOSITORY, start_new_session=True
            )

    def kill(self) -> None:
        """End the controller, and what would start another."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process = None

    def scan(self) -> None:
        self.store.record(
            ScanEvidence(
                at=self.now,
                cluster="e2e",
                namespaces=frozenset(self.names),
                counts={(name, INVARIANT): counts for name, counts in self.found.items()},
                invariants=frozenset({INVARIANT, OTHER}),
            )
        )

    def put(self, invariant: str, **spec: Any) -> None:
        text = json.dumps(rollout(invariant=invariant, **spec))
        self.cluster.kubectl("apply", "-f", "-", stdin=text)
        if invariant not in self.rollouts:
            self.rollouts.append(invariant)

    def get(self, invariant: str = INVARIANT) -> Json:
        done = self.cluster.kubectl("get", "invariantrollout", invariant, "-o", "json")
        found: Json = json.loads(done.stdout)
        return found

    def watched(self) -> Json:
        """What is stored about the webhook's replicas."""
        found: Json = self.get().get("status", {}).get("webhook", {})
        return found

    def entry(self, namespace: str, invariant: str = INVARIANT) -> Json:
        listed = self.get(invariant).get("status", {}).get("namespaces", [])
        return next((e for e in listed if e["name"] == namespace), {})

    def tick(self, *, scan: bool = True) -> None:
        """Five minutes later; returns when all is written of what there is to write then."""
        self.turn(TICK)
        if scan:
            self.scan()
        moment = self.now
        deadline = time.monotonic() + ROUND_SECONDS
        while not (all(self._is_of(name, moment) for name in self.rollouts) and self._settled()):
            assert time.monotonic() < deadline, f"no round:\n{self.log.read_text()[-3000:]}"
            self.live()
            time.sleep(0.1)

    def _settled(self) -> bool:
        last = self._journal.lines()[-1]
        return (last["what"], last["write"]) == (
            QUIET,
            f"+{int(self.offset.total_seconds() // 60)}m",
        )

    def _is_of(self, invariant: str, moment: datetime.datetime) -> bool:
        status = self.get(invariant).get("status", {})
        at = moment_of(status.get("webhook", {}).get("scrapedAt"))
        return at is not None and at >= moment - TICK / 2

    def steps(self, namespace: str, invariant: str = INVARIANT) -> list[tuple[str, str]]:
        """(stage, since when) of a namespace, each that was ever stored, once for each time."""
        found: list[tuple[str, str]] = []
        for status in self.stored(invariant):
            for entry in status["namespaces"]:
                step = (entry["stage"], entry["since"])
                if entry["name"] == namespace and found[-1:] != [step]:
                    found.append(step)
        return found

    def journey(self, namespace: str, invariant: str = INVARIANT) -> list[str]:
        """The stages of a namespace, in the order in which they were stored."""
        return [stage for stage, _ in self.steps(namespace, invariant)]

    def stored(self, invariant: str = INVARIANT) -> list[Json]:
        """Every status that was stored, as the API server answered."""
        answers = [line["stored"] for line in self._journal.lines() if line["what"] == WRITTEN]
        ours = (a for a in answers if a["kind"] == "InvariantRollout")
        return [a["status"] for a in ours if a["metadata"]["name"] == invariant]

    def writes(self) -> set[str]:
        """Everything that was written, in words."""
        return self._of(WRITTEN)

    def spared(self) -> set[str]:
        """Writes before or after which no controller was killed."""
        return self.writes() - (self._of(BEFORE) & self._of(AFTER))

    def lives(self) -> int:
        """Controllers so far."""
        return sum(line["what"] == BORN for line in self._journal.lines())

    def _of(self, what: str) -> set[str]:
        return {line["write"] for line in self._journal.lines() if line["what"] == what}

    def events(self, namespace: str) -> list[str]:
        done = self.cluster.kubectl("get", "events.events.k8s.io", "-n", "default", "-o", "json")
        found = json.loads(done.stdout)["items"]
        start = f"namespace {namespace}: "
        ours = [e for e in found if str(e.get("note", "")).startswith(start)]
        ours = [e for e in ours if e["regarding"]["name"] == INVARIANT]
        return sorted(f"{e['reason']} {e['note'].removeprefix(start).split(':')[0]}" for e in ours)

    def close(self) -> None:
        self.kill()
        self.store.close()
        for name in self.rollouts:
            self.cluster.kubectl("delete", "invariantrollout", name, "--ignore-not-found")


def targets(*names: str) -> list[Json]:
    """``spec.namespaces`` that asks for enforcement."""
    return [{"name": name, "stage": "enforce"} for name in names]
