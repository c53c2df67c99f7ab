"""Exports: what a dump says about its completeness, and files that are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.collecting import Collected, Collector
from audit.dump import Dump
from audit.plan import plan_of
from audit.spool import Spool
from karb_guard.model.errors import UsageError
from tests.support.judging import catalogue

Json = dict[str, Any]
PLAN = plan_of(list(catalogue()))


def pod(name: str, **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", **metadata},
        "spec": {"containers": [{"name": "server", "image": "a:1"}]},
    }


def listed(kind: str, *items: Json, version: str = "v1", **metadata: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "items": list(items)}


def read(*paths: Path, complete: bool = False) -> tuple[Collected, list[str]]:
    """What was collected, and the names of what waits in namespace a."""
    with Spool() as spool:
        collector = Collector(PLAN, spool, lambda _pod: None)
        Dump([str(path) for path in paths], PLAN, complete).fill(collector)
        names = [stored.object["metadata"]["name"] for stored in spool.take("a")]
        return collector.collected, names


def write(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_must_gather_holds_pods_twice_and_they_count_once(tmp_path: Path) -> None:
    place = "namespaces/a/core"
    items = [{k: v for k, v in pod("llm").items() if k not in ("kind", "apiVersion")}]
    write(tmp_path, f"{place}/pods.yaml", listed("PodList", *items))
    write(tmp_path, "namespaces/a/pods/llm/llm.yaml", pod("llm"))
    write(tmp_path, "namespaces/a/pods/llm/server/logs/current.log", "kind: Pod")
    collected, names = read(tmp_path)
    assert names == ["llm"]
    assert collected.problems == []


def test_a_list_of_a_kind_says_that_it_is_complete_even_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path, "pods.json", listed("List", pod("llm")))
    budgets = ("policy", "PodDisruptionBudget")
    assert not read(tmp_path)[0].is_listed(*budgets)
    write(tmp_path, "pdbs.yaml", listed("PodDisruptionBudgetList", version="policy/v1"))
    assert read(tmp_path)[0].is_listed(*budgets)


def test_a_list_that_goes_on_elsewhere_is_not_complete(tmp_path: Path) -> None:
    page = listed("PodDisruptionBudgetList", version="policy/v1")
    page["metadata"]["continue"] = "more"
    collected, _ = read(write(tmp_path, "pdbs.json", page))
    assert not collected.is_listed("policy", "PodDisruptionBudget")


def test_custom_kinds_are_known_to_be_absent_by_the_definitions(tmp_path: Path) -> None:
    scaled = ("keda.sh", "ScaledObject")
    file = write(tmp_path, "pods.json", listed("List", pod("llm")))
    assert not read(file)[0].is_listed(*scaled)
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Widget"}},
    }
    write(tmp_path, "crds.json", listed("List", definition))
    assert read(tmp_path)[0].is_listed(*scaled)
    definition["spec"] = {"group": "keda.sh", "names": {"kind": "ScaledObject"}}
    write(tmp_path, "crds.json", listed("List", definition))
    collected, _ = read(tmp_path)
    assert not collected.is_listed(*scaled)
    assert "ScaledObject.keda.sh" in {missing.what for missing in collected.missing}


def test_complete_is_the_users_word(tmp_path: Path) -> None:
    file = write(tmp_path, "pods.json", listed("List", pod("llm")))
    assert read(file)[0].missing
    assert read(file, complete=True)[0].missing == []


def test_a_file_that_can_not_be_read_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, "good.json", pod("llm"))
    write(tmp_path, "bad.json", '{"kind": "Pod", ')
    collected, names = read(tmp_path)
    assert names == ["llm"]
    assert [Path(problem.file).name for problem in collected.problems] == ["bad.json"]


def test_several_documents_in_a_file_are_all_read(tmp_path: Path) -> None:
    file = write(tmp_path, "two.json", "\n".join(json.dumps(pod(name)) for name in "xy"))
    assert read(file)[1] == ["x", "y"]


def test_pods_of_one_controller_that_are_alike_are_kept_once(tmp_path: Path) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True}
    pods = [pod(f"r-{number}", ownerReferences=[owner]) for number in range(9)]
    assert len(read(write(tmp_path, "pods.json", listed("List", *pods)))[1]) == 1


@pytest.mark.parametrize("name", ["gone", "."])
def test_a_path_without_objects_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--from-dump"):
        read(tmp_path / name)


def test_lists_in_lists_are_taken_apart(tmp_path: Path) -> None:
    inner = listed("PodDisruptionBudgetList", version="policy/v1")
    file = write(tmp_path, "all.json", listed("List", listed("List", pod("llm")), inner))
    collected, names = read(file)
    assert names == ["llm"]
    assert ("", "List") not in collected.listed
    assert collected.is_listed("policy", "PodDisruptionBudget")


def test_lists_in_too_many_lists_are_a_problem(tmp_path: Path) -> None:
    value = pod("llm")
    for _ in range(400):
        value = listed("List", value)
    collected, names = read(write(tmp_path, "deep.json", value))
    assert names == []
    assert [problem.message for problem in collected.problems] == [
        "the items of a List are in more than 16 lists"
    ]


@pytest.mark.parametrize("name", ["array.json", "array.yaml"])
def test_an_array_of_objects_is_a_list_of_them(name: str, tmp_path: Path) -> None:
    write(tmp_path, "good.json", pod("x"))
    write(tmp_path, name, [pod("y"), listed("List", pod("z"))])
    collected, names = read(tmp_path)
    assert sorted(names) == ["x", "y", "z"]
    assert (collected.problems, collected.not_objects) == ([], 0)


def test_what_is_no_object_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "good.json", pod("x"))
    write(tmp_path, "health.json", [{"endpoint": "a"}, 7])
    write(tmp_path, "rules.json", {"groups": []})
    collected, names = read(tmp_path)
    assert names == ["x"]
    assert (collected.problems, collected.not_objects) == ([], 3)


def test_items_that_are_no_objects_are_a_problem(tmp_path: Path) -> None:
    items = [pod("x"), None, "y", {"metadata": {"name": "z"}}]
    collected, names = read(write(tmp_path, "pods.json", listed("List", *items)))
    assert names == ["x"]
    assert [problem.message for problem in collected.problems] == [
        "3 of the 4 items of a List are no objects"
    ]


def test_a_list_whose_items_are_null_is_an_empty_one(tmp_path: Path) -> None:
    page = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudgetList", "items": None}
    collected, _ = read(write(tmp_path, "pdbs.json", page))
    assert collected.is_listed("policy", "PodDisruptionBudget")
