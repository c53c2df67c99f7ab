"""The copy of a cluster on disk: what comes back from it, and what it calls changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from audit.dirt import Dirt, Scopes
from audit.mirror import AT_ONCE, Mirror
from audit.plan import Plan, plan_of
from audit.spool import SpoolError
from audit.targets import Collection
from karb_guard.assembly.policies import Choices, read_catalogue

Json = dict[str, Any]
PODS = Collection("/api/v1/pods?", ("", "Pod"), True)
NODES = Collection("/api/v1/nodes?", ("", "Node"), False)


@pytest.fixture(scope="module")
def plan() -> Plan:
    catalogue, _ = read_catalogue(Choices())
    return plan_of(tuple(catalogue))


@pytest.fixture
def mirror(plan: Plan) -> Iterator[Mirror]:
    made = Mirror(plan, Dirt(lambda: 0.0))
    yield made
    made.close()


def pod(name: str, namespace: str = "a", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def names(mirror: Mirror, namespaces: list[str] | None = None) -> list[tuple[str, str]]:
    return [
        (obj["metadata"]["namespace"], obj["metadata"]["name"])
        for some in mirror.objects(PODS, namespaces)
        for obj in some
    ]


def listed(mirror: Mirror, *objects: Json) -> None:
    number = mirror.begin()
    mirror.take(PODS, objects, number)
    mirror.end(PODS, number)


def changed(mirror: Mirror) -> Scopes:
    return mirror._dirt.take()


def test_all_comes_back_however_many_there_are(mirror: Mirror) -> None:
    many = [pod(f"p{n:03}", "b" if n % 3 else "a") for n in range(3 * AT_ONCE + 1)]
    listed(mirror, *many)
    expected = sorted((p["metadata"]["namespace"], p["metadata"]["name"]) for p in many)
    assert names(mirror) == expected
    assert names(mirror, ["b"]) == [each for each in expected if each[0] == "b"]
    assert names(mirror, ["nowhere"]) == []


def test_a_list_forgets_what_it_does_not_have_and_names_what_changed(mirror: Mirror) -> None:
    listed(mirror, pod("same", "a"), pod("gone", "b"), pod("other", "c", x=1))
    changed(mirror)
    listed(mirror, pod("same", "a"), pod("other", "c", x=2))
    assert names(mirror) == [("a", "same"), ("c", "other")]
    assert changed(mirror) == Scopes(namespaces=frozenset({"b", "c"}))


def test_a_list_that_begins_anew_counts_from_there(mirror: Mirror) -> None:
    listed(mirror, pod("old"))
    number = mirror.begin()
    mirror.take(PODS, [pod("first-try")], number)
    number = mirror.begin()
    mirror.take(PODS, [pod("second-try")], number)
    mirror.end(PODS, number)
    assert names(mirror) == [("a", "second-try")]


def test_a_list_of_one_collection_leaves_the_others_alone(mirror: Mirror) -> None:
    listed(mirror, pod("web"))
    number = mirror.begin()
    mirror.end(NODES, number)
    assert names(mirror) == [("a", "web")]


def test_events_count_at_once(mirror: Mirror) -> None:
    listed(mirror, pod("web"))
    changed(mirror)
    mirror.put(PODS, {**pod("web"), "status": {"podIP": "10.0.0.1"}})
    assert changed(mirror) == Scopes()
    mirror.put(PODS, pod("web", x=1))
    assert changed(mirror) == Scopes(namespaces=frozenset({"a"}))
    mirror.remove(PODS, pod("web"))
    assert changed(mirror) == Scopes(namespaces=frozenset({"a"}))
    mirror.remove(PODS, pod("web"))
    assert changed(mirror) == Scopes()


def test_a_status_that_is_no_change_is_kept_all_the_same(mirror: Mirror) -> None:
    listed(mirror, pod("web"))
    mirror.put(PODS, {**pod("web"), "status": {"podIP": "10.0.0.1"}})
    (found,) = next(mirror.objects(PODS))
    assert found["status"] == {"podIP": "10.0.0.1"}


def test_a_collection_that_is_gone_takes_its_objects_with_it(mirror: Mirror) -> None:
    listed(mirror, pod("web"), pod("db", "b"))
    changed(mirror)
    mirror.forget(PODS)
    assert names(mirror) == []
    assert changed(mirror) == Scopes(namespaces=frozenset({"a", "b"}))


def test_what_is_read_everywhere_makes_everything_worth_a_look(mirror: Mirror) -> None:
    mirror.put(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    assert changed(mirror) == Scopes(everything=True, namespaces=frozenset({""}))


def test_many_threads_may_write(mirror: Mirror) -> None:
    def write(namespace: str) -> None:
        for number in range(100):
            mirror.put(PODS, pod(f"p{number}", namespace))

    threads = [threading.Thread(target=write, args=(f"n{each}",)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(mirror)) == 400


def test_who_waits_is_told_when_the_file_can_not_be_used(mirror: Mirror) -> None:
    mirror._file.execute("PRAGMA max_page_count = 1")
    with pytest.raises(SpoolError, match="TMPDIR"):
        listed(mirror, *(pod(f"p{n}", text="x" * 5000) for n in range(50)))
    with pytest.raises(SpoolError, match="TMPDIR"):
        mirror.wait(0.1, lambda: False)
