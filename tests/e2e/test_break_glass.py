"""``karb-guard break-glass`` as an operator types it, with the webhook alive and dead."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    BAD,
    EFFECTIVE_SECONDS,
    SESSION_CONFIG,
    Namespaces,
    pod,
    seconds_until,
    until_judged,
)
from tests.support.webhook_process import KIND, WebhookProcess, karb_guard, serving
from webhook.registration import HELD_SECONDS

pytestmark = pytest.mark.e2e

Say = Callable[[str], None]


@pytest.fixture
def own(
    start_webhook: Callable[..., WebhookProcess], api: ApiProxy, namespaces: Namespaces, home: str
) -> Iterator[tuple[WebhookProcess, str]]:
    """A webhook that may be harmed, and a namespace where it enforces all."""
    arguments = (f"--namespace={home}", "--lease=karb-guard")
    with serving(start_webhook(SESSION_CONFIG, more_arguments=arguments)) as process:
        where = namespaces.make("enforce", process)
        until_judged(api, process, where)
        yield process, where


@pytest.fixture
def command(cluster: Cluster, home: str) -> Iterator[Callable[..., Any]]:
    """Run ``karb-guard break-glass``; it is off again at the end."""

    def run(*words: str) -> Any:
        where = [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={home}"]
        return subprocess.run(
            [*karb_guard(), "break-glass", *words, *where],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    yield run
    run("off")


def bad_pod(api: ApiProxy, where: str) -> Any:
    return api.create(pod("breaker", **BAD), where, dry_run=True)


def test_on_admits_with_a_warning_and_off_denies_again(  # noqa: PLR0917 - fixtures
    cluster: Cluster,
    api: ApiProxy,
    own: tuple[WebhookProcess, str],
    home: str,
    command: Callable[..., Any],
    say: Say,
) -> None:
    process, where = own
    assert bad_pod(api, where).status == 403
    assert command("status").returncode == 0
    done = command("on", "--reason", "node pool is gone", "--for", "10m")
    assert done.returncode == 0, done.stderr
    assert f"configmap {home}/karb-guard-break-glass: written" in done.stdout
    assert "to undo: karb-guard break-glass off" in done.stdout
    took = seconds_until(lambda: bad_pod(api, where).status == 201, EFFECTIVE_SECONDS)
    say(f"break-glass on: a bad pod is admitted after {took:.2f} s")
    warnings = bad_pod(api, where).warnings
    assert "by admin): node pool is gone; admitted, would be denied" in warnings[0]
    assert any("res-mem" in warning for warning in warnings)
    assert process.metric("karb_guard_break_glass") == 1
    assert process.metric("karb_guard_break_glass_admissions_total") >= 1
    told = command("status")
    assert told.returncode == 1
    assert "node pool is gone" in told.stdout
    events = json.loads(cluster.kubectl("get", "events", f"-n{home}", "-ojson").stdout)["items"]
    assert any(e["reason"] == "BreakGlassOn" and "node pool" in e["message"] for e in events)
    done = command("off")
    assert done.returncode == 0
    took = seconds_until(lambda: bad_pod(api, where).status == 403, EFFECTIVE_SECONDS)
    say(f"break-glass off: a bad pod is denied after {took:.2f} s")
    assert command("status").returncode == 0


def test_it_ends_by_itself(
    api: ApiProxy, own: tuple[WebhookProcess, str], command: Callable[..., Any]
) -> None:
    _, where = own
    assert command("on", "--reason", "short", "--for", "5s").returncode == 0
    seconds_until(lambda: bad_pod(api, where).status == 201, 5)
    seconds_until(lambda: bad_pod(api, where).status == 403, EFFECTIVE_SECONDS)


def test_hard_makes_creates_work_with_every_replica_dead_and_is_undone(
    cluster: Cluster,
    api: ApiProxy,
    own: tuple[WebhookProcess, str],
    command: Callable[..., Any],
    say: Say,
) -> None:
    process, where = own
    assert process.process is not None
    process.process.kill()
    process.process.wait(10)
    seconds_until(lambda: bad_pod(api, where).status == 500, EFFECTIVE_SECONDS)
    done = command("on", "--hard", "--reason", "all replicas are dead", "--for", "20m")
    assert done.returncode == 0, done.stderr
    assert f"ValidatingWebhookConfiguration {process.name}: API servers no longer" in done.stdout
    took = seconds_until(lambda: bad_pod(api, where).status == 201, EFFECTIVE_SECONDS)
    say(f"hard break-glass with every replica dead: creates work after {took:.2f} s")
    process.start()  # comes back, and leaves its registration alone
    # Its predecessor's Lease has to run out first.
    held = "karb_guard_registrations_total"
    seconds_until(lambda: process.metric(held, outcome="held") >= 1, 15 + EFFECTIVE_SECONDS)
    assert bad_pod(api, where).status == 201
    done = command("off")
    assert "asked again" in done.stdout
    took = seconds_until(lambda: bad_pod(api, where).status == 403, EFFECTIVE_SECONDS)
    say(f"hard break-glass off: a bad pod is denied after {took:.2f} s")


def test_hard_ends_by_itself_where_a_replica_runs(
    cluster: Cluster,
    api: ApiProxy,
    own: tuple[WebhookProcess, str],
    command: Callable[..., Any],
    say: Say,
) -> None:
    process, where = own
    assert command("on", "--hard", "--reason", "short", "--for", "6s").returncode == 0
    seconds_until(lambda: bad_pod(api, where).warnings == (), 5)
    took = seconds_until(lambda: bad_pod(api, where).status == 403, 6 + HELD_SECONDS + 5)
    say(f"hard break-glass of 6 s: registered again after {took:.1f} s")
    document = cluster.kubectl("get", KIND, process.name, "-ojson").stdout
    assert "break-glass" not in document


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("on",), "--reason"),
        (("on", "--reason", " "), "--reason"),
        (("on", "--reason", "x", "--for", "25h"), "24h"),
        (("on", "--reason", "x", "--for", "soon"), "soon"),
    ],
)
def test_a_mistake_is_named_and_switches_nothing_on(
    command: Callable[..., Any], words: tuple[str, ...], problem: str
) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert command("status").returncode == 0
