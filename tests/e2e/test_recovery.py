"""The cluster comes back without hands, from a real API server's point of view; times are printed.

The webhook fails closed here, so that a create that works again means that it answers again.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from karb_guard.cluster.leases import LeaseTimes
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    EFFECTIVE_SECONDS,
    SESSION_CONFIG,
    Namespaces,
    denied,
    deployment,
    seconds_until,
    until_judged,
)
from tests.support.webhook_process import KIND, WebhookProcess, karb_guard, serving
from webhook.certificates import certificates_of, new_authority
from webhook.keeper import REFRESH_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

SECRET, LEASE = "karb-guard-ca", "karb-guard"
ROTATION_SECONDS = 2 * REFRESH_SECONDS + 5
START_SECONDS = LeaseTimes().duration + 30

Say = Callable[[str], None]


class Place:
    """A webhook with its Secret and Lease in the cluster, and a namespace that it enforces."""

    def __init__(self, cluster: Cluster, process: WebhookProcess, home: str, where: str) -> None:
        self.cluster, self.process, self.home, self.where = cluster, process, home, where

    def secret(self) -> dict[str, Any] | None:
        done = self.cluster.kubectl(
            "get", "secret", SECRET, f"-n{self.home}", "-ojson", check=False
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def authority(self) -> bytes:
        found = self.secret()
        return base64.b64decode(found["data"]["ca.crt"]) if found else b""

    def put(self, certificate: bytes, key: bytes) -> None:
        data = {
            name: base64.b64encode(content).decode()
            for name, content in (("ca.crt", certificate), ("ca.key", key))
        }
        patch = json.dumps({"data": data})
        self.cluster.kubectl("patch", "secret", SECRET, f"-n{self.home}", "-p", patch)

    def kill(self) -> None:
        assert self.process.process is not None
        self.process.process.kill()
        self.process.process.wait(10)


@pytest.fixture(scope="module")
def place(
    cluster: Cluster,
    api: ApiProxy,
    namespaces: Namespaces,
    start_webhook: Callable[..., WebhookProcess],
) -> Iterator[Place]:
    home = namespaces.bare()
    arguments = (f"--namespace={home}", f"--lease={LEASE}")
    made = start_webhook(SESSION_CONFIG, more_arguments=arguments, tls_secret=SECRET)
    with serving(made) as process:
        where = namespaces.make("enforce", process)
        until_judged(api, process, where)
        yield Place(cluster, process, home, where)


def in_force(api: ApiProxy, where: str) -> bool:
    """Whether the API server asks the webhook, and takes its word for bad and good."""
    return "KARB-RES-002" in (denied(api, where) or "") and works(api, where)


def works(api: ApiProxy, where: str) -> bool:
    return api.create(deployment(), where, dry_run=True).status == 201


def test_all_replicas_gone_and_back(api: ApiProxy, place: Place, say: Say) -> None:
    place.kill()
    seconds_until(lambda: not works(api, place.where), EFFECTIVE_SECONDS)
    started = time.monotonic()
    place.process.start()
    seconds_until(lambda: in_force(api, place.where), START_SECONDS)
    say(f"all replicas gone: creates work {time.monotonic() - started:.1f} s after the start")


def test_a_deleted_secret_comes_back_as_it_was(api: ApiProxy, place: Place, say: Say) -> None:
    seconds_until(lambda: place.process.metric("karb_guard_leader") == 1, START_SECONDS)
    before = place.authority()
    assert before
    place.cluster.kubectl("delete", "secret", SECRET, f"-n{place.home}")
    took = seconds_until(lambda: place.secret() is not None, ROTATION_SECONDS)
    assert place.authority() == before
    assert in_force(api, place.where)
    say(f"Secret deleted: written again after {took:.1f} s, nothing failed in between")


def test_a_half_written_secret_changes_nothing_for_clients(
    api: ApiProxy, place: Place, say: Say
) -> None:
    before = place.authority()
    other = new_authority(datetime.datetime.now(datetime.UTC))
    place.put(other.certificate, b"half")
    failures = 0

    def mended() -> bool:
        nonlocal failures
        failures += not in_force(api, place.where)
        return place.authority() == before

    took = seconds_until(mended, ROTATION_SECONDS)
    assert failures == 0
    say(f"Secret half written: the old pair kept serving, mended after {took:.1f} s")


def test_a_deleted_configuration_comes_back(api: ApiProxy, place: Place, say: Say) -> None:
    place.cluster.kubectl("delete", KIND, place.process.name)
    took = seconds_until(lambda: in_force(api, place.where), EFFECTIVE_SECONDS)
    say(f"webhook configuration deleted: judged again after {took:.2f} s")


def test_a_relabelled_namespace_is_judged_by_its_new_labels(
    api: ApiProxy, place: Place, namespaces: Namespaces, say: Say
) -> None:
    where = namespaces.make("warn", place.process)
    seconds_until(lambda: works(api, where), EFFECTIVE_SECONDS)
    assert denied(api, where) is None
    place.cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
    took = seconds_until(lambda: denied(api, where) is not None, EFFECTIVE_SECONDS)
    say(f"namespace relabelled to enforce: denied after {took:.2f} s")


def test_an_authority_that_expires_while_nobody_looks_is_replaced(
    api: ApiProxy, place: Place, say: Say
) -> None:
    """Frozen processes renew nothing; thawed, they find an authority and a leaf that are over."""
    life = datetime.timedelta(seconds=45)
    born = time.monotonic()
    short = new_authority(datetime.datetime.now(datetime.UTC), life)
    place.put(short.certificate, short.key)

    def registered() -> list[Any]:
        return certificates_of(base64.b64decode(place.process.ca_bundle()))

    ours = certificates_of(short.certificate)[0]
    seconds_until(lambda: ours in registered(), ROTATION_SECONDS)
    # Out with the old one: its leaf and its place in the bundle.
    place.put(short.certificate, short.key)
    seconds_until(lambda: registered() == [ours], ROTATION_SECONDS)
    seconds_until(lambda: in_force(api, place.where), EFFECTIVE_SECONDS)
    assert place.process.process is not None
    number = place.process.process.pid
    os.kill(number, signal.SIGSTOP)
    try:
        time.sleep(max(0.0, life.total_seconds() + 1 - (time.monotonic() - born)))
    finally:
        os.kill(number, signal.SIGCONT)
    thawed = time.monotonic()
    seconds_until(lambda: ours not in registered(), ROTATION_SECONDS + LeaseTimes().duration)
    seconds_until(lambda: in_force(api, place.where), EFFECTIVE_SECONDS)
    say(
        f"authority expired: replaced and trusted {time.monotonic() - thawed:.1f} s after waking up"
    )


def test_an_authority_that_expired_while_no_replica_ran_is_replaced(
    api: ApiProxy, place: Place, say: Say
) -> None:
    place.kill()
    now = datetime.datetime.now(datetime.UTC)
    old = new_authority(now - datetime.timedelta(days=400))
    place.put(old.certificate, old.key)
    started = time.monotonic()
    place.process.start()
    seconds_until(lambda: in_force(api, place.where), START_SECONDS)
    took = time.monotonic() - started
    say(f"authority expired and all replicas gone: creates work {took:.1f} s after the start")
    assert certificates_of(place.authority())[0].not_valid_after_utc > now


def unregister(place: Place, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *karb_guard(),
            "webhook",
            "unregister",
            f"--kubeconfig={kubeconfig}",
            f"--namespace={place.home}",
            f"--lease={LEASE}",
            f"--registration-name={place.process.name}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def exists(place: Place) -> bool:
    return place.cluster.kubectl("get", KIND, place.process.name, check=False).returncode == 0


@pytest.mark.parametrize("alive", [True, False], ids=["replicas alive", "replicas dead"])
def test_unregistered_nothing_is_left_that_could_fail(
    api: ApiProxy, place: Place, say: Say, alive: bool
) -> None:
    if not alive:
        # The Lease of the run before has to run out; here an operator lets it go.
        place.cluster.kubectl("delete", "lease", LEASE, f"-n{place.home}", "--ignore-not-found")
        seconds_until(lambda: exists(place), START_SECONDS)
        seconds_until(lambda: in_force(api, place.where), EFFECTIVE_SECONDS)
        place.kill()
        seconds_until(lambda: not works(api, place.where), EFFECTIVE_SECONDS)
    done = unregister(place, place.cluster.kubeconfig)
    assert done.returncode == 0, done.stderr
    assert "no webhook configuration is left" in done.stdout
    took = seconds_until(lambda: works(api, place.where), EFFECTIVE_SECONDS)
    assert denied(api, place.where) is None
    assert not exists(place)
    if alive:
        time.sleep(LeaseTimes().renew_deadline)
        assert not exists(place), "a replica registered again"
    say(f"unregistered ({'alive' if alive else 'dead'} replicas): creates work after {took:.2f} s")
