"""``serviceaccounts``: the accounts of an object's pods, and the bindings that name them."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, serviceaccounts
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()


def pod(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "ai"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def account(name: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ai"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, **fields}


def binding(kind: str, name: str, *subjects: dict[str, str], namespace: str | None = None) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": list(subjects),
    }


def accounts(judged: Any, *objects: Any, complete: bool = False) -> Any:
    inventory = Inventory([judged, *objects])
    prepared = prepare(judged, SETTINGS, inventory, ())
    return serviceaccounts.provide(About(prepared, inventory, SETTINGS, complete))


def test_the_account_that_the_pod_names() -> None:
    given = accounts(
        pod(serviceAccountName="llm"),
        account("llm", automountServiceAccountToken=False),
        account("other"),
    )
    assert given == {"llm": {"automount": False, "bindings": []}}


def test_every_namespace_has_a_default_one() -> None:
    expected = {"default": {"automount": None, "bindings": []}}
    assert accounts(pod(), account("llm")) == expected
    assert accounts(pod(), complete=True) == expected


def test_an_account_that_nobody_wrote_down_is_not_invented() -> None:
    assert accounts(pod(serviceAccountName="llm"), account("other")) == {}


def test_nothing_is_known_where_no_account_is_here() -> None:
    assert accounts(pod(serviceAccountName="llm")) is None


def test_bindings_of_the_namespace_and_of_the_cluster_that_name_the_account() -> None:
    me = {"kind": "ServiceAccount", "name": "llm", "namespace": "ai"}
    given = accounts(
        pod(serviceAccountName="llm"),
        account("llm"),
        binding("RoleBinding", "here", me, namespace="ai"),
        binding("ClusterRoleBinding", "everywhere", me),
        binding("RoleBinding", "elsewhere", me, namespace="other"),
        binding("ClusterRoleBinding", "crowd", {"kind": "Group", "name": "system:serviceaccounts"}),
    )
    assert given["llm"]["bindings"] == ["ClusterRoleBinding everywhere", "RoleBinding here"]


@pytest.mark.parametrize("odd", [None, "no", [], 1])
def test_what_is_no_boolean_is_not_set(odd: Any) -> None:
    given = accounts(
        pod(serviceAccountName="llm"), account("llm", automountServiceAccountToken=odd)
    )
    assert given["llm"]["automount"] is None
