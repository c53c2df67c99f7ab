"""Which requests are judged, and which pass whatever they hold."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from karb_guard.decisions.request import reason_to_pass
from tests.support.decision_rig import request

OBJECT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "llm", "labels": {"a": "b"}, "resourceVersion": "1"},
    "spec": {"replicas": 1, "template": {"spec": {"containers": []}}},
    "status": {"readyReplicas": 1},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    obj = copy.deepcopy(OBJECT)
    *parents, last = path.split(".")
    where = obj
    for key in parents:
        where = where[key]
    where[last] = value
    return obj


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_deletions_and_connections_pass(operation: str) -> None:
    assert operation in (reason_to_pass(request(operation, obj=None, old=OBJECT)) or "")


@pytest.mark.parametrize("subresource", ["status", "eviction", "binding", "exec"])
def test_subresources_without_a_pod_spec_pass(subresource: str) -> None:
    update = request("UPDATE", obj=OBJECT, subresource=subresource)
    assert subresource in (reason_to_pass(update) or "")


@pytest.mark.parametrize("subresource", ["", "ephemeralcontainers", "resize"])
def test_subresources_that_change_pods_are_judged(subresource: str) -> None:
    new = changed("spec.template", {"spec": {"containers": [{"name": "a"}]}})
    assert reason_to_pass(request("UPDATE", obj=new, old=OBJECT, subresource=subresource)) is None


DELETING = ("metadata.deletionTimestamp", "2027-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("path", "value"),
    [("metadata.finalizers", []), ("metadata.deletionGracePeriodSeconds", 0), ("status", {})],
)
def test_what_is_being_deleted_may_end(path: str, value: Any) -> None:
    old = changed(*DELETING)
    new = changed(path, value)
    new["metadata"]["deletionTimestamp"] = DELETING[1]
    for before in (OBJECT, old):
        assert reason_to_pass(request("UPDATE", obj=new, old=before)) is not None


def test_what_is_being_deleted_is_judged_when_it_changes() -> None:
    new = changed(*DELETING)
    new["spec"] = {"replicas": 0}
    assert reason_to_pass(request("UPDATE", obj=new, old=changed(*DELETING))) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", {"readyReplicas": 0}),
        ("metadata.finalizers", ["x/y"]),
        ("metadata.resourceVersion", "2"),
        ("metadata.managedFields", [{}]),
        ("metadata.ownerReferences", [{"kind": "X"}]),
        ("metadata.generation", 7),
        ("metadata.annotations", {}),
        ("metadata.annotations", None),
    ],
)
def test_updates_of_bookkeeping_pass(path: str, value: Any) -> None:
    update = request("UPDATE", obj=changed(path, value), old=OBJECT)
    assert "neither" in (reason_to_pass(update) or "")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.replicas", 2),
        ("spec.template", {}),
        ("metadata.labels", {"a": "c"}),
        ("metadata.annotations", {"karb.dev/slo-error-rate": "0.01"}),
        ("data", {"x": "y"}),
    ],
)
def test_updates_of_intent_are_judged(path: str, value: Any) -> None:
    assert reason_to_pass(request("UPDATE", obj=changed(path, value), old=OBJECT)) is None


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (False, 0), (1.0, True)])
def test_numbers_are_no_booleans(before: Any, after: Any) -> None:
    old = changed("spec.template", {"spec": [{"privileged": before}]})
    new = changed("spec.template", {"spec": [{"privileged": after}]})
    assert reason_to_pass(request("UPDATE", obj=new, old=old)) is None


def test_the_order_of_keys_is_no_change() -> None:
    new = dict(reversed(OBJECT.items()))
    assert reason_to_pass(request("UPDATE", obj=new, old=OBJECT)) is not None


def test_creates_are_judged() -> None:
    assert reason_to_pass(request("CREATE", obj=OBJECT)) is None


def test_objects_too_deep_to_compare_are_judged() -> None:
    def deep() -> Any:
        value: Any = []
        for _ in range(5000):
            value = [value]
        return value

    update = request("UPDATE", obj=changed("spec.x", deep()), old=changed("spec.x", deep()))
    assert reason_to_pass(update) is None


@pytest.mark.parametrize("metadata", [None, [], "x", 7])
def test_odd_metadata_is_no_crash(metadata: Any) -> None:
    odd = {"metadata": metadata, "spec": {}}
    assert reason_to_pass(request("UPDATE", obj=odd, old=OBJECT)) is None
