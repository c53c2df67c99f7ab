"""A follower that starts just after the CA changed: ready once API servers trust it, not before."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from karb_guard.cluster.client import connect
from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.e2e_cluster import SESSION_CONFIG, Json, Namespaces, seconds_until
from tests.support.webhook_process import LOOPBACK, WebhookProcess, environment
from webhook.certificates import new_authority
from webhook.keeper import utc_now
from webhook.secret_store import SecretStore
from webhook.trust import SETTLING_SECONDS

pytestmark = pytest.mark.e2e

START_SECONDS = 60
SECRET, LEASE = "ca", "webhook"


def missing(process: WebhookProcess) -> Json | None:
    """What ``/readyz`` says is missing; ``None`` where nobody answers yet."""
    url = f"http://{LOOPBACK}:{process.metrics_port}/readyz"
    with contextlib.suppress(OSError):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: Json = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            found = json.loads(error.read())
        return dict(found["missing"])
    return None


def led_by_somebody_else(namespace: str) -> Json:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "another", "leaseDurationSeconds": 600, "renewTime": now}
    metadata = {"name": LEASE, "namespace": namespace}
    api = "coordination.k8s.io/v1"
    return {"apiVersion": api, "kind": "Lease", "metadata": metadata, "spec": spec}


def test_a_follower_is_ready_once_the_registered_bundle_has_its_ca(
    cluster: Cluster,
    start_webhook: Callable[..., WebhookProcess],
    namespaces: Namespaces,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = namespaces.bare()
    older, newest = (new_authority(utc_now()) for _ in range(2))
    SecretStore(connect(cluster.kubeconfig), where, SECRET).save(newest, None)
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(led_by_somebody_else(where)))
    follower = start_webhook(
        SESSION_CONFIG,
        tls_secret=SECRET,
        more_arguments=[f"--namespace={where}", f"--lease={LEASE}"],
    )
    follower._write_files()
    document = json.loads((follower.directory / "registration.json").read_text())

    def register(bundle: bytes) -> None:
        for webhook in document["webhooks"]:
            webhook["failurePolicy"] = "Ignore"
            webhook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    try:
        register(older.certificate)
        with (follower.directory / "webhook.log").open("ab") as log:
            follower.process = subprocess.Popen(
                follower.command(), stdout=log, stderr=log, cwd=REPOSITORY, env=environment()
            )
        seconds_until(lambda: set(missing(follower) or {}) == {"trust"}, START_SECONDS)
        time.sleep(1)
        said = missing(follower)
        assert said is not None
        assert "does not hold the CA of this replica's certificate" in said["trust"]
        register(newest.certificate + older.certificate)
        took = seconds_until(lambda: missing(follower) == {}, SETTLING_SECONDS + 10)
        with capsys.disabled():
            print(f"\n    ready {took:.1f} s after the caBundle was put right")
    finally:
        follower.stop()
