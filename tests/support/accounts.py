"""Service accounts: what a cluster lets the bearer of their token do, and nothing more."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from tests.support.controlplane import Cluster
from tests.support.webhook_process import unique


def kubeconfig_of(cluster: Cluster, namespace: str, name: str) -> str:
    """A kubeconfig with a token of the ServiceAccount, from the API server itself."""
    token = cluster.kubectl("create", "token", name, "-n", namespace).stdout.strip()
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    text: str = yaml.safe_dump(document)
    return text


@contextlib.contextmanager
def bound(cluster: Cluster, namespace: str, rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The kubeconfig of a new ServiceAccount with ``rules`` everywhere."""
    name = unique("karb-e2e")
    metadata = {"name": name}
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**metadata, "namespace": namespace},
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": list(rules),
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [subject],
        },
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("create", "-f", "-", stdin=text)
    try:
        yield kubeconfig_of(cluster, namespace, name)
    finally:
        cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text)
