"""The API server's raw answers: status, body, warnings and audit id.

``kubectl proxy`` brings the credentials of any kubeconfig, so that requests here are plain HTTP
on loopback and take milliseconds where a kubectl process takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.controlplane import Cluster

_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
"""One ``warning-value`` of RFC 7234, section 5.5."""

RESOURCES = {
    "CronJob": "batch/v1 cronjobs",
    "DaemonSet": "apps/v1 daemonsets",
    "Deployment": "apps/v1 deployments",
    "HorizontalPodAutoscaler": "autoscaling/v2 horizontalpodautoscalers",
    "Job": "batch/v1 jobs",
    "NetworkPolicy": "networking.k8s.io/v1 networkpolicies",
    "Pod": "v1 pods",
    "PodTemplate": "v1 podtemplates",
    "ReplicaSet": "apps/v1 replicasets",
    "ReplicationController": "v1 replicationcontrollers",
    "ResourceClaim": "resource.k8s.io/v1 resourceclaims",
    "ResourceClaimTemplate": "resource.k8s.io/v1 resourceclaimtemplates",
    "Role": "rbac.authorization.k8s.io/v1 roles",
    "RoleBinding": "rbac.authorization.k8s.io/v1 rolebindings",
    "Service": "v1 services",
    "StatefulSet": "apps/v1 statefulsets",
}
"""Built-in kind -> its version and resource name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said to one request."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]
    audit_id: str

    @property
    def message(self) -> str:
        """The words of a refusal."""
        return str(self.body.get("message", ""))


class ApiProxy:
    """Sends requests through one ``kubectl proxy``."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        **query: str,
    ) -> Answer:
        """One request; never raises for a refusal."""
        answer = self._client.request(
            method, path, json=body, params=query, headers={"Content-Type": content_type}
        )
        return Answer(
            answer.status_code,
            answer.json(),
            tuple(_warnings(answer.headers.get_list("warning"))),
            answer.headers.get("audit-id", ""),
        )

    def create(self, obj: Mapping[str, Any], namespace: str, *, dry_run: bool = False) -> Answer:
        """Create a namespaced object of a built-in kind."""
        query = {"fieldValidation": "Ignore", **({"dryRun": "All"} if dry_run else {})}
        return self.request("POST", collection(obj, namespace), dict(obj), **query)


def collection(obj: Mapping[str, Any], namespace: str) -> str:
    """The path that an object of a built-in kind is created at."""
    version, resource = RESOURCES[obj["kind"]].split()
    prefix = "apis" if "/" in version else "api"
    return f"/{prefix}/{version}/namespaces/{namespace}/{resource}"


def _warnings(headers: list[str]) -> Iterator[str]:
    for header in headers:
        for text in _WARNING.findall(header):
            yield re.sub(r"\\(.)", r"\1", text)


@contextlib.contextmanager
def proxied(cluster: Cluster) -> Iterator[ApiProxy]:
    """A proxy on a free port of loopback."""
    command = [str(cluster.kubectl_path), f"--kubeconfig={cluster.kubeconfig}", "proxy", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:\d+", line)
        assert found, f"kubectl proxy: {line}"
        with httpx2.Client(base_url=f"http://{found[0]}", timeout=30) as client:
            yield ApiProxy(client)
    finally:
        process.terminate()
        process.wait(10)
