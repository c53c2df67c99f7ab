"""Mutation as users of a cluster see it: what they get, and that it then passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from karb_guard.mutation.record import ANNOTATION
from karb_guard.mutation.shared_memory import MOUNT_PATH
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    CLEAN_CONTAINER,
    CLEAN_SPEC,
    Namespaces,
    deployment,
    pod,
    seconds_until,
    until_judged,
)
from tests.support.injector import NAME as INJECTED
from tests.support.injector import injecting
from tests.support.webhook_process import LOOPBACK, WebhookProcess, serving

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
ENFORCED = ("gpu-tol-missing", "pss-restricted", "st-shm", "owner", "res-cpu-req")
STAGES: Json = {
    "namespaces": [
        {"match": "karb-e2e-*-pods", "default": "audit"},
        {
            "match": "karb-e2e-*",
            "default": "audit",
            "invariants": dict.fromkeys(ENFORCED, "enforce"),
        },
    ]
}
OWNER = {"karb.dev/owner": "ml-platform"}
CONTAINER: Json = {
    **CLEAN_CONTAINER,
    "resources": {"limits": {"memory": "4Gi", "nvidia.com/gpu": "2"}},
    "securityContext": {"capabilities": {"drop": ["ALL"]}},
}
SPEC: Json = {
    **{key: value for key, value in CLEAN_SPEC.items() if key != "securityContext"},
    "securityContext": {"runAsNonRoot": True},
    "containers": [CONTAINER],
}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(scope="module")
def mutating(
    start_webhook: Callable[..., WebhookProcess], api: ApiProxy, namespaces: Namespaces
) -> Iterator[WebhookProcess]:
    """A webhook with every mutation on, and one namespace (``*-plain``) where it is off."""
    mutation = {
        "enabled": True,
        "sharedMemory": "8Gi",
        "cpuPerGpu": "4",
        "namespaceLabels": list(OWNER),
        "namespaces": [{"match": "karb-e2e-*-plain", "enabled": False}],
    }
    process = start_webhook({"stages": STAGES, "mutation": mutation}, mutating=True)
    with serving(process):
        until_judged(api, process, namespaces.make("enforce", process))
        where = namespaces.make("first", process, OWNER)
        seconds_until(lambda: api.create(bare("probe"), where, dry_run=True).status == 201, 20)
        yield process


def bare(name: str = "llm", **changes: Any) -> Json:
    """A Pod that lacks all that mutation fills in, and breaks every enforced invariant."""
    made = pod(name, **{**SPEC, **changes})
    del made["metadata"]["labels"]["karb.dev/owner"]
    return made


def test_a_pod_that_enforcement_rejects_passes_with_mutation(
    mutating: WebhookProcess, api: ApiProxy, namespaces: Namespaces, cluster: Cluster
) -> None:
    plain = api.create(bare(), namespaces.make("plain", mutating, OWNER))
    assert plain.status == 403
    for name in ENFORCED:
        assert name in plain.message

    where = namespaces.make("mutated", mutating, OWNER)
    created = cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(bare()))
    assert "created" in created.stdout
    seen = json.loads(cluster.kubectl("get", "pod", "llm", f"-n{where}", "-o", "json").stdout)
    spec, (server,) = seen["spec"], seen["spec"]["containers"]
    assert TOLERATION in spec["tolerations"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert server["securityContext"]["allowPrivilegeEscalation"] is False
    assert {"name": "karb-shm", "mountPath": MOUNT_PATH} in server["volumeMounts"]
    (volume,) = [v for v in spec["volumes"] if v["name"] == "karb-shm"]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "2Gi"}
    assert server["resources"]["requests"]["cpu"] == "8"
    assert seen["metadata"]["labels"]["karb.dev/owner"] == "ml-platform"
    assert (
        "gpu-toleration(nvidia.com/gpu:NoSchedule)" in seen["metadata"]["annotations"][ANNOTATION]
    )
    assert server["resources"]["limits"] == {"memory": "4Gi", "nvidia.com/gpu": "2"}


def test_what_a_controller_makes_is_mutated_and_its_template_stays(
    mutating: WebhookProcess, namespaces: Namespaces, cluster: Cluster
) -> None:
    where = namespaces.make("pods", mutating, OWNER)
    made = deployment(replicas=1, **SPEC)
    cluster.kubectl("create", f"-n{where}", "-f", "-", stdin=json.dumps(made))

    def pods() -> list[Json]:
        listed = cluster.kubectl("get", "pods", f"-n{where}", "-lapp=llm", "-o", "json")
        found: list[Json] = json.loads(listed.stdout)["items"]
        return found

    seconds_until(lambda: bool(pods()), 20)
    (one,) = pods()
    assert TOLERATION in one["spec"]["tolerations"]
    assert ANNOTATION in one["metadata"]["annotations"]
    stored = cluster.kubectl("get", "deployment", "llm", f"-n{where}", "-o", "json").stdout
    template = json.loads(stored)["spec"]["template"]
    assert "tolerations" not in template["spec"], "GitOps would see a difference"
    assert ANNOTATION not in template["metadata"]["annotations"]


def test_a_dry_run_shows_what_would_be_stored(
    mutating: WebhookProcess, api: ApiProxy, namespaces: Namespaces
) -> None:
    where = namespaces.make("dry", mutating, OWNER)
    answer = api.create(bare(), where, dry_run=True)
    assert answer.status == 201
    assert TOLERATION in answer.body["spec"]["tolerations"]
    assert mutating.metric("karb_guard_mutations_total", mutation="gpu-toleration") > 0


def test_privileged_and_windows_pods_are_accepted_as_they_are(
    mutating: WebhookProcess, api: ApiProxy, namespaces: Namespaces
) -> None:
    """The API server refuses the combinations that mutation must not make."""
    where = namespaces.make("odd", mutating, OWNER)
    contexts = [{"privileged": True}, {"capabilities": {"add": ["SYS_ADMIN"]}},
                {"capabilities": {"add": ["CAP_SYS_ADMIN"]}}]  # fmt: skip
    image = CLEAN_CONTAINER["image"]
    containers = [
        {"name": f"c{i}", "image": image, "securityContext": context}
        for i, context in enumerate(contexts)
    ]
    windows = {"os": {"name": "windows"}, "containers": [{"name": "c", "image": image}]}
    for name, spec in (("linux", {"containers": containers}), ("windows", windows)):
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        answer = api.create(obj, where, dry_run=True)
        # Enforcement may deny it (403, in our words); 422 would be a patch that can't be valid.
        assert answer.status in (201, 403), answer.message
        assert "admission webhook" in answer.message or answer.status == 201


def test_a_container_that_another_webhook_adds_after_us_gets_its_share(
    mutating: WebhookProcess,
    api: ApiProxy,
    namespaces: Namespaces,
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """API servers call webhooks in the order of their configurations' names."""
    if mutating.host != LOOPBACK:
        pytest.skip("the injector listens on loopback, where only a local API server reaches it")
    where = namespaces.make("injected", mutating, {**OWNER, "karb.dev/e2e-inject": mutating.name})
    sidecar = {"image": CLEAN_CONTAINER["image"], "resources": CLEAN_CONTAINER["resources"],
               "securityContext": {"capabilities": {"drop": ["ALL"]}}}  # fmt: skip
    labels = {"karb.dev/e2e-inject": mutating.name}
    with injecting(tmp_path, f"{mutating.name}-z", labels, sidecar) as registration:
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(registration))
        try:
            seconds_until(lambda: len(_containers(api, where)) == 2, 20)
            first, second = _containers(api, where)
        finally:
            name = registration["metadata"]["name"]
            cluster.kubectl("delete", "mutatingwebhookconfiguration", name)
    assert second["name"] == INJECTED
    assert second["securityContext"]["allowPrivilegeEscalation"] is False
    for each in (first, second):
        shared = [m for m in each["volumeMounts"] if m["mountPath"] == MOUNT_PATH]
        assert [m["name"] for m in shared] == ["karb-shm"]


def _containers(api: ApiProxy, namespace: str) -> list[Json]:
    answer = api.create(bare(), namespace, dry_run=True)
    assert answer.status == 201, answer.message
    found: list[Json] = answer.body["spec"]["containers"]
    return found
