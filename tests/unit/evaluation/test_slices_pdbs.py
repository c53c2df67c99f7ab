"""The context key ``pdbs``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices import About, pdbs
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()
Json = dict[str, Any]


def workload(
    kind: str = "Deployment", api: str = "apps/v1", namespace: str | None = "ai", **labels: str
) -> Json:
    metadata = {"name": "llm", **({"namespace": namespace} if namespace else {})}
    template = {"metadata": {"labels": labels or {"app": "llm"}}, "spec": {"containers": []}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {"template": template}}


def budget(spec: Any = None, namespace: str | None = "ai", **fields: Any) -> Json:
    metadata = {"name": "b", **({"namespace": namespace} if namespace else {})}
    usual = {"selector": {"matchLabels": {"app": "llm"}}, "maxUnavailable": 1}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": {**usual, **fields} if spec is None else spec,
    }


def provided(obj: Json, *others: Json, complete: bool = False) -> Any:
    inventory = Inventory([obj, *others])
    return pdbs.provide(About(prepare(obj, SETTINGS, inventory, ()), inventory, SETTINGS, complete))


def test_a_budget_that_selects_the_pods() -> None:
    assert provided(workload(), budget()) == [
        {
            "name": "b",
            "minAvailable": None,
            "maxUnavailable": {"count": 1},
            "shared": False,
            "pods": [0],
            "maybe": [],
        }
    ]


def test_percentages() -> None:
    [entry] = provided(workload(), budget(maxUnavailable=None, minAvailable="50%"))
    assert (entry["minAvailable"], entry["maxUnavailable"]) == ({"percent": 50}, None)


def test_selectors() -> None:
    assert provided(workload(), budget(selector={"matchLabels": {"app": "other"}})) == []
    [all_of_them] = provided(workload(), budget(selector={}))
    assert all_of_them["pods"] == [0]
    assert all_of_them["shared"] is True
    assert provided(workload(), budget(selector=None)) == []
    expression = {"key": "app", "operator": "In", "values": ["llm", "b"]}
    assert len(provided(workload(), budget(selector={"matchExpressions": [expression]}))) == 1


def test_labels_of_an_operator_decide() -> None:
    obj = workload("LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1")
    obj["spec"] = {"leaderWorkerTemplate": {"workerTemplate": obj["spec"]["template"]}}
    [entry] = provided(obj, budget(selector={"matchLabels": {"app": "llm", "role": "x"}}))
    assert (entry["pods"], entry["maybe"]) == ([], [0])
    assert provided(obj, budget(selector={"matchLabels": {"app": "other"}})) == []


def test_budgets_that_an_operators_labels_decide_are_not_all_there() -> None:
    obj = workload("LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1")
    obj["spec"] = {"leaderWorkerTemplate": {"workerTemplate": obj["spec"]["template"]}}
    others = [budget(selector={"matchLabels": {"role": str(i)}}) for i in range(200)]
    for index, other in enumerate(others):
        other["metadata"]["name"] = f"b{index}"
    found = provided(obj, *others, {**budget(), "metadata": {"name": "own", "namespace": "ai"}})
    assert [entry["name"] for entry in found if entry["pods"]] == ["own"]
    assert len(found) == pdbs.MAX_DOUBTFUL + 1


def test_pods_of_other_workloads_share_it() -> None:
    other = workload("StatefulSet")
    assert provided(workload(), other, budget())[0]["shared"] is True
    made = workload("ReplicaSet")
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}
    ]
    assert provided(workload(), made, budget())[0]["shared"] is False


def test_what_is_known() -> None:
    assert provided(workload()) is None
    assert provided(workload(), complete=True) == []
    elsewhere = budget(namespace="other")
    assert provided(workload(), elsewhere) is None
    assert len(provided(workload(namespace=None), budget(namespace=None))) == 1
    two = [
        budget(namespace=None),
        {**budget(namespace=None, selector={}), "metadata": {"name": "c"}},
    ]
    assert provided(workload(namespace=None), *two) is None


def test_objects_without_pods_and_too_many_budgets() -> None:
    assert (
        provided(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "ai"}}, budget()
        )
        is None
    )
    assert provided(workload(), *[budget()] * (pdbs.MAX_BUDGETS + 1)) is None


@pytest.mark.parametrize(
    "spec",
    [
        [],
        "x",
        {"selector": []},
        {"selector": {"matchLabels": {"app": 1}}},
        {"selector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
        {"selector": {"matchLabels": {"app": "llm"}}, "minAvailable": "half"},
        {"selector": {"matchLabels": {"app": "llm"}}, "minAvailable": True},
    ],
)
def test_what_the_api_server_refuses_protects_nothing(spec: Any) -> None:
    assert provided(workload(), budget(spec)) == []


@given(
    spec=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda i: (
            st.lists(i, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["selector", "matchLabels", "matchExpressions", "minAvailable", "key", "values"]
                ),
                i,
            )
        ),
    )
)
def test_any_shape_does_no_harm(spec: Any) -> None:
    assert isinstance(provided(workload(), budget(spec) if spec is not None else budget([])), list)


def test_a_budget_that_is_written_twice_is_one() -> None:
    [entry] = provided(workload(), budget(), budget(maxUnavailable=2))
    assert entry["maxUnavailable"] == {"count": 2}
