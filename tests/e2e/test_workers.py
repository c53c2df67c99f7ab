"""Several workers judge alike by what only their supervisor sees of a real cluster."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.e2e_cluster import BAD, deployment, pod, seconds_until
from tests.support.own_objects import rollout, waiver
from tests.support.webhook_process import Judging, WebhookProcess, karb_guard, unique
from tests.support.webhook_rig import review
from webhook.tls import client_context

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
CRDS = REPOSITORY / "charts/karb-guard/files/crds"
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


class Everyone:
    """Connections to every worker."""

    def __init__(self, webhook: WebhookProcess) -> None:
        self._webhook = webhook
        bundle = (webhook.tls_directory / "ca.crt").read_bytes()
        context = client_context(bundle)
        # New ones go to who has the fewest, and API servers have some too.
        self._connections = [
            http.client.HTTPSConnection(webhook.host, webhook.port, timeout=20, context=context)
            for _ in range(4 * WORKERS)
        ]
        for connection in self._connections:
            connection.connect()
        run = unique("run")
        self.answers(pod(run, **BAD), "default", run)
        seconds_until(lambda: len(self._workers(run)) == WORKERS, 5)

    def answers(self, obj: Json, namespace: str, run: str = "run") -> list[bool]:
        """What each connection is told about a new object; every worker is among them."""
        told: list[bool] = []
        for number, connection in enumerate(self._connections):
            request = review(obj, uid=f"{run}-{number}", namespace=namespace)
            connection.request(
                "POST", "/validate", json.dumps(request), {"content-type": "application/json"}
            )
            answer = json.loads(connection.getresponse().read())
            told.append(answer["response"]["allowed"])
        return told

    def all_deny(self, namespace: str) -> bool:
        """Whether a Deployment without a memory limit is denied by all."""
        return not any(self.answers(deployment("probe", **BAD), namespace))

    def all_admit(self, namespace: str) -> bool:
        """Whether it is admitted by all."""
        return all(self.answers(deployment("probe", **BAD), namespace))

    def _workers(self, run: str) -> set[int]:
        text = (self._webhook.directory / "webhook.log").read_text(errors="replace")
        lines = [json.loads(line) for line in text.splitlines() if run in line and line[-1] == "}"]
        return {line["worker"] for line in lines}


@pytest.fixture(scope="module")
def everyone(webhook: WebhookProcess) -> Everyone:
    """Connections to every worker."""
    return Everyone(webhook)


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
