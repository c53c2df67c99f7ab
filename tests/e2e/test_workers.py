"""Several workers judge alike by what only their supervisor sees of a real cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, deployment, pod, seconds_until
from tests.support.own_objects import rollout, waiver
from tests.support.webhook_process import Judging, WebhookProcess, karb_guard
from tests.support.worker_connections import WorkerConnections

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
WORKERS = 3
EFFECT_SECONDS = 10
"""A watch takes milliseconds, and so does the way to the workers; the machine may be busy."""


@pytest.fixture(scope="module")
def webhook(
    judging: Judging,
    kinds: None,
    home: str,
) -> Iterator[WebhookProcess]:
    """A webhook with workers that enforces nothing by configuration."""
    more = (f"--namespace={home}", f"--workers={WORKERS}", "--log-level=debug")
    with judging({}, more_arguments=more) as process:
        seconds_until(lambda: process.metric("karb_guard_workers_ready") == WORKERS, 60)
        yield process


class Everyone(WorkerConnections):
    """Connections to every worker."""

    def all_deny(self, namespace: str) -> bool:
        """Whether a Deployment without a memory limit is denied by all."""
        return not any(self.answers(deployment("probe", **BAD), namespace))

    def all_admit(self, namespace: str) -> bool:
        """Whether it is admitted by all."""
        return all(self.answers(deployment("probe", **BAD), namespace))


@pytest.fixture(scope="module")
def everyone(webhook: WebhookProcess) -> Everyone:
    """Connections to every worker."""
    bundle = (webhook.tls_directory / "ca.crt").read_bytes()
    return Everyone(webhook.port, bundle, webhook.directory / "webhook.log", WORKERS)


def test_labels_of_a_namespace_reach_every_worker(
    cluster: Cluster, everyone: Everyone, where: str
) -> None:
    assert everyone.all_admit(where)
    cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
    took = seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)
    print(f"a label counted everywhere after {took:.2f} s")
    cluster.kubectl("label", "namespace", where, "karb.dev/stage-")
    seconds_until(lambda: everyone.all_admit(where), EFFECT_SECONDS)


def test_rollouts_and_waivers_reach_every_worker(
    cluster: Cluster, everyone: Everyone, where: str
) -> None:
    try:
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(rollout(where)))
        seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(waiver(where, "probe")))
        seconds_until(lambda: everyone.all_admit(where), EFFECT_SECONDS)
        cluster.kubectl("delete", "-n", where, "waiver", "probe")
        seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)
    finally:
        cluster.kubectl("delete", "invariantrollout", "res-mem", "--ignore-not-found")
    seconds_until(lambda: everyone.all_admit(where), EFFECT_SECONDS)


def test_break_glass_reaches_every_worker(
    cluster: Cluster, everyone: Everyone, where: str, home: str
) -> None:
    cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
    seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)

    def break_glass(*words: str) -> None:
        flags = [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={home}"]
        subprocess.run([*karb_guard(), "break-glass", *words, *flags], check=True, timeout=60)

    break_glass("on", "--reason=a drill", "--for=10m")
    try:
        seconds_until(lambda: everyone.all_admit(where), EFFECT_SECONDS)
    finally:
        break_glass("off")
    seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)


def test_denials_of_all_workers_are_one_series_of_events(
    cluster: Cluster, everyone: Everyone, where: str
) -> None:
    cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
    seconds_until(lambda: everyone.all_deny(where), EFFECT_SECONDS)
    owner = {"apiVersion": "example.com/v1", "kind": "Crew", "name": "crew", "uid": "u-1"}
    bad = pod("crew-0", **BAD)
    bad["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    assert not any(everyone.answers(bad, where))

    def told() -> list[Json]:
        text = cluster.kubectl("get", "events.events.k8s.io", "-n", where, "-ojson").stdout
        items: list[Json] = json.loads(text)["items"]
        return [e for e in items if e["regarding"]["kind"] == "Crew"]

    seconds_until(lambda: bool(told()), EFFECT_SECONDS)
    (event,) = told()
    assert event["reason"] == "PodDenied"
