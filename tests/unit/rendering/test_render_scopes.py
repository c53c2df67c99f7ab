"""Where an object without a namespace goes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from karb_guard.rendering.scopes import CLUSTER_SCOPED, is_namespaced, placed


def of(kind: str, api_version: str = "v1", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", **metadata}}


def test_an_object_without_a_namespace_goes_where_it_is_installed() -> None:
    value = of("Pod")
    assert placed(value, "ns")["metadata"] == {"name": "a", "namespace": "ns"}
    assert value == of("Pod")  # aliases share it: never changed in place


@pytest.mark.parametrize(
    "value",
    [
        of("Pod", namespace="own"),
        of("Namespace"),
        of("ClusterRole", "rbac.authorization.k8s.io/v1"),
        of("ClusterQueue", "kueue.x-k8s.io/v1beta1"),
        {"apiVersion": "v1", "kind": "Pod", "metadata": "odd"},
        {"apiVersion": 1, "kind": "Pod"},
        {"apiVersion": "v1", "kind": None},
    ],
)
def test_others_stay_as_they_are(value: dict[str, Any]) -> None:
    assert placed(value, "ns") is value


def test_an_object_without_metadata_is_placed_too() -> None:
    assert placed({"apiVersion": "v1", "kind": "Pod"}, "ns")["metadata"] == {"namespace": "ns"}


def discovery() -> list[Path]:
    """The API's own description of its kinds, in the module that the test control plane builds."""
    modules = Path(os.environ.get("GOMODCACHE") or Path.home() / "go" / "pkg" / "mod")
    return sorted(
        (modules / "k8s.io" / "kubernetes@v1.37.2" / "api" / "discovery").glob("*__v*.json")
    )


def test_every_kind_of_kubernetes_has_its_own_scope() -> None:
    files = discovery()
    if not files:
        pytest.skip("k8s.io/kubernetes is not in the module cache: `make tools` fetches it")
    scopes = {}
    for file in files:
        listed = json.loads(file.read_text())
        for resource in listed["resources"]:
            if "/" not in resource["name"]:
                scopes[listed["groupVersion"], resource["kind"]] = resource["namespaced"]
    assert len(scopes) > 60
    wrong = {kind for kind, namespaced in scopes.items() if is_namespaced(*kind) is not namespaced}
    assert not wrong
    groups = {version.rpartition("/")[0] for version, _ in scopes}
    ours = {entry for entry in CLUSTER_SCOPED if entry[0] in groups}
    upstream = {(version.rpartition("/")[0], kind) for version, kind in scopes}
    assert ours <= upstream, "listed, and no kind of Kubernetes"
