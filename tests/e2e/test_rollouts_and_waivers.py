"""InvariantRollouts, Waivers and old workloads on a real API server with its controllers."""

from __future__ import annotations

import copy
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import own_objects
from tests.support.api_proxy import ApiProxy
from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    BAD,
    denied,
    deployment,
    pod,
    seconds_until,
)
from tests.support.own_objects import rollout
from tests.support.webhook_process import Judging, WebhookProcess, unique

pytestmark = pytest.mark.e2e

EFFECT_SECONDS = 3
"""A rollout or waiver has to count within this time; the watch takes milliseconds."""
CONTROLLER_SECONDS = 30
RECORD = "karb-guard-enforcement"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def webhook(
    judging: Judging,
    kinds: None,
    home: str,
) -> Iterator[WebhookProcess]:
    """A webhook that enforces nothing by configuration, with an enforcement record."""
    more = (f"--namespace={home}", f"--enforcement-record={RECORD}")
    with judging({}, more_arguments=more) as process:
        yield process


@pytest.fixture
def put(cluster: Cluster) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Applies an object of ours and deletes it at the end."""
    made: list[Json] = []

    def apply(obj: Json, *flags: str) -> subprocess.CompletedProcess[str]:
        made.append(obj)
        return cluster.kubectl("apply", "-f", "-", *flags, stdin=json.dumps(obj), check=False)

    yield apply
    for obj in made:
        cluster.kubectl(
            "delete", "-f", "-", "--ignore-not-found", stdin=json.dumps(obj), check=False
        )


def waiver(namespace: str, **spec: Any) -> Json:
    """A Waiver of a new name."""
    return own_objects.waiver(namespace, unique("w"), **spec)


def test_a_rollout_counts_soon_and_the_denial_names_it(
    api: ApiProxy, cluster: Cluster, namespace: Callable[..., str], put: Callable[..., Any]
) -> None:
    where = namespace("plain")
    assert denied(api, where) is None
    done = put(rollout(where))
    assert done.returncode == 0, done.stderr
    took = seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)
    assert "enforced by InvariantRollout res-mem spec.namespaces[0]" in (denied(api, where) or "")
    assert denied(api, namespace("plain")) is None
    cluster.kubectl("delete", "invariantrollout", "res-mem")
    seconds_until(lambda: denied(api, where) is None, EFFECT_SECONDS)
    print(f"a rollout counted after {took:.2f} s")


def test_a_selector_follows_the_labels_of_namespaces(
    api: ApiProxy, cluster: Cluster, namespace: Callable[..., str], put: Callable[..., Any]
) -> None:
    entry = {"selector": {"matchLabels": {"tier": "prod"}}, "stage": "enforce"}
    put(rollout(namespaces=[entry], stage="audit"))
    where = namespace("plain", tier="prod")
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)
    cluster.kubectl("label", "namespace", where, "tier=dev", "--overwrite")
    seconds_until(lambda: denied(api, where) is None, EFFECT_SECONDS)


def test_with_gates_the_status_decides(
    api: ApiProxy, cluster: Cluster, namespace: Callable[..., str], put: Callable[..., Any]
) -> None:
    where = namespace("plain")
    put(rollout(where, gates={"soak": "72h"}, paused=False))
    time.sleep(1)
    assert denied(api, where) is None
    status = {
        "status": {
            "namespaces": [{"name": where, "stage": "enforce", "since": "2026-01-01T00:00:00Z"}]
        }
    }
    cluster.kubectl(
        "patch",
        "invariantrollout",
        "res-mem",
        "--subresource=status",
        "--type=merge",
        f"-p={json.dumps(status)}",
    )
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)


def test_a_waiver_counts_soon_and_ends_when_it_is_deleted(
    *,
    api: ApiProxy,
    cluster: Cluster,
    namespace: Callable[..., str],
    put: Callable[..., Any],
    apply: Callable[..., Any],
    audit_log: AuditLog,
) -> None:
    where = namespace("plain", **{"karb.dev/stage": "enforce"})
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)
    granted = waiver(where)
    done = put(granted)
    assert done.returncode == 0, done.stderr
    seconds_until(lambda: denied(api, where) is None, EFFECT_SECONDS)
    assert apply(deployment("probe", **BAD), where).returncode == 0  # type: ignore[attr-defined]
    notes = audit_log.of_object(where, "probe")
    assert f"measured next week (until {granted['spec']['until']}, team-llm" in notes["waived"]
    other = api.create(deployment("another", **BAD), where, dry_run=True)
    assert other.status == 403
    cluster.kubectl("delete", "-n", where, "waiver", granted["metadata"]["name"])
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)


BAD_ROLLOUTS = {
    "another name": ({"invariant": "res-gpu"}, "the object has to be called like spec.invariant"),
    "no such stage": ({"stage": "deny"}, "Unsupported value"),
    "neither": ({"namespaces": [{"stage": "warn"}]}, "needs one of name and selector"),
    "both": (
        {"namespaces": [{"name": "a", "selector": {}, "stage": "warn"}]},
        "needs one of name and selector",
    ),
    "twice": (
        {"namespaces": [{"name": "a", "stage": "warn"}, {"name": "a", "stage": "audit"}]},
        "no two entries may have the same name",
    ),
    "an operator": (
        {
            "namespaces": [
                {
                    "selector": {"matchExpressions": [{"key": "a", "operator": "In"}]},
                    "stage": "warn",
                }
            ]
        },
        "In and NotIn need values",
    ),
    "soak": ({"gates": {"soak": ""}}, "needs to be a duration"),
    "window": (
        {
            "gates": {
                "freezeWindows": [{"from": "2026-12-24T00:00:00Z", "until": "2026-12-20T00:00:00Z"}]
            }
        },
        "from has to lie before until",
    ),
}


@pytest.mark.parametrize("case", BAD_ROLLOUTS)
def test_the_api_server_refuses_bad_rollouts(
    case: str, kinds: None, put: Callable[..., Any]
) -> None:
    spec, message = BAD_ROLLOUTS[case]
    done = put(rollout() | {"spec": {"invariant": "res-mem", **spec}})
    assert done.returncode != 0
    assert message in done.stderr


BAD_WAIVERS = {
    "no end": ({"until": None}, "spec.until"),
    "no owner": ({"owner": None}, "spec.owner"),
    "empty reason": ({"reason": " "}, "spec.reason"),
    "no date": ({"until": "2026-02-31"}, "spec.until"),
    "no workload": ({"workload": {}}, "needs kind (with name, if you like), selector, or both"),
    "a name alone": ({"workload": {"name": "a", "selector": {}}}, "name needs kind"),
    "ends first": ({"notBefore": "2099-01-01"}, "notBefore has to lie before until"),
}


@pytest.mark.parametrize("case", BAD_WAIVERS)
def test_the_api_server_refuses_bad_waivers(
    case: str, kinds: None, home: str, put: Callable[..., Any]
) -> None:
    changes, message = BAD_WAIVERS[case]
    obj = waiver(home)
    spec = {k: v for k, v in {**obj["spec"], **changes}.items() if v is not None}
    done = put({**obj, "spec": spec})
    assert done.returncode != 0
    assert message in done.stderr


def test_the_invariant_of_a_waiver_stays(kinds: None, home: str, put: Callable[..., Any]) -> None:
    obj = waiver(home)
    assert put(obj).returncode == 0
    done = put({**obj, "spec": {**obj["spec"], "invariant": "img-tag"}})
    assert "can't be changed; make another object" in done.stderr


def pods_of(cluster: Cluster, namespace: str) -> list[str]:
    done = cluster.kubectl("get", "pods", "-n", namespace, "-l", "app=llm", "-o", "name")
    return done.stdout.split()


def test_a_pod_of_a_workload_older_than_the_enforcement_comes_back(
    *,
    api: ApiProxy,
    cluster: Cluster,
    home: str,
    webhook: WebhookProcess,
    namespace: Callable[..., str],
    apply: Callable[..., Any],
    put: Callable[..., Any],
) -> None:
    where = namespace("plain")
    old = copy.deepcopy(deployment("old", **BAD))
    old["spec"]["replicas"] = 1
    assert apply(old, where).returncode == 0
    seconds_until(lambda: len(pods_of(cluster, where)) == 1, CONTROLLER_SECONDS)
    time.sleep(1.1)  # creationTimestamp has whole seconds
    put(rollout(where))
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)
    assert api.create(pod("bare", **BAD), where, dry_run=True).status == 403

    (before,) = pods_of(cluster, where)
    cluster.kubectl("delete", "-n", where, before, "--grace-period=0", "--force")
    took = seconds_until(
        lambda: len(found := pods_of(cluster, where)) == 1 and found != [before],
        CONTROLLER_SECONDS,
    )
    print(f"the pod came back after {took:.2f} s")
    assert webhook.metric("karb_guard_grandfathered_total", outcome="admitted") >= 1

    # A rollout of it makes a new ReplicaSet, which is as old as its Deployment.
    cluster.kubectl("set", "env", "-n", where, "deployment/old", "CHANGED=1")
    seconds_until(lambda: len(_replica_sets(cluster, where)) == 2, CONTROLLER_SECONDS)

    # The record outlives the process.
    seconds_until(lambda: where in _record(cluster, home), CONTROLLER_SECONDS)
    assert "res-mem" in _record(cluster, home)[where]


def _replica_sets(cluster: Cluster, namespace: str) -> list[str]:
    return cluster.kubectl("get", "replicasets", "-n", namespace, "-o", "name").stdout.split()


def _record(cluster: Cluster, home: str) -> Json:
    done = cluster.kubectl("get", "configmap", RECORD, "-n", home, "-o", "json", check=False)
    data: Json = json.loads(done.stdout or "{}").get("data") or {}
    return data


def test_who_only_claims_an_owner_is_not_spared(
    api: ApiProxy,
    cluster: Cluster,
    namespace: Callable[..., str],
    apply: Callable[..., Any],
    put: Callable[..., Any],
) -> None:
    where = namespace("plain")
    assert apply(deployment("old", **BAD), where).returncode == 0
    owner = json.loads(cluster.kubectl("get", "deployment/old", "-n", where, "-o", "json").stdout)
    time.sleep(1.1)
    put(rollout(where))
    seconds_until(lambda: denied(api, where) is not None, EFFECT_SECONDS)
    forged = pod("forged", **BAD)
    forged["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "old",
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
    ]
    assert api.create(forged, where, dry_run=True).status == 403
