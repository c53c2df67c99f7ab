"""``quotas`` and ``gpudemand``: what bounds a namespace's accelerators, and what asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, gpudemand, quotas
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ai"}}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def about(*others: Any, complete: bool = False, judged: Any = NAMESPACE) -> About:
    inventory = Inventory([judged, *others])
    return About(prepare(judged, SETTINGS, inventory, ()), inventory, SETTINGS, complete)


def quota(hard: Any, name: str = "q", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ai"}
    spec = {"hard": hard, **spec}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


def pod(resources: Any = None, name: str = "p", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "r/i:1", "resources": {"limits": resources or {}}}
    metadata = {"name": name, "namespace": "ai"}
    spec = {"containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def deployment(resources: Any, name: str = "llm", **metadata: Any) -> dict[str, Any]:
    made = pod(resources)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "ai", **metadata},
        "spec": {"template": {"metadata": {}, "spec": made["spec"]}},
    }


class TestQuotas:
    def test_amounts_are_in_milli_units(self) -> None:
        hard = {"requests.nvidia.com/gpu": "8", "limits.memory": "1Ki", "pods": 10}
        expected = {"requests.nvidia.com/gpu": 8000, "limits.memory": 1024000, "pods": 10000}
        given = quotas.provide(about(quota(hard, "devices")))
        assert given == [{"name": "devices", "hard": expected, "scopes": []}]

    def test_scopes_of_both_spellings_are_named(self) -> None:
        selector = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}
        scoped = quota({"pods": 1}, scopes=["NotTerminating"], scopeSelector=selector)
        (given,) = quotas.provide(about(scoped)) or ()
        assert given["scopes"] == ["NotTerminating", "PriorityClass"]

    @pytest.mark.parametrize(
        "spec", [{"scopes": "Terminating"}, {"scopes": [1]}, {"scopeSelector": []}]
    )
    def test_a_malformed_quota_bounds_nothing(self, spec: Any) -> None:
        assert quotas.provide(about(quota({"pods": 1}, **spec))) == []

    def test_what_is_no_quantity_is_left_out(self) -> None:
        (given,) = quotas.provide(about(quota({"pods": "many", "cpu": [], "memory": "1"}))) or ()
        assert given["hard"] == {"memory": 1000}

    def test_a_namespace_without_quotas_has_none(self) -> None:
        assert quotas.provide(about()) == []

    def test_nothing_is_known_where_nobody_wrote_the_namespace_down(self) -> None:
        assert quotas.provide(about(judged=pod())) is None
        assert quotas.provide(about(judged=pod(), complete=True)) == []

    def test_too_many_are_not_told_by_half(self) -> None:
        many = [quota({"pods": 1}, f"q{n}") for n in range(quotas.MAX_QUOTAS + 1)]
        assert quotas.provide(about(*many)) is None

    @given(ANYTHING)
    def test_a_quota_of_any_shape_is_survived(self, spec: Any) -> None:
        odd = {**quota({}), "spec": spec}
        assert isinstance(quotas.provide(about(odd, quota(spec, scopes=spec))), list)


class TestGpuDemand:
    def test_a_resource_with_the_workloads_that_ask_for_it(self) -> None:
        given = gpudemand.provide(about(deployment({"nvidia.com/gpu": 1}), pod({"cpu": 1})))
        assert given == [
            {
                "what": "nvidia.com/gpu",
                "keys": ["requests.nvidia.com/gpu"],
                "workloads": ["Deployment llm"],
                "count": 1,
                "queued": False,
            }
        ]

    def test_pods_count_as_the_deployment_that_made_them(self) -> None:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "llm-5f",
            "controller": True,
        }
        made = pod({"nvidia.com/gpu": 1}, "llm-5f-x")
        made["metadata"] |= {"ownerReferences": [owner], "labels": {"pod-template-hash": "5f"}}
        (given,) = gpudemand.provide(about(deployment({"nvidia.com/gpu": 1}), made)) or ()
        assert given["workloads"] == ["Deployment llm"]

    def test_few_names_and_the_count_of_all(self) -> None:
        many = [deployment({"nvidia.com/gpu": 1}, f"d{n:02}") for n in range(8)]
        (given,) = gpudemand.provide(about(*many)) or ()
        assert (len(given["workloads"]), given["count"]) == (gpudemand.MAX_NAMES, 8)

    @pytest.mark.parametrize(
        ("resource", "keys"),
        [
            ("nvidia.com/mig-1g.5gb", ["requests.nvidia.com/mig-1g.5gb"]),
            ("nvidia.com/gpumem", ["requests.nvidia.com/gpumem", "requests.nvidia.com/gpu"]),
            (
                "deviceclass.resource.kubernetes.io/gpu.example.com",
                [
                    "requests.deviceclass.resource.kubernetes.io/gpu.example.com",
                    "gpu.example.com.deviceclass.resource.k8s.io/devices",
                ],
            ),
        ],
    )
    def test_the_quota_keys_of_a_resource(self, resource: str, keys: list[str]) -> None:
        (given,) = gpudemand.provide(about(pod({resource: 1}))) or ()
        assert given["keys"] == keys

    def test_the_quota_keys_of_a_claim(self) -> None:
        request = {"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}}
        claim = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": "one", "namespace": "ai"},
            "spec": {"devices": {"requests": [request]}},
        }
        asks = pod(resourceClaims=[{"name": "gpu", "resourceClaimName": "one"}])
        (given,) = gpudemand.provide(about(asks, claim)) or ()
        assert given["what"] == "DeviceClass gpu.nvidia.com"
        assert given["keys"][0] == "gpu.nvidia.com.deviceclass.resource.k8s.io/devices"
        (unresolved,) = gpudemand.provide(about(asks)) or ()
        assert unresolved["unknown"] == "ResourceClaim one is not visible here"

    def test_an_annotation_is_beyond_quotas(self) -> None:
        asks = pod()
        asks["metadata"]["annotations"] = {"gpu-fraction": "0.5"}
        (given,) = gpudemand.provide(about(asks)) or ()
        assert (given["what"], given["keys"]) == ("gpu-fraction", [])

    def test_queued_only_where_every_workload_is(self) -> None:
        label = {gpudemand.QUEUE_LABEL: "team"}
        queued = deployment({"nvidia.com/gpu": 1}, labels=label)
        (given,) = gpudemand.provide(about(queued)) or ()
        assert given["queued"] is True
        (given,) = gpudemand.provide(about(queued, deployment({"nvidia.com/gpu": 1}, "x"))) or ()
        assert given["queued"] is False

    def test_a_runtime_asks_for_nothing_itself(self) -> None:
        spec = pod({"nvidia.com/gpu": 1})["spec"]
        runtime = {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ServingRuntime",
            "metadata": {"name": "r", "namespace": "ai"},
            "spec": spec,
        }
        assert gpudemand.provide(about(runtime)) == []

    def test_nothing_visible_is_not_nothing(self) -> None:
        assert gpudemand.provide(about()) is None
        assert gpudemand.provide(about(complete=True)) == []

    def test_too_many_objects_are_not_told_by_half(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gpudemand, "MAX_OBJECTS", 1)
        assert gpudemand.provide(about(pod(), pod(name="q"))) is None
