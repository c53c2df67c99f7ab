"""``triggerauths``, ``metricsapis``, ``apiowners`` and ``gpucapacity``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, apiowners, gpucapacity, metricsapis, triggerauths
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
Json = dict[str, Any]
MATCHED = ("autoscaling/HorizontalPodAutoscaler", "keda.sh/ScaledObject")
EXTERNAL = "external.metrics.k8s.io"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def about(judged: Any, *others: Any, complete: bool = False) -> About:
    inventory = Inventory([judged, *others])
    return About(prepare(judged, SETTINGS, inventory, MATCHED), inventory, SETTINGS, complete)


def obj(api: str, kind: str, name: str = "llm", namespace: str | None = "ai", **rest: Any) -> Json:
    place = {} if namespace is None else {"namespace": namespace}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **place}, **rest}


def scaled_object(*triggers: Any, **rest: Any) -> Json:
    spec = {"scaleTargetRef": {"name": "llm"}, "triggers": list(triggers)}
    return obj("keda.sh/v1alpha1", "ScaledObject", spec=spec, **rest)


def trigger(kind: str | None = None, name: Any = "kafka") -> Json:
    reference = {"name": name, **({} if kind is None else {"kind": kind})}
    return {"type": "kafka", "metadata": {}, "authenticationRef": reference}


def hpa(*metrics: Json, **rest: Any) -> Json:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}
    spec = {"scaleTargetRef": reference, "maxReplicas": 4, "metrics": list(metrics)}
    return obj("autoscaling/v2", "HorizontalPodAutoscaler", spec=spec, **rest)


def external(name: str, **labels: str) -> Json:
    metric = {"name": name, "selector": {"matchLabels": labels}}
    target = {"type": "AverageValue", "averageValue": "8"}
    return {"type": "External", "external": {"metric": metric, "target": target}}


def condition(kind: str, reason: str, status: str = "False") -> Json:
    said = {"type": kind, "status": status, "reason": reason, "message": "m"}
    return {"conditions": [said]}


def api_service(
    group: str, service: str | None, version: str = "v1beta1", status: Any = None
) -> Json:
    spec: Json = {"group": group, "version": version}
    if service is not None:
        namespace, _, name = service.partition("/")
        spec["service"] = {"namespace": namespace, "name": name}
    made = obj("apiregistration.k8s.io/v1", "APIService", f"{version}.{group}", None, spec=spec)
    return made if status is None else {**made, "status": status}


CORE = api_service("", None, "v1")


def authentication(kind: str, name: str = "kafka", namespace: str | None = "ai") -> Json:
    return obj("keda.sh/v1alpha1", kind, name, namespace, spec={})


def found(judged: Json, *others: Json, complete: bool = False) -> list[bool | None]:
    entries = triggerauths.provide(about(judged, *others, complete=complete))
    assert entries is not None
    return [entry["found"] for entry in entries]


def test_authentications_are_looked_up_by_kind_name_and_namespace() -> None:
    plain, wide = trigger(), trigger("ClusterTriggerAuthentication")
    mine = authentication("TriggerAuthentication")
    theirs = authentication("TriggerAuthentication", namespace="other")
    clusters = authentication("ClusterTriggerAuthentication", namespace=None)
    assert found(scaled_object(plain), mine) == [True]
    assert found(scaled_object(plain), theirs) == [None]
    assert found(scaled_object(plain), theirs, complete=True) == [False]
    assert found(scaled_object(plain), authentication("TriggerAuthentication", "x")) == [False]
    assert found(scaled_object(wide), mine) == [None]
    assert found(scaled_object(wide), mine, complete=True) == [False]
    assert found(scaled_object(wide, plain), mine, clusters) == [True, True]
    assert found(scaled_object({"type": "cron"}, trigger(name=7))) == []
    assert triggerauths.provide(about(hpa())) is None


def served(*others: Json, judged: Json | None = None) -> Any:
    return metricsapis.provide(about(judged or hpa(external("queue")), *others))


def test_what_serves_metrics_is_read_from_apiservices() -> None:
    assert served() is None
    assert served(api_service(EXTERNAL, "keda/keda"))["apis"] == {
        EXTERNAL: {"service": "keda/keda", "problem": None}
    }
    all_of_them = served(CORE)["apis"]
    assert set(all_of_them) == set(metricsapis.GROUPS)
    assert all_of_them[EXTERNAL] == {"service": None, "problem": None}


def test_of_two_versions_one_that_answers_is_enough() -> None:
    down = {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}
    group = "custom.metrics.k8s.io"
    one = api_service(group, "a/b", "v1beta1", down)
    other = api_service(group, "a/b", "v1beta2")
    assert served(one)["apis"][group]["problem"] == "MissingEndpoints"
    assert served(one, other)["apis"][group]["problem"] is None
    assert served(other, one)["apis"][group]["problem"] is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (condition("ScalingActive", "FailedGetExternalMetric"), "FailedGetExternalMetric"),
        (condition("ScalingActive", "FailedGetExternalMetric", "True"), None),
        (condition("ScalingActive", "ScalingDisabled"), None),
        (condition("AbleToScale", "FailedGetExternalMetric"), None),
    ],
)
def test_the_controller_s_condition_about_metrics_is_read(status: Json, reason: str | None) -> None:
    said = served(CORE, judged=hpa(external("queue"), status=status))["condition"]
    assert (said and said["reason"]) == reason


def test_keda_s_condition_is_read_too() -> None:
    failing = scaled_object(trigger(), status=condition("Ready", "TriggerError"))
    assert served(judged=failing)["condition"] == {"reason": "TriggerError", "message": "m"}


def test_metrics_that_keda_made_are_its_own() -> None:
    keda = {"scaledobject.keda.sh/name": "llm"}
    metrics = (external("queue"), external("s0-kafka", **keda))
    assert served(CORE, judged=hpa(*metrics))["external"] == ["queue"]


def owners(judged: Json, *others: Json) -> Any:
    return apiowners.provide(about(judged, *others))


def test_the_earlier_of_two_apiservices_names_the_later() -> None:
    one, two = api_service(EXTERNAL, "a/adapter"), api_service(EXTERNAL, "keda/keda")
    assert owners(one, two)["others"] == ["keda/keda"]
    inventory = Inventory([two, one])
    late = About(prepare(one, SETTINGS, inventory, ()), inventory, SETTINGS, complete=False)
    assert apiowners.provide(late) is None
    assert owners(one, api_service(EXTERNAL, "a/adapter"), CORE)["others"] == []
    assert owners(one, api_service(EXTERNAL, "keda/keda", "v1beta2"), CORE)["others"] == []
    assert owners(api_service("apps", "a/b"), CORE) is None


def test_scaledobjects_that_read_only_pods_need_no_external_metrics() -> None:
    one = api_service(EXTERNAL, "a/adapter")
    assert owners(one, scaled_object({"type": "cpu"}), CORE)["scaledobjects"] == []
    assert owners(one, scaled_object({"type": "cpu"}, trigger()))["scaledobjects"] == ["llm"]


POD = obj("v1", "Pod", spec={"containers": [{"name": "a", "image": "b"}]})


def node_pool(name: str, limits: Json | None, *requirements: tuple[str, str]) -> Json:
    wanted = [{"key": k, "operator": "In", "values": [v]} for k, v in requirements]
    spec: Json = {"template": {"spec": {"requirements": wanted}}}
    if limits is not None:
        spec["limits"] = limits
    return obj("karpenter.sh/v1", "NodePool", name, None, spec=spec)


def node(amounts: Json, **labels: str) -> Json:
    made = obj("v1", "Node", "n", None, spec={}, status={"allocatable": amounts})
    made["metadata"]["labels"] = labels
    return made


FAMILY = "karpenter.k8s.aws/instance-family"


def gpus(*others: Json, resource: str = "nvidia.com/gpu") -> int | None:
    capacity = gpucapacity.provide(about(POD, *others))
    return None if capacity is None or resource not in capacity else capacity[resource]["amount"]


def pool(limit: int | None, family: str = "p5", name: str = "gpu") -> Json:
    limits = {"cpu": "10"} if limit is None else {"nvidia.com/gpu": limit}
    return node_pool(name, limits, (FAMILY, family))


def test_capacity_is_what_limits_and_fixed_nodes_add_up_to() -> None:
    assert gpucapacity.provide(about(POD)) is None
    assert gpus(pool(4)) == 4_000
    assert gpus(pool(4), pool(2, name="more")) == 6_000
    assert gpus(pool(4), node({"nvidia.com/gpu": "8"})) == 12_000
    made_by_the_pool = node({"nvidia.com/gpu": "8"}, **{"karpenter.sh/nodepool": "gpu"})
    assert gpus(pool(4), made_by_the_pool) == 4_000
    slices = "nvidia.com/mig-1g.10gb"
    assert gpus(node({slices: "7"}), node({slices: 7}), resource=slices) == 14_000


def test_nothing_is_said_where_something_may_add_nodes_without_a_limit() -> None:
    assert gpus(pool(4), pool(None, name="more")) is None
    assert gpus(pool(4), node_pool("any", None)) is None
    assert gpus(pool(4), node({}, **{"cloud.google.com/gke-nodepool": "x"})) is None
    machines = obj("cluster.x-k8s.io/v1beta1", "MachineDeployment", spec={})
    assert gpus(pool(4), machines) is None


def test_a_pool_of_machines_without_gpus_needs_no_limit_of_them() -> None:
    assert gpus(pool(4), pool(None, "m7i", "cpu")) == 4_000


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_shape_of_anything_ends_a_slice(spec: Any, status: Any, metadata: Any) -> None:
    others = [
        {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "status": status}
        for api, kind in (
            ("apiregistration.k8s.io/v1", "APIService"),
            ("keda.sh/v1alpha1", "ScaledObject"),
            ("karpenter.sh/v1", "NodePool"),
            ("v1", "Node"),
        )
    ]
    for judged in (*others, hpa(external("q"), status=status), POD, api_service(EXTERNAL, "a/b")):
        seen = about(judged, *others, CORE, complete=True)
        for module in (triggerauths, metricsapis, apiowners, gpucapacity):
            json.dumps(module.provide(seen))
