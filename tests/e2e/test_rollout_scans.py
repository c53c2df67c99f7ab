"""Rollouts on the evidence of real scans: what runs in a namespace, and what its waivers say."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audit.controller.loop import Controller, Sources
from audit.controller.replicas import GivenReplicas
from audit.controller.scanning import ClusterScanner
from audit.controller.sources import ScanningSource
from karb_guard.assembly.policies import Choices
from karb_guard.cluster.client import connect
from karb_guard.cluster.leases import Alone
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, deployment
from tests.support.own_objects import rollout, waiver
from tests.support.webhook_process import Judging, WebhookProcess

pytestmark = pytest.mark.e2e

INVARIANT = "res-mem"
GATES = {"soak": "10m", "denialWindow": "5m", "maxDenials": 30, "evidenceMaxAge": "1h"}
TICK = datetime.timedelta(minutes=5)

Json = dict[str, Any]


@pytest.fixture(scope="module")
def webhook(judging: Judging, kinds: None) -> Iterator[WebhookProcess]:
    """A webhook that enforces nothing by configuration."""
    with judging({}) as process:
        yield process


class Loop:
    """A controller with a scanner in this process, and its clock."""

    def __init__(self, cluster: Cluster, webhook: WebhookProcess) -> None:
        client = connect(cluster.kubeconfig)
        self.ahead = datetime.timedelta(0)
        self.cluster = cluster
        scanner = ClusterScanner(client, Choices(), "e2e", self.now)
        self.scans = ScanningSource(scanner.scan, datetime.timedelta(days=1000), self.now)
        self.scans._tried = self.now()  # scans when the test says so
        replicas = GivenReplicas([f"127.0.0.1:{webhook.metrics_port}"])
        sources = Sources(replicas, self.scans, {INVARIANT: INVARIANT})
        self.controller = Controller(client, sources, Alone(), self.now, datetime.timedelta(0))

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + self.ahead

    def tick(self, by: datetime.timedelta = TICK) -> dict[str, Json]:
        self.ahead += by
        self.scans.attempt()
        self.controller.round()
        done = self.cluster.kubectl("get", "invariantrollout", INVARIANT, "-o", "json")
        return {e["name"]: e for e in json.loads(done.stdout)["status"]["namespaces"]}


def test_what_runs_in_a_namespace_decides(
    cluster: Cluster,
    webhook: WebhookProcess,
    namespace: Callable[..., str],
    apply: Callable[..., Any],
) -> None:
    clean, dirty, waived = namespace("clean"), namespace("dirty"), namespace("waived")
    assert apply(deployment("good"), clean).returncode == 0
    for where in (dirty, waived):
        assert apply(deployment("bad", **BAD), where).returncode == 0
    loop = Loop(cluster, webhook)
    tomorrow = loop.now().date() + datetime.timedelta(days=1)
    staged = rollout(clean, dirty, waived, invariant=INVARIANT, gates=GATES)
    granted = waiver(waived, "bad", workload="bad", until=tomorrow.isoformat())
    try:
        for obj in (granted, staged):
            cluster.kubectl("apply", "-f", "-", stdin=json.dumps(obj))
        for _ in range(3):
            found = loop.tick()
        assert {n: found[n]["stage"] for n in (clean, dirty, waived)} == {
            clean: "warn",
            dirty: "audit",
            waived: "warn",
        }, found
        assert found[dirty]["reason"] == "Violations"
        assert (found[dirty]["open"], found[waived].get("waived")) == (1, 1)
        loop.tick(datetime.timedelta(days=3))  # the waiver ends meanwhile
        for _ in range(2):
            found = loop.tick()
        assert found[clean]["stage"] == "enforce", found[clean]
        assert (found[waived]["stage"], found[waived]["reason"]) == ("warn", "Violations")
    finally:
        cluster.kubectl("delete", "invariantrollout", INVARIANT, "--ignore-not-found")
