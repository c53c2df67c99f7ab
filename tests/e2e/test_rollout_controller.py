"""Staged rollouts on a real API server: a webhook, a controller that is killed, and a clock.

The clock is the controller's; a tick is five of its minutes.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.evidence.store import EvidenceStore
from karb_guard.rollout.evidence import Counts, ScanEvidence
from karb_guard.rollout.times import moment_of, text_of
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.e2e_cluster import Namespaces, denied, seconds_until
from tests.support.own_objects import rollout
from tests.support.webhook_process import Judging, WebhookProcess, karb_guard

pytestmark = pytest.mark.e2e

TICK = datetime.timedelta(minutes=5)
GATES = {"soak": "10m", "denialWindow": "5m", "maxDenials": 3, "evidenceMaxAge": "1h"}
ROUND_SECONDS = 240
"""A controller starts within two seconds; a machine with other things to do takes longer."""
EFFECT_SECONDS = 60
INVARIANT, OTHER = "res-mem", "img-tag"
PSA = "pod-security.kubernetes.io/"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def webhook(judging: Judging, kinds: None) -> Iterator[WebhookProcess]:
    """A webhook that enforces nothing by configuration."""
    with judging({}) as process:
        yield process


class Scene:
    """A controller, its clock and its evidence."""

    def __init__(self, cluster: Cluster, webhook: WebhookProcess, directory: Path) -> None:
        self.cluster, self.webhook = cluster, webhook
        self.clock, self.log = directory / "clock", directory / "controller.log"
        self.evidence = f"sqlite:///{directory}/evidence.db"
        self.store = EvidenceStore(self.evidence)
        self.offset = datetime.timedelta(0)
        self.found: dict[str, Counts] = {}
        self.dies_at: Iterator[int] = iter(())
        self.process: subprocess.Popen[bytes] | None = None
        self.lives = 0
        self.names: list[str] = []
        self.rollouts: list[str] = []
        self.journeys: dict[tuple[str, str], list[str]] = {}
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
        """Start a controller where none runs."""
        if self.process is not None and self.process.poll() is None:
            return
        self.lives += 1
        arguments = [
            str(self.cluster.kubeconfig),
            f"127.0.0.1:{self.webhook.metrics_port}",
            self.evidence,
            str(self.clock),
            str(next(self.dies_at, 0)),
        ]
        command = [sys.executable, "-m", "tests.support.rollout_process", *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=REPOSITORY)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

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

    def entry(self, namespace: str, invariant: str = INVARIANT) -> Json:
        listed = self.get(invariant).get("status", {}).get("namespaces", [])
        return next((e for e in listed if e["name"] == namespace), {})

    def tick(self, *, scan: bool = True) -> None:
        """Five minutes later; returns when every rollout's status is of then."""
        self.turn(TICK)
        if scan:
            self.scan()
        moment = self.now
        deadline = time.monotonic() + ROUND_SECONDS
        while not all(self._is_of(name, moment) for name in self.rollouts):
            assert time.monotonic() < deadline, f"no round:\n{self.log.read_text()[-3000:]}"
            self.live()
            time.sleep(0.1)
        self._note()

    def _is_of(self, invariant: str, moment: datetime.datetime) -> bool:
        status = self.get(invariant).get("status", {})
        at = moment_of(status.get("webhook", {}).get("scrapedAt"))
        return at is not None and at >= moment - TICK / 2

    def _note(self) -> None:
        for invariant in self.rollouts:
            for entry in self.get(invariant)["status"]["namespaces"]:
                journey = self.journeys.setdefault((invariant, entry["name"]), [])
                if not journey or journey[-1] != entry["stage"]:
                    journey.append(entry["stage"])

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


@pytest.fixture
def scene(cluster: Cluster, webhook: WebhookProcess, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(cluster, webhook, tmp_path)
    with contextlib.closing(made):
        yield made


def targets(*names: str) -> list[Json]:
    return [{"name": name, "stage": "enforce"} for name in names]


def test_five_namespaces_walk_to_enforce_and_the_others_have_their_reasons(
    scene: Scene, api: ApiProxy, namespace: Callable[..., str]
) -> None:
    walking = [namespace("walks") for _ in range(5)]
    dirty, spiky, waived = namespace("dirty"), namespace("spiky"), namespace("waived")
    scene.names = [*walking, dirty, spiky, waived]
    scene.found[dirty] = Counts(open=2)
    yesterday = scene.now.date() - datetime.timedelta(days=1)
    scene.found[waived] = Counts(waived=1, ends=(yesterday,))
    scene.put(INVARIANT, namespaces=targets(*scene.names), gates=GATES)
    weekly = {"days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]}
    frozen = {**GATES, "freezeWindows": [{"weekly": weekly, "reason": "end of year"}]}
    scene.put(OTHER, namespaces=targets(walking[0]), gates=frozen)
    for _ in range(7):
        scene.tick()
    for name in (*walking, spiky):
        assert scene.journeys[INVARIANT, name] == ["audit", "warn", "enforce"], scene.entry(name)
    seconds_until(lambda: all(denied(api, name) for name in walking), EFFECT_SECONDS)
    stays = scene.entry(dirty)
    assert (stays["stage"], stays["reason"]) == ("audit", "Violations")
    assert denied(api, dirty) is None
    expired = scene.entry(waived)
    assert (expired["stage"], expired["reason"]) == ("audit", "Violations")
    assert "1 of them with an expired waiver" in expired["message"]
    waits = scene.entry(walking[0], OTHER)
    assert (waits["stage"], waits["reason"]) == ("audit", "Frozen")
    assert "end of year" in waits["message"]

    seconds_until(lambda: denied(api, spiky) is not None, EFFECT_SECONDS)
    for _ in range(5):
        assert denied(api, spiky)
    scene.tick()
    back = scene.entry(spiky)
    assert (back["stage"], back["step"]) == ("warn", "RolledBack"), back
    seconds_until(lambda: denied(api, spiky) is None, EFFECT_SECONDS)
    assert scene.entry(walking[1])["stage"] == "enforce"

    scene.found.clear()
    scene.tick()
    assert scene.entry(dirty)["stage"] == "warn"
    assert scene.entry(waived)["stage"] == "warn"
    told = ["Promoted enforce", "Promoted warn"]
    for name in walking:
        assert scene.events(name) == told
    assert "RolledBack warn" in scene.events(spiky)


def test_killed_at_every_write_it_skips_and_repeats_nothing(
    scene: Scene, namespace: Callable[..., str]
) -> None:
    names = [namespace("killed") for _ in range(2)]
    scene.names = names
    scene.dies_at = iter([1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4, 5, 1, 2, 3, 4])
    scene.put(INVARIANT, namespaces=targets(*names), gates=GATES)
    for _ in range(7):
        scene.tick()
    for name in names:
        assert scene.journeys[INVARIANT, name] == ["audit", "warn", "enforce"], scene.entry(name)
        seconds_until(
            lambda name=name: scene.events(name) == ["Promoted enforce", "Promoted warn"], 30
        )
    print(f"{scene.lives} lives")
    assert scene.lives > 4


def test_without_scans_and_without_the_webhook_nothing_is_promoted(
    scene: Scene, namespace: Callable[..., str]
) -> None:
    name = namespace("blind")
    scene.names = [name]
    scene.put(INVARIANT, namespaces=targets(name), gates=GATES)
    for _ in range(4):
        scene.tick(scan=False)
    entry = scene.entry(name)
    assert (entry["stage"], entry["message"]) == ("audit", "there is no scan")


def test_pod_security_labels_follow_and_those_of_others_are_left_alone(
    scene: Scene, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    ours = namespace("ours")
    theirs = namespace("theirs", **{f"{PSA}warn": "privileged"})
    scene.names = [ours, theirs]
    scene.put(
        INVARIANT,
        namespaces=targets(ours, theirs),
        gates=GATES,
        podSecurity={"level": "baseline"},
    )
    seen: list[set[str]] = []
    for _ in range(8):
        scene.tick()
        modes = {k for k in _labels(cluster, ours) if not k.endswith("-version")}
        if not seen or seen[-1] != modes:
            seen.append(modes)
    assert seen[-3:] == [{"audit"}, {"audit", "warn"}, {"audit", "warn", "enforce"}]
    assert _labels(cluster, theirs)["warn"] == "privileged"
    assert _labels(cluster, theirs)["enforce"] == "baseline"
    assert (
        "somebody else's: pod-security.kubernetes.io/warn=privileged"
        in (scene.entry(theirs)["podSecurity"])
    )
    scene.put(
        INVARIANT,
        namespaces=[{"name": ours, "stage": "audit"}],
        gates=GATES,
        podSecurity={"level": "baseline"},
    )
    scene.tick()
    scene.tick()
    assert {k for k in _labels(cluster, ours) if not k.endswith("-version")} == {"audit"}


def test_labels_go_with_what_asked_for_them_and_others_keep_theirs(
    scene: Scene, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    first, second = namespace("first"), namespace("second")
    scene.names = [first, second]
    labels = {"podSecurity": {"level": "baseline"}}
    scene.put(INVARIANT, namespaces=targets(first, second), gates=GATES, **labels)
    scene.tick()
    scene.tick()
    mine = {"audit": "baseline", "audit-version": "latest"}
    seconds_until(lambda: _labels(cluster, second) == mine, EFFECT_SECONDS)
    theirs = {"name": first, "labels": {f"{PSA}audit": "baseline", f"{PSA}warn": "privileged"}}
    shared = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": theirs})
    people = ("--server-side", "--field-manager=people", "-f", "-")
    cluster.kubectl("apply", *people, stdin=shared)

    scene.put(INVARIANT, namespaces=targets(first), gates=GATES, **labels)
    seconds_until(lambda: _labels(cluster, second) == {}, EFFECT_SECONDS)
    assert _labels(cluster, first).keys() >= mine.keys(), "it is still named"

    scene.put(INVARIANT, namespaces=targets(first), gates=GATES)
    left = {"audit": "baseline", "warn": "privileged"}
    seconds_until(lambda: _labels(cluster, first) == left, EFFECT_SECONDS)
    scene.tick()
    assert scene.entry(first).get("podSecurity", "") == ""

    scene.put(INVARIANT, namespaces=targets(second), gates=GATES, **labels)
    scene.tick()
    scene.tick()
    seconds_until(lambda: _labels(cluster, second) == mine, EFFECT_SECONDS)
    cluster.kubectl("delete", "invariantrollout", scene.rollouts.pop())
    seconds_until(lambda: _labels(cluster, second) == {}, EFFECT_SECONDS)
    assert _labels(cluster, first) == left


def _labels(cluster: Cluster, namespace: str) -> dict[str, str]:
    done = cluster.kubectl("get", "namespace", namespace, "-o", "json")
    labels = json.loads(done.stdout)["metadata"]["labels"]
    return {k.removeprefix(PSA): v for k, v in labels.items() if k.startswith(PSA)}


def _command(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*karb_guard(), "rollout", *arguments, f"--kubeconfig={cluster.kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_people_ask_and_are_told_why_not(
    scene: Scene, cluster: Cluster, api: ApiProxy, namespace: Callable[..., str]
) -> None:
    name, dirty = namespace("asked"), namespace("dirty")
    scene.names = [name, dirty]
    scene.found[dirty] = Counts(open=1)
    slow = {**GATES, "soak": "1000h"}
    scene.put(INVARIANT, namespaces=targets(name, dirty), gates=slow)
    missing = _command(cluster, "promote", INVARIANT, f"--namespace={name}")
    assert (missing.returncode, "no entry for namespace" in missing.stderr) == (2, True)
    for _ in range(3):
        scene.tick()
    asked = _command(cluster, "promote", INVARIANT, f"--namespace={name}")
    assert asked.returncode == 0, asked.stderr
    _turned_back(scene, cluster, name)
    scene.tick()
    assert scene.entry(name)["stage"] == "warn"
    shown = _command(cluster, "status", INVARIANT)
    assert name in shown.stdout
    planned = _command(cluster, "plan", INVARIANT, "--format=json", f"--namespace={name}")
    row = json.loads(planned.stdout)[0]
    assert (row["stage"], row["following"]) == ("warn", "enforce")
    refused = _command(cluster, "promote", INVARIANT, f"--namespace={dirty}")
    assert refused.returncode == 2
    assert "1 unwaived violations" in refused.stderr

    back = _command(cluster, "rollback", INVARIANT, f"--namespace={name}", "--to=audit")
    assert back.returncode == 0, back.stderr
    again = _command(cluster, "rollback", INVARIANT, f"--namespace={name}", "--to=audit")
    assert (again.returncode, "is at audit" in again.stderr) == (2, True)
    scene.tick()
    entry = scene.entry(name)
    assert (entry["stage"], entry["step"]) == ("audit", "Lowered")


def _turned_back(scene: Scene, cluster: Cluster, name: str) -> None:
    """The command has the real time; the controller here is ahead of it: bring the wish there."""
    key = f"promote.karb.dev/{name}"
    value = scene.get()["metadata"]["annotations"][key]
    assert value.startswith("warn ")
    wish = f"{key}=warn {text_of(scene.now)}"
    cluster.kubectl("annotate", "invariantrollout", INVARIANT, wish, "--overwrite")


def test_the_command_itself_leads_and_writes(
    cluster: Cluster,
    webhook: WebhookProcess,
    scene: Scene,
    namespace: Callable[..., str],
    namespaces: Namespaces,
) -> None:
    name, own = namespace("command"), namespaces.bare()
    scene.put(INVARIANT, namespaces=targets(name), gates=GATES)
    arguments = [
        f"--replica=127.0.0.1:{webhook.metrics_port}",
        f"--namespace={own}",
        "--lease=karb-guard-rollout",
        "--every=1s",
        f"--kubeconfig={cluster.kubeconfig}",
    ]
    with scene.log.open("wb") as log:
        command = [*karb_guard(), "rollout", "controller", *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        seconds_until(lambda: scene.entry(name).get("stage") == "audit", ROUND_SECONDS)
        lease = cluster.kubectl("get", "lease", "karb-guard-rollout", "-n", own, "-o", "name")
        assert "karb-guard-rollout" in lease.stdout
        process.terminate()
        assert process.wait(20) == 0, scene.log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
