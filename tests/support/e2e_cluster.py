"""What the end-to-end suite puts into a cluster, and takes away again."""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.webhook_process import WebhookProcess, unique

RUN_LABEL = "karb.dev/e2e-run"
EFFECTIVE_SECONDS = 20
"""An API server sees a new registration within a second or so; a remote one may take longer."""

Json = dict[str, Any]

STAGES = ("off", "audit", "warn", "enforce")
REGISTRY = "registry.example.com"
DIGEST = f"sha256:{'5e' * 32}"
SERVICE_ACCOUNT = "llm"
"""Clean pods run as this one, which each namespace gets."""

SESSION_CONFIG: Json = {
    "params": {"img-registry": {"registries": [REGISTRY]}},
    "stages": {
        "namespaces": [
            *({"match": f"karb-e2e-*-{stage}", "default": stage} for stage in STAGES),
            {
                "match": "karb-e2e-*-mixed",
                "default": "audit",
                "invariants": {"res-mem": "enforce", "labels": "warn"},
            },
        ]
    },
}
"""The stage is in the namespace's name; in all others the severities decide (warn)."""

SESSION_RULES: tuple[Json, ...] = tuple(
    {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    }
    for group, resources in (
        ("keda.sh", ["scaledobjects"]),
        ("e2e.karb.dev", ["widgets"]),
    )
)
"""Kinds that the product's own rules leave out: nothing in the catalogue judges them today."""

CONTROLLERS = (
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
)
"""The built-in kinds that make Pods."""

CLEAN_CONTAINER: Json = {
    "name": "server",
    "image": f"{REGISTRY}/ml/server:1.0.0@{DIGEST}",
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    },
}

CLEAN_METADATA: Json = {
    "labels": {
        "app": "llm",
        "app.kubernetes.io/name": "llm",
        "app.kubernetes.io/version": "1.0.0",
        "karb.dev/owner": "ml-platform",
        "karb.dev/tier": "standard",
    },
    "annotations": {
        "karb.dev/slo-p95-latency": "250ms",
        "karb.dev/slo-error-rate": "0.1%",
        "karb.dev/slo-cold-start": "180s",
    },
}

CLEAN_SPEC: Json = {
    "serviceAccountName": SERVICE_ACCOUNT,
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CLEAN_CONTAINER],
}


def template(**changes: Any) -> Json:
    """A pod template without findings; ``changes`` replace fields of its spec."""
    return copy.deepcopy({"metadata": CLEAN_METADATA, "spec": {**CLEAN_SPEC, **changes}})


def container(**changes: Any) -> Json:
    """A container without findings; ``changes`` replace its fields, ``None`` removes one."""
    merged = {**copy.deepcopy(CLEAN_CONTAINER), **changes}
    return {key: value for key, value in merged.items() if value is not None}


UNLIMITED: Json = {"requests": {"cpu": "100m", "memory": "64Mi"}}
"""Resources of a container that breaks ``res-mem`` and nothing else."""

BAD: Json = {"containers": [{**CLEAN_CONTAINER, "resources": UNLIMITED}]}
"""A PodSpec's change that breaks ``res-mem`` and nothing else."""


def pod(name: str = "llm", **changes: Any) -> Json:
    """A Pod without findings."""
    made = template(**changes)
    metadata = {**made["metadata"], "name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


def deployment(name: str = "llm", replicas: int = 0, **changes: Any) -> Json:
    """A Deployment without findings."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "llm"}},
            "template": template(**changes),
        },
    }


def controller(kind: str, name: str = "llm", **changes: Any) -> Json:
    """A built-in controller around the clean template with ``changes``."""
    made = template(**changes)
    selector = {"matchLabels": {"app": "llm"}}
    once = {**made, "spec": {**made["spec"], "restartPolicy": "Never"}}
    specs: dict[str, tuple[str, Json]] = {
        "Deployment": ("apps/v1", {"replicas": 0, "selector": selector, "template": made}),
        "ReplicaSet": ("apps/v1", {"replicas": 0, "selector": selector, "template": made}),
        "StatefulSet": (
            "apps/v1",
            {"replicas": 0, "serviceName": "llm", "selector": selector, "template": made},
        ),
        "DaemonSet": ("apps/v1", {"selector": selector, "template": made}),
        "ReplicationController": (
            "v1",
            {"replicas": 0, "selector": selector["matchLabels"], "template": made},
        ),
        "Job": ("batch/v1", {"suspend": True, "template": once}),
        "CronJob": (
            "batch/v1",
            {
                "schedule": "0 6 * * *",
                "suspend": True,
                "jobTemplate": {"spec": {"template": once}},
            },
        ),
    }
    version, spec = specs[kind]
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


class Namespaces:
    """Namespaces of this run, removed together."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._run = unique("karb-e2e")
        self._count = 0

    def make(
        self, stage: str, webhook: WebhookProcess, labels: Mapping[str, str] | None = None
    ) -> str:
        """Create ``karb-e2e-<run>-<n>-<stage>``, judged by ``webhook``."""
        return self._create(stage, {**webhook.labels, **(labels or {})})

    def bare(self) -> str:
        """Create a namespace that no webhook of this suite judges."""
        return self._create("bare", {})

    def _create(self, what: str, labels: Mapping[str, str]) -> str:
        self._count += 1
        name = f"{self._run}-{self._count}-{what}"
        metadata = {"name": name, "labels": {RUN_LABEL: self._run, **labels}}
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self._cluster.kubectl("create", "-f", "-", stdin=json.dumps(document))
        self._cluster.kubectl(
            "wait", f"-n{name}", "--for=create", "serviceaccount/default", "--timeout=30s"
        )
        self._cluster.kubectl("create", f"-n{name}", "serviceaccount", SERVICE_ACCOUNT)
        return name

    def remove(self) -> None:
        """Delete all of them; the cluster empties them in its own time."""
        self._cluster.kubectl("delete", "namespace", f"-l{RUN_LABEL}={self._run}", "--wait=false")


@contextlib.contextmanager
def installed(cluster: Cluster, obj: Json) -> Iterator[None]:
    """The cluster-scoped object; one that is there already stays as it is."""
    kind, name = obj["kind"], obj["metadata"]["name"]
    if cluster.kubectl("get", kind, name, check=False).returncode == 0:
        yield
        return
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(obj))
    try:
        if kind == "CustomResourceDefinition":
            cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
        yield
    finally:
        # A CustomResourceDefinition that is going away looks like one that is there: wait.
        gone = "--timeout=60s" if kind == "CustomResourceDefinition" else "--wait=false"
        cluster.kubectl("delete", kind, name, gone, "--ignore-not-found")


def until_judged(api: ApiProxy, webhook: WebhookProcess, namespace: str) -> None:
    """Wait until the API server sends reviews of ``namespace`` to ``webhook``."""
    deadline = time.monotonic() + EFFECTIVE_SECONDS
    before = _reviews(webhook)
    while _reviews(webhook) == before:
        if time.monotonic() > deadline:
            raise AssertionError(
                f"no review reached the webhook in {EFFECTIVE_SECONDS} s:\n{webhook.log()}"
            )
        api.create(deployment(), namespace, dry_run=True)
        time.sleep(0.05)


def _reviews(webhook: WebhookProcess) -> float:
    return webhook.metric("karb_guard_review_duration_seconds_count")


def denied(api: ApiProxy, namespace: str) -> str | None:
    """Why a Deployment without a memory limit would be denied now; ``None`` where it would not."""
    answer = api.create(deployment("probe", **BAD), namespace, dry_run=True)
    return answer.message if answer.status == 403 else None


def seconds_until(condition: Callable[[], bool], limit: float) -> float:
    """How long it took until ``condition`` held; fails after ``limit`` seconds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit, f"not within {limit} s"
        time.sleep(0.05)
    return time.monotonic() - started
