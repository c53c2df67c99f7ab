"""Pods and built-in controllers: denied when they are created bad, ratcheted afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    BAD,
    CONTROLLERS,
    DIGEST,
    REGISTRY,
    UNLIMITED,
    container,
    controller,
    denied,
    deployment,
    pod,
    seconds_until,
)

pytestmark = pytest.mark.e2e

ENFORCED_SECONDS = 5
EVENT_SECONDS = 20
STARTED_SECONDS = 30

Apply = Callable[..., subprocess.CompletedProcess[str]]
MakeNamespace = Callable[..., str]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tightened(
    api: ApiProxy, cluster: Cluster, namespace: MakeNamespace
) -> Callable[..., tuple[str, Kubectl]]:
    """A namespace that held ``objects`` before everything in it became enforced."""

    def make(*objects: dict[str, object]) -> tuple[str, Kubectl]:
        where = namespace("plain")
        for obj in objects:
            cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(obj))
            if obj["kind"] == "Deployment":  # what its controller makes first was there before, too
                seconds_until(lambda: replica_sets(cluster, where) != "", STARTED_SECONDS)
        cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
        seconds_until(lambda: denied(api, where) is not None, ENFORCED_SECONDS)

        def kubectl(*args: str) -> subprocess.CompletedProcess[str]:
            return cluster.kubectl(f"-n{where}", *args, check=False)

        return where, kubectl

    return make


def replica_sets(cluster: Cluster, where: str) -> str:
    return cluster.kubectl("get", "replicasets", f"-n{where}", "-oname").stdout


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_a_bad_controller_is_denied_when_it_is_created(
    apply: Apply, namespace: MakeNamespace, kind: str
) -> None:
    done = apply(controller(kind, **BAD), namespace("enforce"))
    assert done.returncode != 0
    prefix = "spec.jobTemplate.spec.template" if kind == "CronJob" else "spec.template"
    assert f"at {prefix}.spec.containers[0].resources.limits.memory" in done.stderr
    assert "1 finding of enforced invariants" in done.stderr


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_a_good_controller_is_created_in_silence(
    apply: Apply, namespace: MakeNamespace, kind: str
) -> None:
    done = apply(controller(kind), namespace("enforce"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_good_pod_is_created_in_silence(apply: Apply, namespace: MakeNamespace) -> None:
    done = apply(pod(), namespace("enforce"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_side_dry_run_says_the_same_and_leaves_nothing(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace
) -> None:
    where = namespace("enforce")
    bad = apply(deployment(**BAD), where, "--dry-run=server")
    assert bad.returncode != 0
    assert "KARB-RES-002 res-mem" in bad.stderr
    good = apply(deployment(), where, "--dry-run=server")
    assert (good.returncode, good.stderr) == (0, "")
    assert cluster.kubectl("get", "deployments", f"-n{where}", "-oname").stdout == ""


def test_an_old_bad_deployment_can_be_scaled_annotated_and_mended_in_part(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    _, kubectl = tightened(deployment(**BAD))
    for command in (
        ("scale", "deployment/llm", "--replicas=1"),
        ("scale", "deployment/llm", "--replicas=0"),
        ("annotate", "deployment/llm", "note=kept"),
        ("label", "deployment/llm", "team=ml"),
        ("set", "image", "deployment/llm", f"server={REGISTRY}/ml/server:1.0.1@{DIGEST}"),
        ("rollout", "pause", "deployment/llm"),
    ):
        done = kubectl(*command)
        assert done.returncode == 0, (command, done.stderr)
    shown = kubectl("set", "env", "deployment/llm", "LEVEL=info")
    assert shown.returncode == 0
    assert "KARB-RES-002 res-mem" in shown.stderr
    assert "enforced, but there before this update" in shown.stderr


def test_a_new_violation_in_an_old_bad_deployment_is_denied_alone(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    _, kubectl = tightened(deployment(**BAD))
    elsewhere = f"server=docker.io/someone/server:1.0.0@{DIGEST}"
    done = kubectl("set", "image", "deployment/llm", elsewhere)
    assert done.returncode != 0
    assert "1 finding of enforced invariants" in done.stderr
    assert "KARB-IMG-001 img-registry" in done.stderr


def test_a_second_instance_of_an_old_violation_is_new(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    _, kubectl = tightened(deployment(**BAD))
    sidecar = container(name="metrics", resources=UNLIMITED)
    patch = {"spec": {"template": {"spec": {"containers": [sidecar]}}}}
    done = kubectl("patch", "deployment", "llm", "-p", json.dumps(patch))
    assert done.returncode != 0
    warning, refused, message = done.stderr.partition("Error from server (Forbidden)")
    assert refused
    assert "container metrics has no memory limit" in message
    assert "container server" not in message
    assert "container server has no memory limit" in warning


def test_reordered_containers_are_no_new_violation(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    first, second = container(resources=UNLIMITED), container(name="metrics")
    _, kubectl = tightened(deployment(containers=[first, second]))
    patch = [{"op": "replace", "path": "/spec/template/spec/containers", "value": [second, first]}]
    done = kubectl("patch", "deployment", "llm", "--type=json", "-p", json.dumps(patch))
    assert done.returncode == 0, done.stderr


def test_status_finalizers_and_deletion_of_an_old_bad_object_pass(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    held = deployment(**BAD)
    held["metadata"]["finalizers"] = ["e2e.karb.dev/held"]
    where, kubectl = tightened(held)
    status = json.dumps({"status": {"observedGeneration": 7}})
    for command in (
        ("patch", "deployment", "llm", "--subresource=status", "--type=merge", "-p", status),
        ("delete", "deployment", "llm", "--wait=false"),
        ("annotate", "deployment/llm", "note=going"),
        ("patch", "deployment", "llm", "--type=json", "-p", _NO_FINALIZERS),
    ):
        done = kubectl(*command)
        assert (done.returncode, done.stderr) == (0, ""), (command, where)
    assert "NotFound" in kubectl("get", "deployment", "llm").stderr


_NO_FINALIZERS = json.dumps([{"op": "remove", "path": "/metadata/finalizers"}])


def test_pods_of_an_accepted_deployment_are_denied_and_its_events_say_why(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    where, kubectl = tightened(deployment(**BAD))
    assert kubectl("scale", "deployment/llm", "--replicas=1").returncode == 0

    def told() -> bool:
        events = json.loads(kubectl("get", "events", "-ojson").stdout)["items"]
        failed = [e["message"] for e in events if e["reason"] == "FailedCreate"]
        return any(
            "KARB-RES-002 res-mem" in m and f"It is made by Deployment {where}/llm" in m
            for m in failed
        )

    seconds_until(told, EVENT_SECONDS)
    seconds_until(lambda: "ReplicaFailure" in _conditions(kubectl), EVENT_SECONDS)
    assert kubectl("get", "pods", "-oname").stdout == ""


def _conditions(kubectl: Kubectl) -> str:
    path = "jsonpath={.status.conditions[*].type}"
    return kubectl("get", "deployment", "llm", "-o", path).stdout


def test_a_debug_container_is_judged_like_any_other(
    tightened: Callable[..., tuple[str, Kubectl]],
) -> None:
    _, kubectl = tightened(pod())
    debug = ("debug", "llm", "-c", "debugger", "--quiet", "--profile=restricted")
    bad = kubectl(*debug, "--image=docker.io/library/busybox:latest", "--", "true")
    assert bad.returncode != 0
    assert "denied the request" in bad.stderr
    assert "at spec.ephemeralContainers[0].image" in bad.stderr
    assert "KARB-IMG-001 img-registry" in bad.stderr
    assert "KARB-IMG-002 img-tag" in bad.stderr
    good = kubectl(*debug, f"--image={REGISTRY}/tools/shell:1.0.0@{DIGEST}", "--", "true")
    assert good.returncode == 0, good.stderr
