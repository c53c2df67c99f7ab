"""What an evaluation adds about related objects: isolation and backends."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.related import context_of
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.inventory.backends import MAX_BACKENDS

SETTINGS = FactSettings()
NAMED = {"app": "llm"}


def named(api_version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ai"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def deployment(name: str = "llm", gpu: int = 1, ports: Any = (), **pod: Any) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": gpu} if gpu else {}
    server = {"name": "server", "ports": list(ports), "resources": {"limits": limits}}
    side = {"name": "metrics", "ports": [{"name": "metrics", "containerPort": 9400}]}
    template = {"metadata": {"labels": NAMED}, "spec": {"containers": [server, side], **pod}}
    return named("apps/v1", "Deployment", name, spec={"template": template})


def service(kind: str = "LoadBalancer", selector: Any = None) -> dict[str, Any]:
    spec = {"type": kind, "selector": NAMED if selector is None else selector}
    return named("v1", "Service", "llm", spec=spec)


def policy(name: str, selector: dict[str, Any], **spec: Any) -> dict[str, Any]:
    spec = {"podSelector": selector, "policyTypes": ["Egress"], **spec}
    return named("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)


def context(obj: dict[str, Any], *keys: str, among: Any = ()) -> dict[str, Any]:
    inventory = Inventory([*among, obj])
    prepared = prepare(obj, SETTINGS, inventory, ["/Service"])
    return context_of(prepared, keys, inventory, SETTINGS, complete=False)


class TestIsolation:
    def test_each_pod_gets_the_union_of_the_policies_that_select_it(self) -> None:
        policies = [policy("deny", {}), policy("other", {"matchLabels": {"app": "web"}})]
        (found,) = context(deployment(), "isolation", among=policies)["isolation"]
        assert found["egress"] == {"isolated": True, "denied": True, "policies": ["deny"]}
        assert found["ingress"]["isolated"] is False

    def test_only_what_was_asked_for_is_given(self) -> None:
        assert set(context(deployment(), "isolation", among=[policy("p", {})])) == {"isolation"}

    def test_nothing_known_of_the_namespace_leaves_it_out(self) -> None:
        assert context(deployment(), "isolation") == {}

    def test_without_an_inventory_nothing_is_known(self) -> None:
        prepared = prepare(deployment(), SETTINGS, None, [])
        assert context_of(prepared, ["isolation"], None, SETTINGS, complete=True) == {}

    def test_pods_of_an_operator_may_have_further_labels(self) -> None:
        template = {"metadata": {"labels": NAMED}, "spec": {"containers": [{"name": "c"}]}}
        ray = named("ray.io/v1", "RayCluster", "r", spec={"headGroupSpec": {"template": template}})
        among = [policy("p", {"matchLabels": {"ray.io/node-type": "head"}})]
        (found,) = context(ray, "isolation", among=among)["isolation"]
        assert found["egress"]["isolated"] is None

    def test_a_policy_or_namespace_added_later_is_seen(self) -> None:
        allow = policy(
            "dns",
            {},
            egress=[
                {
                    "to": [{"namespaceSelector": {"matchLabels": {"name": "dns"}}}],
                    "ports": [{"protocol": each, "port": 53} for each in ("UDP", "TCP")],
                }
            ],
        )
        inventory = Inventory([deployment(), policy("deny", {})])
        prepared = prepare(deployment(), SETTINGS, inventory, [])

        def dns() -> Any:
            found = context_of(prepared, ["isolation"], inventory, SETTINGS, complete=False)
            return found["isolation"][0]["dns"]

        answers = [dns()]
        inventory.add(allow)
        answers.append(dns())
        labels = {"name": "dns"}
        metadata = {"name": "kube-system", "labels": labels}
        inventory.add({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        answers.append(dns())
        assert answers == [False, None, True]


class TestBackends:
    def test_the_workload_behind_a_service_and_its_ports(self) -> None:
        ports = [{"name": "http", "containerPort": 8000}]
        (found,) = context(service(), "backends", among=[deployment(ports=ports)])["backends"]
        assert (found["name"], found["gpu"], found["why"]) == ("Deployment llm", True, None)
        assert [(p["name"], p["number"], p["gpu"]) for p in found["ports"]] == [
            ("http", 8000, True),
            ("metrics", 9400, False),
        ]

    def test_a_gpu_by_placement_alone_is_of_every_container(self) -> None:
        placed = deployment(gpu=0, nodeSelector={"nvidia.com/gpu.product": "NVIDIA-L40S"})
        (found,) = context(service(), "backends", among=[placed])["backends"]
        assert all(port["gpu"] for port in found["ports"])

    def test_an_unresolved_claim_is_unknown(self) -> None:
        claim = {"name": "gpu", "resourceClaimTemplateName": "elsewhere"}
        claiming = deployment(gpu=0, resourceClaims=[claim])
        (found,) = context(service(), "backends", among=[claiming])["backends"]
        assert found["gpu"] is None
        assert "elsewhere" in found["why"]

    @pytest.mark.parametrize(
        "obj",
        [
            service("ClusterIP"),
            service(selector={}),
            service(selector={"app": 5}),
            service(selector={"app": "web"}),
            service(selector={**NAMED, "tier": "gold"}),
            deployment("other"),
        ],
    )
    def test_nothing_is_selected(self, obj: dict[str, Any]) -> None:
        assert context(obj, "backends", among=[deployment()]) == {}

    def test_runtime_templates_make_no_pods(self) -> None:
        spec = {"containers": [{"name": "c"}], "labels": NAMED}
        runtime = named("serving.kserve.io/v1alpha1", "ServingRuntime", "vllm", spec=spec)
        assert context(service(), "backends", among=[runtime]) == {}

    def test_more_workloads_than_the_limit_are_not_half_told(self) -> None:
        many = [deployment(f"d{i}") for i in range(MAX_BACKENDS)]
        assert len(context(service(), "backends", among=many)["backends"]) == MAX_BACKENDS
        assert context(service(), "backends", among=[*many, deployment("more")]) == {}

    def test_a_workload_added_later_is_seen(self) -> None:
        inventory = Inventory([service()])
        assert inventory.context(service(), ["backends"], complete=False) == {}
        inventory.add(deployment())
        assert inventory.context(service(), ["backends"], complete=False)["backends"]
