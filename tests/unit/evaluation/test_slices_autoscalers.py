"""The context key ``autoscalers``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.autoscaling.shapes import MAX_ITEMS, MAX_TEXT
from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, autoscalers
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
Json = dict[str, Any]
POD = {"spec": {"containers": [{"name": "server"}]}}
REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}


def obj(
    kind: str = "Deployment",
    api: str = "apps/v1",
    spec: Any = None,
    name: str = "llm",
    namespace: str | None = "ai",
    **metadata: Any,
) -> Json:
    place = {"namespace": namespace} if namespace else {}
    spec = {"template": POD} if spec is None else spec
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, **place, **metadata},
        "spec": spec,
    }


def hpa(name: str = "llm", version: str = "v2", **changes: Any) -> Json:
    metadata = changes.pop("metadata", {})
    namespace = changes.pop("namespace", "ai")
    spec = {"scaleTargetRef": REF, "maxReplicas": 4, **changes}
    return obj(
        "HorizontalPodAutoscaler", f"autoscaling/{version}", spec, name, namespace, **metadata
    )


def scaled_object(name: str = "llm", annotations: Any = None, **changes: Any) -> Json:
    spec = {"scaleTargetRef": {"name": "llm"}, "triggers": [], **changes}
    metadata = {} if annotations is None else {"annotations": annotations}
    return obj("ScaledObject", "keda.sh/v1alpha1", spec, name, **metadata)


def provided(of: Json, *others: Json, complete: bool = False) -> Any:
    inventory = Inventory([of, *others])
    prepared = prepare(of, SETTINGS, inventory, ())
    found = autoscalers.provide(About(prepared, inventory, SETTINGS, complete))
    json.dumps(found, allow_nan=False)
    return found


def bounds(of: Json, *others: Json) -> list[tuple[Any, ...]]:
    found = provided(of, *others, complete=True)
    return [(s["kind"], s["own"], s["pods"], s["min"], s["max"]) for s in found]


class TestHorizontal:
    def test_defaults_of_the_api_server(self) -> None:
        [found] = provided(obj(), hpa())
        assert (found["kind"], found["name"], found["min"], found["max"]) == (
            "HorizontalPodAutoscaler",
            "llm",
            1,
            4,
        )
        target = {
            "type": "Utilization",
            "value": None,
            "averageValue": None,
            "averageUtilization": 80,
        }
        assert found["metrics"] == [
            {"type": "Resource", "name": "cpu", "container": None, "target": target}
        ]
        assert found["behavior"] is None
        assert found["target"] == REF

    def test_v1(self) -> None:
        [found] = provided(obj(), hpa(version="v1", targetCPUUtilizationPercentage=55))
        assert found["metrics"][0]["target"]["averageUtilization"] == 55

    def test_metrics_in_milli_units(self) -> None:
        metric = {
            "type": "Pods",
            "pods": {
                "metric": {"name": "queue"},
                "target": {"type": "AverageValue", "averageValue": "1500m"},
            },
        }
        [found] = provided(obj(), hpa(metrics=[metric], behavior={}))
        assert found["metrics"][0]["name"] == "queue"
        assert found["metrics"][0]["target"]["averageValue"] == 1500
        assert found["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0

    def test_an_api_version_that_misses_is_shown(self) -> None:
        [found] = provided(obj(), hpa(scaleTargetRef={"kind": "Deployment", "name": "llm"}))
        assert found["target"]["apiVersion"] is None

    def test_requests_that_a_limit_range_fills_in(self) -> None:
        limits = [{"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"cpu": 1}}]
        ranges = obj(
            "LimitRange", "v1", {"limits": [*limits, {"type": "Pod", "max": {"cpu": 1}}, 3]}
        )
        assert provided(obj(), hpa(), ranges)[0]["defaulted"] == ["cpu", "memory"]


class TestKeda:
    def test_defaults(self) -> None:
        [found] = provided(obj(), scaled_object())
        assert (found["min"], found["max"], found["idle"], found["paused"]) == (0, 100, None, None)
        assert found["target"] == REF
        assert (found["pollingInterval"], found["cooldownPeriod"]) == (30, 300)

    def test_its_own_hpa_is_no_second_one(self) -> None:
        owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "llm"}
        owned = hpa("other-name", metadata={"ownerReferences": [owner]})
        found = provided(obj(), scaled_object(), owned)
        assert [each["kind"] for each in found] == ["ScaledObject"]
        assert len(provided(obj(), scaled_object(), hpa("keda-hpa-llm"))) == 2, "a name is no proof"

    @pytest.mark.parametrize(
        ("annotations", "name", "count"),
        [
            ({"scaledobject.keda.sh/transfer-hpa-ownership": "true"}, "mine", 1),
            ({"scaledobject.keda.sh/transfer-hpa-ownership": "true"}, "other", 2),
            ({"scaledobject.keda.sh/transfer-hpa-ownership": "yes"}, "mine", 2),
            ({}, "mine", 2),
        ],
    )
    def test_an_hpa_is_taken_over_where_it_is_said(
        self, annotations: Json, name: str, count: int
    ) -> None:
        advanced = {"horizontalPodAutoscalerConfig": {"name": name}}
        taking = scaled_object(advanced=advanced, annotations=annotations)
        assert len(provided(obj(), taking, hpa("mine"))) == count

    def test_an_hpa_of_another_target_is_not_taken_over(self) -> None:
        advanced = {"horizontalPodAutoscalerConfig": {"name": "mine"}}
        annotations = {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
        taking = scaled_object(
            advanced=advanced, annotations=annotations, scaleTargetRef={"name": "other"}
        )
        assert len(provided(obj(), taking, hpa("mine"))) == 1

    def test_an_hpa_whose_owner_is_not_here_counts(self) -> None:
        owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "llm"}
        assert len(provided(obj(), hpa("keda-hpa-llm", metadata={"ownerReferences": [owner]}))) == 1

    @pytest.mark.parametrize(
        ("annotations", "paused"),
        [
            ({"autoscaling.keda.sh/paused": "true"}, "autoscaling.keda.sh/paused"),
            ({"autoscaling.keda.sh/paused": "false"}, None),
            ({"autoscaling.keda.sh/paused": "F"}, None),
            ({"autoscaling.keda.sh/paused": "fAlse"}, "autoscaling.keda.sh/paused"),
            ({"autoscaling.keda.sh/paused": ""}, "autoscaling.keda.sh/paused"),
            ({"autoscaling.keda.sh/paused-replicas": "2"}, "autoscaling.keda.sh/paused-replicas"),
            ({"autoscaling.keda.sh/paused-replicas": "0"}, "autoscaling.keda.sh/paused-replicas"),
            ({"autoscaling.keda.sh/paused-replicas": ""}, "autoscaling.keda.sh/paused-replicas"),
            ({"autoscaling.keda.sh/paused-scale-in": "true"}, None),
            ({}, None),
        ],
    )
    def test_pauses(self, annotations: Json, paused: str | None) -> None:
        assert provided(obj(), scaled_object(annotations=annotations))[0]["paused"] == paused

    def test_triggers_are_bounded(self) -> None:
        metadata = {"query": "x" * 5000, **{f"k{i}": "v" for i in range(100)}, "bad": 3}
        trigger = {"type": "prometheus", "metadata": metadata, "authenticationRef": {"name": "a"}}
        [found] = provided(obj(), scaled_object(triggers=[trigger] * 100, fallback={"replicas": 2}))
        assert len(found["triggers"]) == MAX_ITEMS
        assert len(found["triggers"][0]["metadata"]) == MAX_ITEMS
        assert len(found["triggers"][0]["metadata"]["query"]) == MAX_TEXT
        assert found["triggers"][0]["auth"] == "a"
        assert found["fallback"] == {
            "failureThreshold": None,
            "replicas": 2,
            "behavior": "static",
        }


class TestOfTheKind:
    def test_knative(self) -> None:
        marks = {"autoscaling.knative.dev/min-scale": "2", "autoscaling.knative.dev/maxScale": "0"}
        template = {**POD, "metadata": {"annotations": marks}}
        service = obj("Service", "serving.knative.dev/v1", {"template": template})
        assert bounds(service) == [("Service", True, [0], 2, None)]
        assert provided(service) is not None, "known without any other object"

    def test_kserve(self) -> None:
        api = "serving.kserve.io/v1beta1"
        spec = {
            "predictor": {"minReplicas": 0, "maxReplicas": 3, "model": {}},
            "transformer": POD["spec"],
        }
        found = bounds(obj("InferenceService", api, spec))
        assert found == [
            ("InferenceService", True, [0], 0, 3),
            ("InferenceService", True, [1], 1, None),
        ]
        external = {"serving.kserve.io/autoscalerClass": "external"}
        mine = hpa(scaleTargetRef={**REF, "name": "llm-predictor"})
        isvc = obj("InferenceService", api, {"predictor": {"model": {}}}, annotations=external)
        assert bounds(isvc, mine) == [("HorizontalPodAutoscaler", False, None, 1, 4)]

    @pytest.mark.parametrize("nested", [False, True])
    def test_ray(self, nested: bool) -> None:
        group = {"minReplicas": 1, "maxReplicas": 8, "template": POD}
        cluster = {
            "enableInTreeAutoscaling": True,
            "headGroupSpec": {"template": POD},
            "workerGroupSpecs": [group],
        }
        kind, spec = (
            ("RayService", {"rayClusterConfig": cluster}) if nested else ("RayCluster", cluster)
        )
        assert bounds(obj(kind, "ray.io/v1", spec)) == [(kind, True, [1], 1, 8)]
        cluster["enableInTreeAutoscaling"] = False
        assert bounds(obj(kind, "ray.io/v1", spec)) == []

    def test_nim_seldon_and_grove(self) -> None:
        scale = {"enabled": True, "hpa": {"minReplicas": 2, "maxReplicas": 3}}
        nim = obj(
            "NIMService", "apps.nvidia.com/v1alpha1", {"image": {"repository": "a"}, "scale": scale}
        )
        assert bounds(nim) == [("NIMService", True, [0], 2, 3)]
        component = {"spec": POD["spec"], "kedaSpec": {"minReplicaCount": 0, "maxReplicaCount": 5}}
        seldon = obj(
            "SeldonDeployment",
            "machinelearning.seldon.io/v1",
            {"predictors": [{"componentSpecs": [component]}]},
        )
        assert bounds(seldon) == [("SeldonDeployment", True, [0], 0, 5)]
        clique = {"spec": {"podSpec": POD["spec"], "autoScalingConfig": {"maxReplicas": 6}}}
        grove = obj("PodCliqueSet", "grove.io/v1alpha1", {"template": {"cliques": [clique]}})
        assert bounds(grove) == [("PodCliqueSet", True, [0], 1, 6)]

    def test_aibrix(self) -> None:
        spec = {"scaleTargetRef": REF, "minReplicas": 1, "maxReplicas": 9}
        mine = obj("PodAutoscaler", "autoscaling.aibrix.ai/v1alpha1", spec)
        owner = {
            "apiVersion": "autoscaling.aibrix.ai/v1alpha1",
            "kind": "PodAutoscaler",
            "name": "llm",
        }
        made = hpa("llm-hpa", metadata={"ownerReferences": [owner]})
        assert bounds(obj(), mine, made) == [("PodAutoscaler", False, None, 1, 9)]


def test_what_is_known() -> None:
    assert provided(obj()) is None
    assert provided(obj(), complete=True) == []
    other = hpa(scaleTargetRef={**REF, "name": "other"})
    assert provided(obj(), other) == []
    assert provided(obj(), hpa(namespace="elsewhere")) is None
    loose = obj(namespace=None)
    assert len(provided(loose, hpa(namespace=None))) == 1
    assert provided(loose, hpa(namespace=None), hpa("b", namespace=None)) is None
    assert provided(obj("ConfigMap", "v1", {}), hpa()) is None


def test_bounds_of_the_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [hpa(str(i)) for i in range(50)]
    assert len(provided(obj(), *many)) == autoscalers.MAX_OF_ONE
    monkeypatch.setattr(autoscalers, "MAX_AUTOSCALERS", 49)
    assert provided(obj(), *many) is None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("metrics", "behavior", "scaleUp", "type", "resource", "target", "triggers"),
                    *("metadata", "fallback", "advanced", "horizontalPodAutoscalerConfig", "name"),
                    *("scaleTargetRef", "minReplicas", "authenticationRef", "limits", "default"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    spec=ANY,
    kind=st.sampled_from(
        ["HorizontalPodAutoscaler", "ScaledObject", "PodAutoscaler", "LimitRange"]
    ),
)
def test_any_shape_does_no_harm(spec: Any, kind: str) -> None:
    apis = {
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "ScaledObject": "keda.sh/v1alpha1",
        "PodAutoscaler": "autoscaling.aibrix.ai/v1alpha1",
        "LimitRange": "v1",
    }
    odd = {**obj(kind, apis[kind]), "spec": spec}
    provided(obj(), odd, hpa(), complete=True)
    aimed = {**odd, "spec": {**spec, "scaleTargetRef": REF}} if isinstance(spec, dict) else odd
    provided(obj(), aimed, complete=True)


@given(spec=ANY, kind=st.sampled_from(["RayCluster", "InferenceService", "NIMService", "Service"]))
def test_workloads_of_any_shape_do_no_harm(spec: Any, kind: str) -> None:
    apis = {
        "RayCluster": "ray.io/v1",
        "InferenceService": "serving.kserve.io/v1beta1",
        "NIMService": "apps.nvidia.com/v1alpha1",
        "Service": "serving.knative.dev/v1",
    }
    provided({**obj(kind, apis[kind]), "spec": spec}, complete=True)


def test_an_autoscaler_that_is_written_twice_is_one() -> None:
    assert [each["max"] for each in provided(obj(), hpa(), hpa(maxReplicas=8))] == [8]
    assert provided(obj(), hpa(), hpa(scaleTargetRef={**REF, "name": "other"})) == []


@pytest.mark.parametrize(
    ("spec", "bounds"),
    [
        ({"minReplicas": 1, "maxReplicas": 4}, [(1, 4)]),
        ({}, [(0, None)]),
        ({"autoscalingDisabled": True}, []),
    ],
)
def test_kubeai_scales_its_models_by_requests(spec: Json, bounds: list[Any]) -> None:
    found = provided(obj("Model", "kubeai.org/v1", {"resourceProfile": "nvidia-gpu-l4:1", **spec}))
    assert [(each["min"], each["max"]) for each in found or []] == bounds


def test_an_autoscaler_class_that_is_no_text_is_survived() -> None:
    annotations = {"serving.kserve.io/autoscalerClass": {"a": 1}}
    spec = {"predictor": {"containers": [{"name": "kserve-container"}]}}
    service = obj("InferenceService", "serving.kserve.io/v1beta1", spec, annotations=annotations)
    assert provided(service) is not None
