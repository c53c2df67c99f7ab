"""Staged rollouts beside two replicas of the webhook with two workers each.

A replica's workers come and go on their own; what they counted is the replica's.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from karb_guard.rollout.times import moment_of
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, Namespaces, deployment, seconds_until
from tests.support.fleet import Fleet, Replica, deployed
from tests.support.rollout_scene import GATES, INVARIANT, Scene, targets
from tests.support.webhook_process import LOOPBACK, unique
from tests.support.worker_connections import WorkerConnections

pytestmark = pytest.mark.e2e

WORKERS = 2
WINDOW = datetime.timedelta(minutes=15)
LONG = {**GATES, "denialWindow": "15m"}
START_SECONDS = 120

Json = dict[str, Any]


@pytest.fixture(scope="module")
def fleet(
    cluster: Cluster, kinds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Two replicas, four workers."""
    config = {"webhook": {"workers": WORKERS}}
    arguments = ("--log-level=debug",)
    directory = tmp_path_factory.mktemp("fleet")
    with deployed(cluster, directory, config, arguments=arguments) as made:
        for replica in made.replicas:
            _all_work(replica)
        yield made


@pytest.fixture
def scene(cluster: Cluster, fleet: Fleet, tmp_path: Path) -> Iterator[Scene]:
    """A controller that scrapes both."""
    addresses = [f"{LOOPBACK}:{replica.metrics_port}" for replica in fleet.replicas]
    with contextlib.closing(Scene(cluster, addresses, tmp_path)) as made:
        yield made


@pytest.fixture
def asked(fleet: Fleet) -> Iterator[list[WorkerConnections]]:
    """For each replica, connections to each of its workers."""
    with ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(_asked(fleet, r))) for r in fleet.replicas]


def _asked(fleet: Fleet, replica: Replica) -> WorkerConnections:
    bundle = base64.b64decode(fleet.ca_bundle())
    return WorkerConnections(replica.port, bundle, replica.log, WORKERS)


def _all_work(replica: Replica) -> None:
    ready = "karb_guard_workers_ready"
    seconds_until(lambda: replica.metric(ready) == WORKERS, START_SECONDS)


def _pids(replica: Replica) -> dict[int, int]:
    """Worker -> the process that it is now."""
    lines = [json.loads(line) for line in replica.log.read_text().splitlines() if line[-1:] == "}"]
    return {x["worker"]: x["pid"] for x in lines if x["message"] == "worker started"}


def _until(scene: Scene, namespace: str, stage: str) -> None:
    """Some ticks later; no fewer than the gates need, and not many more."""
    for _ in range(8):
        scene.tick()
        if scene.entry(namespace)["stage"] == stage:
            return
    raise AssertionError(f"not at {stage}: {scene.entry(namespace)}")


def _deny(connections: WorkerConnections, worker: int, namespace: str) -> None:
    bad = deployment("probe", **BAD)
    assert not connections.ask(connections.of[worker], bad, namespace, unique("uid"))


def _denied(scene: Scene, namespace: str) -> int:
    """How many denials the stored status knows of."""
    return sum(bucket["count"] for bucket in scene.entry(namespace).get("denials", ()))


def test_a_denial_through_any_worker_counts_once_also_when_the_worker_is_killed(
    fleet: Fleet, scene: Scene, asked: list[WorkerConnections], namespaces: Namespaces
) -> None:
    spiky, probed = (namespaces.make(name, fleet) for name in ("spiky", "probed"))
    scene.names = [spiky, probed]
    scene.put(INVARIANT, namespaces=targets(spiky, probed), gates=LONG)
    _until(scene, spiky, "warn")
    _until(scene, spiky, "enforce")
    bad = deployment("probe", **BAD)
    for connections in asked:  # the stage has got everywhere: asked in the other namespace
        seconds_until(lambda c=connections: not any(c.answers(bad, probed)), 60)

    first, second = asked
    one, other = sorted(first.of)
    for connections, worker in ((first, one), (first, other), (second, one)):
        _deny(connections, worker, spiky)
    scene.tick()
    assert _denied(scene, spiky) == 3
    assert scene.entry(spiky)["stage"] == "enforce", "three are allowed"

    seen_since = scene.watched()["since"]
    replica = fleet.replicas[0]
    before = _pids(replica)
    os.kill(before[one], signal.SIGKILL)
    seconds_until(lambda: _pids(replica)[one] != before[one], START_SECONDS)
    _all_work(replica)
    assert replica.metric("karb_guard_worker_ends_total") == 1
    scene.tick()
    assert _denied(scene, spiky) == 3, "neither lost nor counted again"
    assert scene.watched()["since"] == seen_since, "its counters went on: no gap"

    with contextlib.closing(_asked(fleet, replica)) as again:
        _deny(again, one, spiky)
    scene.tick()
    back = scene.entry(spiky)
    assert (back["stage"], back["step"]) == ("warn", "RolledBack"), back
    told = [e["message"] for s in scene.stored() for e in s["namespaces"] if e["name"] == spiky]
    assert any("enforce -> warn: 4 denials in 15m" in message for message in told), told[-3:]


def test_a_replica_without_workers_is_missing_evidence_and_nothing_is_promoted_on_it(
    fleet: Fleet, scene: Scene, namespaces: Namespaces
) -> None:
    name = namespaces.make("blind", fleet)
    scene.names = [name]
    scene.put(INVARIANT, namespaces=targets(name), gates=LONG)
    _until(scene, name, "warn")
    replica = fleet.replicas[1]
    for _ in range(5):  # 25 minutes: longer than both the soak and the window
        for pid in _pids(replica).values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        seconds_until(lambda: "not ready" in scene.watched().get("message", ""), START_SECONDS)
        scene.tick()
        entry = scene.entry(name)
        assert entry["stage"] == "warn", entry
        assert entry["reason"] in {"NoEvidence", "Soaking"}, entry
        _all_work(replica)
    assert entry["reason"] == "NoEvidence", entry

    _until(scene, name, "enforce")
    assert _shortest_look_before_a_promotion(scene, name) >= WINDOW


def test_a_replica_that_is_killed_with_its_workers_is_missing_until_it_was_seen_for_a_while(
    fleet: Fleet, scene: Scene, namespaces: Namespaces
) -> None:
    name = namespaces.make("halved", fleet)
    scene.names = [name]
    scene.put(INVARIANT, namespaces=targets(name), gates=LONG)
    _until(scene, name, "warn")
    lost = fleet.replicas[1]
    fleet.kill(lost)
    for _ in range(5):
        scene.tick()
        assert scene.entry(name)["stage"] == "warn"
    assert scene.entry(name)["reason"] == "NoEvidence"
    assert f"{LOOPBACK}:{lost.metrics_port}: " in scene.watched()["message"]

    scene.kill()  # the controller that follows is told of another replica, as by a Service
    (new,) = fleet.start_ready()
    _all_work(new)
    scene.replicas = [f"{LOOPBACK}:{replica.metrics_port}" for replica in fleet.replicas]
    scene.tick()
    assert scene.entry(name)["reason"] == "NoEvidence", "it was not seen for long enough"
    _until(scene, name, "enforce")
    assert _shortest_look_before_a_promotion(scene, name) >= WINDOW


def _shortest_look_before_a_promotion(scene: Scene, namespace: str) -> datetime.timedelta:
    """How long all replicas had been seen without a gap, at each promotion that was stored."""
    looks = []
    for status in scene.stored():
        entry = next(e for e in status["namespaces"] if e["name"] == namespace)
        watched = status["webhook"]
        since, at = moment_of(watched.get("since")), moment_of(watched["scrapedAt"])
        if entry["step"] == "Promoted" and moment_of(entry["since"]) == at:
            assert since is not None, "promoted while a replica was missing"
            assert at is not None
            looks.append(at - since)
    assert len(looks) == 2, "to warn and to enforce"
    return min(looks)
