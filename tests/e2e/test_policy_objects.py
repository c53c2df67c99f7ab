"""Roles, bindings, Services and NetworkPolicies at admission: warned about, denied if enforced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy, collection
from webhook.rules import POLICIES

pytestmark = pytest.mark.e2e

MakeNamespace = Callable[..., str]


def role(*verbs: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "annotations": {"karb.dev/review-by": "2099-01-01"}},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}],
    }


def metadata_policy(cidr: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "egress"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "llm"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": cidr}}]}],
        },
    }


def autoscaler(least: int, most: int) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "llm"},
        "spec": {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most},
    }


OBJECTS = {
    "rbac-wild": role("*"),
    "np-metadata": metadata_policy("0.0.0.0/0"),
    "as-bounds": autoscaler(2, 2),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_policy_object_is_warned_about_and_denied_where_that_is_enforced(
    api: ApiProxy, namespace: MakeNamespace, name: str
) -> None:
    obj = OBJECTS[name]
    warned = api.create(obj, namespace("warn"), dry_run=True)
    assert warned.status == 201
    assert any(f" {name}: " in warning for warning in warned.warnings)
    refused = api.create(obj, namespace("enforce"), dry_run=True)
    assert refused.status == 403
    assert f'"{POLICIES}" denied the request' in refused.message
    assert f" {name}: " in refused.message


def test_what_was_wrong_before_does_not_keep_a_role_from_being_changed(
    api: ApiProxy, namespace: MakeNamespace, cluster: Any
) -> None:
    where = namespace("off")
    assert api.create(role("*"), where).status == 201
    cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")

    def patched(rule: dict[str, Any]) -> Any:
        path = f"{collection(role(), where)}/reader"
        body = {"rules": [rule, *role("*")["rules"]]}
        return api.request(
            "PATCH", path, body, content_type="application/merge-patch+json", dryRun="All"
        )

    harmless = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    answer = patched(harmless)
    assert answer.status == 200, answer.message
    wild = {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]}
    assert patched(wild).status == 403


def test_a_binding_that_is_being_deleted_still_grants_and_is_still_judged(
    api: ApiProxy, namespace: MakeNamespace
) -> None:
    where = namespace("enforce")
    held = role("get")
    held["metadata"] |= {"finalizers": ["example.com/hold"]}
    assert api.create(held, where).status == 201
    path = f"{collection(role(), where)}/reader"
    assert api.request("DELETE", path, {}).status == 200

    def patched(body: dict[str, Any]) -> Any:
        return api.request("PATCH", path, body, content_type="application/merge-patch+json")

    assert patched({"rules": role("*")["rules"]}).status == 403
    assert patched({"rules": role("list")["rules"]}).status == 200
    assert patched({"metadata": {"finalizers": None}}).status == 200
    assert api.request("GET", path).status == 404
