"""`kubectl scale`, on a real API server: an invariant about replicas counts there too."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Json, Namespaces, container, controller
from tests.support.webhook_process import Judging, WebhookProcess

pytestmark = pytest.mark.e2e

CAP = 4
GPUS = 2
KINDS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")
CONFIG: Json = {
    "params": {"res-gpu-cap": {"cap": CAP}},
    "stages": {"invariants": {"res-gpu-cap": "enforce", "res-mem": "enforce"}},
}


@pytest.fixture(scope="module")
def webhook(
    judging: Judging,
) -> Iterator[WebhookProcess]:
    with judging(CONFIG) as process:
        yield process


def serving_gpus(kind: str, name: str, replicas: int) -> Json:
    gpus = {"limits": {"nvidia.com/gpu": str(GPUS), "memory": "8Gi"}}
    made = controller(kind, containers=[container(resources=gpus)])
    made["metadata"]["name"] = name
    made["spec"]["replicas"] = replicas
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_beyond_the_cap_is_denied_and_within_it_is_not(
    cluster: Cluster, where: str, kind: str, audit_log: AuditLog
) -> None:
    obj = serving_gpus(kind, "llm", 1)
    done = cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(obj), check=False)
    assert done.returncode == 0, done.stderr

    def scale(replicas: int) -> tuple[int, str]:
        done = cluster.kubectl(
            "scale", f"-n{where}", kind, "llm", f"--replicas={replicas}", check=False
        )
        return done.returncode, done.stderr

    assert scale(2)[0] == 0
    code, said = scale(3)
    assert code != 0
    assert f"{kind} {where}/llm: 1 finding of enforced invariants" in said
    assert "KARB-RES-005 res-gpu-cap" in said
    assert "spec.replicas" in said
    stored = cluster.kubectl("get", f"-n{where}", kind, "llm", "-o=jsonpath={.spec.replicas}")
    assert stored.stdout == "2"
    assert scale(0)[0] == 0
    notes = audit_log.of_object(where, "llm", "patch")  # kubectl patches the subresource
    assert notes["scale"].startswith(f"{kind} llm: replicas ")


def test_what_was_beyond_the_cap_before_may_be_scaled_in_and_not_out(
    cluster: Cluster, namespaces: Namespaces, webhook: WebhookProcess, where: str
) -> None:
    """The ratchet, as for any other update of what was wrong before: no worse than it was."""
    label = f"{next(iter(webhook.labels))}-"
    cluster.kubectl("label", "namespace", where, label)
    obj = serving_gpus("Deployment", "old", 8)
    cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(obj))
    key, value = next(iter(webhook.labels.items()))
    cluster.kubectl("label", "namespace", where, f"{key}={value}")
    for replicas, allowed in ((9, False), (7, True), (3, True), (4, False), (2, True)):
        done = cluster.kubectl(
            "scale", f"-n{where}", "deployment", "old", f"--replicas={replicas}", check=False
        )
        assert (done.returncode == 0) is allowed, done.stderr


def test_the_autoscaler_of_the_cluster_is_not_asked_to_wait_for_us(
    cluster: Cluster, where: str, webhook: WebhookProcess
) -> None:
    """As the HPA's controller would: its account, the same call."""
    obj = serving_gpus("Deployment", "burst", 1)
    cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(obj))
    before = webhook.metric("karb_guard_scales_total", outcome="admitted")
    done = cluster.kubectl(
        "scale",
        f"-n{where}",
        "deployment",
        "burst",
        "--replicas=9",
        "--as=system:serviceaccount:kube-system:horizontal-pod-autoscaler",
        "--as-group=system:serviceaccounts:kube-system",
        "--as-group=system:masters",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert webhook.metric("karb_guard_scales_total", outcome="admitted") == before
