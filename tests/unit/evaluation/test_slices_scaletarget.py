"""The context key ``scaletarget``, and ``input.autoscaler``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, scaletarget
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
Json = dict[str, Any]
REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}


def obj(kind: str, api: str, spec: Any, name: str = "llm", **metadata: Any) -> Json:
    meta = {"name": name, "namespace": "ai", **metadata}
    return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec}


def deployment(name: str = "llm", labels: Any = None, **spec: Any) -> Json:
    labels = labels or {"app": name}
    template = {
        "metadata": {"labels": labels, "annotations": {"karb.dev/slo-model-load": "2m"}},
        "spec": {
            "containers": [
                {
                    "name": "server",
                    "resources": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": 1}},
                }
            ]
        },
    }
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return obj("Deployment", "apps/v1", whole, name)


def hpa(name: str = "llm", target: Any = None, **metadata: Any) -> Json:
    spec = {"scaleTargetRef": REF if target is None else target, "maxReplicas": 4}
    return obj("HorizontalPodAutoscaler", "autoscaling/v2", spec, name, **metadata)


def scaled_object(**spec: Any) -> Json:
    whole = {"scaleTargetRef": {"name": "llm"}, "triggers": [], **spec}
    return obj("ScaledObject", "keda.sh/v1alpha1", whole)


def vertical(**spec: Any) -> Json:
    return obj("VerticalPodAutoscaler", "autoscaling.k8s.io/v1", {"targetRef": REF, **spec})


def policies(*each: Json) -> Json:
    return {"resourcePolicy": {"containerPolicies": list(each)}}


def provided(of: Json, *others: Json, complete: bool = False) -> Any:
    inventory = Inventory([of, *others])
    kinds = ("autoscaling/HorizontalPodAutoscaler", "keda.sh/ScaledObject")
    prepared = prepare(of, SETTINGS, inventory, kinds)
    found = scaletarget.provide(About(prepared, inventory, SETTINGS, complete))
    json.dumps(found)
    return found


def test_a_target_is_described() -> None:
    found = provided(hpa(), deployment(replicas=3))
    assert (found["found"], found["replicas"], found["live"]) == (True, 3, False)
    (pod,) = found["pods"]
    assert pod["gpu"] is True
    assert pod["containers"] == [
        {"name": "server", "role": "main", "requests": ["cpu", "nvidia.com/gpu"], "open": False}
    ]
    assert pod["slo"]["model-load"]["value"] == 120_000


def test_a_default_of_the_api_server_is_nobody_s_writing() -> None:
    assert provided(hpa(), deployment())["replicas"] is None


def test_a_target_is_missing_only_where_its_neighbours_are_known() -> None:
    lost = hpa(target={**REF, "name": "lmm"})
    assert provided(lost) is None
    assert provided(lost, deployment())["found"] is False
    assert provided(lost, complete=True)["found"] is False


def test_the_hpa_that_keda_makes_is_no_second_one() -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "llm"}
    made = hpa("keda-hpa-llm", ownerReferences=[owner])
    assert provided(made, deployment(), scaled_object()) is None, "it is not judged"
    assert provided(hpa(), deployment(), scaled_object())["others"] == ["ScaledObject llm"]


def test_an_hpa_of_keda_s_own_is_judged_by_its_scaled_object() -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "llm"}
    kinds = ("autoscaling/HorizontalPodAutoscaler",)
    assert prepare(hpa(), SETTINGS, None, kinds).groups == kinds
    assert not prepare(hpa(ownerReferences=[owner]), SETTINGS, None, kinds).groups
    of_kserve = {**owner, "apiVersion": "serving.kserve.io/v1beta1"}
    assert prepare(hpa(ownerReferences=[of_kserve]), SETTINGS, None, kinds).groups == kinds


EARLY, LATE = (f"2026-11-0{day}T08:00:00Z" for day in (1, 2))


@pytest.mark.parametrize(
    ("mine", "theirs", "told_here"),
    [
        ("", "", True),  # manifests: the later name
        (LATE, EARLY, True),
        (EARLY, LATE, False),
        (EARLY, EARLY, True),  # at admission one of the two has to be stopped
        ("", LATE, True),
        (EARLY, "", False),
    ],
)
def test_a_pair_is_told_at_the_one_that_came_later(
    mine: str, theirs: str, *, told_here: bool
) -> None:
    judged = hpa("b", **({"creationTimestamp": mine} if mine else {}))
    other = hpa("a", **({"creationTimestamp": theirs} if theirs else {}))
    found = provided(judged, deployment(), other)["others"]
    assert found == (["HorizontalPodAutoscaler a"] if told_here else [])
    if mine != theirs or not mine:
        back = provided(other, deployment(), judged)["others"]
        assert bool(back) is not told_here


def test_beside_a_review_a_pair_is_told_at_what_is_written() -> None:
    """An older autoscaler that is given the target of a younger one: nobody submits the other."""
    judged, other = hpa("a", creationTimestamp=EARLY), hpa("b", creationTimestamp=LATE)
    inventory = Inventory([deployment(), other])
    prepared = prepare(judged, SETTINGS, inventory, ("autoscaling/HorizontalPodAutoscaler",))

    def others() -> Any:
        found = scaletarget.provide(About(prepared, inventory, SETTINGS, complete=False))
        return (found or {})["others"]

    assert others() == []
    inventory.beside_a_review = True
    assert others() == ["HorizontalPodAutoscaler b"]


def test_of_a_scaled_object_and_an_hpa_the_hpa_is_told_of() -> None:
    assert provided(scaled_object(), deployment(), hpa("z"))["others"] == []
    assert provided(hpa("a"), deployment(), scaled_object())["others"] == ["ScaledObject llm"]


def test_an_hpa_leaves_only_its_own_zero() -> None:
    def asleep(low: int, replicas: int, **rest: Any) -> bool:
        judged = hpa()
        judged["spec"]["minReplicas"] = low
        found: bool = provided({**judged, **rest}, deployment(replicas=replicas))["asleep"]
        return found

    slept = {"conditions": [{"type": "ScaledToZero", "status": "True"}]}
    assert asleep(0, 0)
    assert not asleep(0, 1)
    assert not asleep(1, 0)
    assert not asleep(0, 0, status=slept)
    assert not provided(scaled_object(minReplicaCount=0), deployment(replicas=0))["asleep"]


@pytest.mark.parametrize(
    ("spec", "resources"),
    [
        ({}, ["cpu", "memory"]),
        ({"updatePolicy": {"updateMode": "Off"}}, None),
        (policies({"containerName": "*", "mode": "Off"}), []),
        (policies({"containerName": "*", "controlledResources": ["memory"]}), ["memory"]),
        (policies({"containerName": "proxy", "mode": "Off"}), ["cpu", "memory"]),
        (policies({"containerName": "server", "mode": "Off"}), []),
        (policies({"containerName": "server", "mode": "Off"}, {"containerName": "*"}), []),
        (
            policies(
                {"containerName": "proxy", "mode": "Off"},
                {"containerName": "*", "controlledResources": ["memory"]},
            ),
            ["memory"],
        ),
        (policies({"mode": "Off"}), ["cpu", "memory"]),
    ],
)
def test_a_vertical_autoscaler_sets_what_it_controls(spec: Json, resources: Any) -> None:
    found = provided(hpa(), deployment(), vertical(**spec))["vertical"]
    assert [each["resources"] for each in found] == ([] if resources is None else [resources])


def test_another_scaled_workload_with_the_same_labels_overlaps() -> None:
    canary = deployment("canary", labels={"app": "llm"})
    assert provided(hpa(), deployment(), canary)["overlapping"] == []
    scaled = hpa("canary", target={**REF, "name": "canary"})
    assert provided(hpa(), deployment(), canary, scaled)["overlapping"] == ["Deployment canary"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)
    ),
    max_leaves=8,
)


@given(JUNK, JUNK, JUNK)
def test_any_shape_is_survived(spec: Any, target: Any, policy: Any) -> None:
    judged = obj("HorizontalPodAutoscaler", "autoscaling/v2", spec)
    provided(judged, obj("Deployment", "apps/v1", target), vertical(resourcePolicy=policy))
    provided(hpa(), obj("Deployment", "apps/v1", target), vertical(resourcePolicy=policy))
    provided(hpa(), deployment(), obj("VerticalPodAutoscaler", "autoscaling.k8s.io/v1", policy))
