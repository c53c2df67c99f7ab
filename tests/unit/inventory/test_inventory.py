"""Indexes of an input's objects, and the slices that policies see."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.inventory import MAX_POLICIES, Inventory

POLICIES = ("networkpolicies",)


def obj(
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    spec: Any = None,
    **metadata: Any,
) -> dict[str, Any]:
    meta = {"name": name, **metadata}
    if namespace is not None:
        meta["namespace"] = namespace
    made: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": meta}
    return made if spec is None else {**made, "spec": spec}


def policy(name: str, namespace: str | None = None, spec: Any = None) -> dict[str, Any]:
    return obj("networking.k8s.io/v1", "NetworkPolicy", name, namespace, spec or {})


def pod(name: str, namespace: str | None = None, **metadata: Any) -> dict[str, Any]:
    return obj("v1", "Pod", name, namespace, **metadata)


def namespace(name: str, labels: Any = None) -> dict[str, Any]:
    return obj("v1", "Namespace", name, labels=labels)


class TestIndexes:
    def test_object_is_found_by_its_name(self) -> None:
        claim = obj("resource.k8s.io/v1", "ResourceClaimTemplate", "gpu", "ai")
        device = obj("resource.k8s.io/v1", "DeviceClass", "gpu.nvidia.com")
        inventory = Inventory([claim, device])
        group = "resource.k8s.io"
        assert inventory.get(group, "ResourceClaimTemplate", "ai", "gpu") is claim
        assert inventory.get(group, "DeviceClass", None, "gpu.nvidia.com") is device
        assert inventory.get(group, "ResourceClaimTemplate", "other", "gpu") is None
        assert inventory.get("", "ResourceClaimTemplate", "ai", "gpu") is None

    def test_version_does_not_matter_to_the_indexes(self) -> None:
        old = obj("resource.k8s.io/v1beta1", "DeviceClass", "gpu")
        assert Inventory([old]).get("resource.k8s.io", "DeviceClass", None, "gpu") is old

    def test_kinds_and_namespaces_keep_the_order_of_adding(self) -> None:
        first, second, elsewhere = pod("a", "ai"), pod("b", "ai"), pod("a", "web")
        inventory = Inventory([first, elsewhere, second])
        assert inventory.of_kind("", "Pod") == (first, elsewhere, second)
        assert inventory.in_namespace("", "Pod", "ai") == (first, second)
        assert inventory.objects_in("web") == (elsewhere,)
        assert inventory.objects_in(None) == ()

    def test_of_two_objects_of_one_name_the_later_is_got_and_both_are_kept(self) -> None:
        first, second = pod("a", "ai"), pod("a", "ai")
        inventory = Inventory([first, second])
        assert inventory.get("", "Pod", "ai", "a") is second
        assert len(inventory.of_kind("", "Pod")) == 2

    def test_dependents_are_found_by_their_owner(self) -> None:
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "chat-1"}
        owned = pod("chat-1-x", "ai", ownerReferences=[reference])
        inventory = Inventory([owned, pod("chat-1-y", "web", ownerReferences=[reference])])
        assert inventory.owned_by("apps", "ReplicaSet", "ai", "chat-1") == (owned,)
        assert inventory.owned_by("apps", "ReplicaSet", "ai", "chat-2") == ()

    def test_length_and_iteration_show_every_object(self) -> None:
        objects = [pod("a"), {"apiVersion": "v1"}]
        inventory = Inventory(objects)
        assert len(inventory) == 2
        assert list(inventory) == objects

    @pytest.mark.parametrize(
        "odd",
        [
            None,
            "x",
            [],
            {},
            {"kind": 5},
            {"kind": "Pod", "metadata": []},
            {"kind": "Pod", "apiVersion": {}, "metadata": {"name": [], "namespace": {}}},
            {"kind": "Pod", "metadata": {"ownerReferences": [None, {"kind": []}, "x"]}},
        ],
    )
    def test_object_of_any_shape_is_added_and_asked_about(self, odd: Any) -> None:
        inventory = Inventory([odd])
        asked = odd if isinstance(odd, dict) else {}
        assert inventory.context(asked, ("namespace", *POLICIES), complete=False) == {}

    def test_adding_takes_constant_time(self) -> None:
        """Ten times the objects take about ten times as long, not a hundred times."""
        small, large = (_time_to_add(count) for count in (2_000, 20_000))
        assert large < 40 * small


def _time_to_add(count: int) -> float:
    objects = [policy(f"p{i}", "ai") for i in range(count)]
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        Inventory(objects)
        best = min(best, time.process_time() - start)
    return best


class TestNamespaceContext:
    def test_labels_of_the_namespace_object_are_given(self) -> None:
        inventory = Inventory([namespace("ai", {"tier": "gold"})])
        context = inventory.context(pod("a", "ai"), ["namespace"], complete=False)
        labels = {"tier": "gold", "kubernetes.io/metadata.name": "ai"}
        assert context == {"namespace": {"name": "ai", "labels": labels}}

    def test_namespace_is_a_neighbour_of_itself(self) -> None:
        inventory = Inventory([namespace("ai")])
        context = inventory.context(namespace("ai"), ["namespace"], complete=False)
        assert context["namespace"]["name"] == "ai"

    @pytest.mark.parametrize("where", ["other", None])
    def test_unknown_namespace_is_absent_even_from_a_complete_inventory(
        self, where: str | None
    ) -> None:
        inventory = Inventory([namespace("ai")])
        assert inventory.context(pod("a", where), ["namespace"], complete=True) == {}

    @pytest.mark.parametrize("labels", ["x", {"a": 5, "b": "c"}, None])
    def test_labels_of_a_wrong_type_are_left_out(self, labels: Any) -> None:
        context = Inventory([namespace("ai", labels)]).context(
            pod("a", "ai"), ["namespace"], complete=False
        )
        assert all(isinstance(v, str) for v in context["namespace"]["labels"].values())


def policies_for(
    inventory: Inventory, where: str | None = "ai", *, complete: bool = False
) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] | None = inventory.context(
        pod("a", where), POLICIES, complete=complete
    ).get("networkpolicies")
    return found


class TestPolicyContext:
    def test_key_that_was_not_asked_for_is_absent(self) -> None:
        inventory = Inventory([namespace("ai"), policy("deny", "ai")])
        assert inventory.context(pod("a", "ai"), [], complete=True) == {}

    def test_nothing_known_of_the_namespace_leaves_the_key_out(self) -> None:
        assert policies_for(Inventory([pod("a", "ai"), policy("deny", "web")])) is None

    def test_one_policy_makes_the_policies_known(self) -> None:
        found = policies_for(Inventory([policy("deny", "ai"), policy("other", "web")]))
        assert [p["name"] for p in found or ()] == ["deny"]

    def test_namespace_object_makes_the_absence_of_policies_known(self) -> None:
        assert policies_for(Inventory([namespace("ai")])) == []

    def test_complete_inventory_makes_the_absence_of_policies_known(self) -> None:
        assert policies_for(Inventory(), complete=True) == []

    def test_objects_without_a_namespace_are_neighbours_of_each_other_only(self) -> None:
        inventory = Inventory([policy("mine"), policy("theirs", "ai")])
        mine = policies_for(inventory, None, complete=True)
        assert [p["name"] for p in mine or ()] == ["mine"]
        assert [p["name"] for p in policies_for(inventory, "ai") or ()] == ["theirs"]

    def test_a_policy_without_a_namespace_says_nothing_about_other_files(self) -> None:
        inventory = Inventory([policy("of-one-sample")])
        assert policies_for(inventory, None) is None

    def test_policies_are_asked_for_about_a_namespace_object_too(self) -> None:
        inventory = Inventory([namespace("ai"), policy("deny", "ai")])
        context = inventory.context(namespace("ai"), POLICIES, complete=False)
        assert [p["name"] for p in context["networkpolicies"]] == ["deny"]

    def test_policy_added_later_is_seen(self) -> None:
        inventory = Inventory([policy("first", "ai")])
        assert len(policies_for(inventory) or ()) == 1
        inventory.add(policy("second", "ai"))
        assert len(policies_for(inventory) or ()) == 2

    def test_more_policies_than_the_limit_are_not_half_told(self) -> None:
        inventory = Inventory(policy(f"p{i}", "ai") for i in range(MAX_POLICIES))
        assert len(policies_for(inventory) or ()) == MAX_POLICIES
        inventory.add(policy("one-more", "ai"))
        assert policies_for(inventory) is None
        assert policies_for(inventory, complete=True) is None

    @pytest.mark.parametrize(
        ("spec", "types"),
        [
            ({}, ["Ingress"]),
            ({"policyTypes": []}, ["Ingress"]),
            ({"egress": []}, ["Ingress"]),
            ({"egress": [{}]}, ["Ingress", "Egress"]),
            ({"ingress": [{}], "egress": [{}]}, ["Ingress", "Egress"]),
            ({"policyTypes": ["Egress"], "ingress": [{}]}, ["Egress"]),
            ({"policyTypes": ["Egress"]}, ["Egress"]),
        ],
    )
    def test_policy_types_are_defaulted_as_the_api_server_does(
        self, spec: dict[str, Any], types: Sequence[str]
    ) -> None:
        found = policies_for(Inventory([policy("p", "ai", spec)]))
        assert (found or [{}])[0]["policyTypes"] == types

    def test_projection_has_one_shape(self) -> None:
        spec = {
            "podSelector": {"matchLabels": {"app": "chat"}, "matchExpressions": None},
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
            "egress": [{"to": [], "ports": [{"port": 53, "protocol": "UDP"}]}],
        }
        assert policies_for(Inventory([policy("p", "ai", spec)])) == [
            {
                "name": "p",
                "podSelector": {"matchLabels": {"app": "chat"}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {"from": [{"podSelector": {}}], "ports": [{"port": 80, "protocol": "TCP"}]}
                ],
                "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
            }
        ]

    @pytest.mark.parametrize(
        "spec",
        [
            "x",
            {"podSelector": "x"},
            {"podSelector": []},
            {"ingress": "x"},
            {"ingress": {}},
            {"ingress": [None]},
            {"egress": [{"to": "x"}]},
            {"egress": [{"to": ["x"]}]},
            {"egress": [{"ports": [5]}]},
            {"policyTypes": "Ingress"},
            {"policyTypes": [5]},
        ],
    )
    def test_malformed_policy_protects_nothing(self, spec: Any) -> None:
        """The API server would refuse it; read as empty, it would pass for a default deny."""
        assert policies_for(Inventory([policy("p", "ai", spec)])) == []


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from", "to", "ports", "podSelector", "labels"]) | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("podSelector", "policyTypes", "ingress", "egress"), junk),
    ),
    junk,
)
def test_slices_keep_their_shape_for_objects_of_any_shape(
    spec: dict[str, Any], labels: Any
) -> None:
    objects = [policy("p", "ai", spec), namespace("ai", labels)]
    before = copy.deepcopy(objects)
    context = Inventory(objects).context(
        pod("a", "ai"), ("namespace", "networkpolicies"), complete=False
    )
    assert objects == before
    assert isinstance(context["namespace"]["labels"], dict)
    for found in context["networkpolicies"]:
        assert found["policyTypes"]
        assert isinstance(found["podSelector"], dict)
        for rule in (*found["ingress"], *found["egress"]):
            assert rule.keys() <= {"from", "to", "ports"}
            assert all(isinstance(item, dict) for items in rule.values() for item in items)
