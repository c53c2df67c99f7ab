"""What an autoscaler is judged beside, and when nobody knows."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from karb_guard.cluster.errors import ClusterError
from karb_guard.decisions.request import AdmissionRequest
from webhook.neighbours import HPA, WATCHED, LiveNeighbours, Neighbours
from webhook.objects import ClusterObjects

Json = dict[str, Any]
DEPLOYMENT = ("apps", "Deployment")


def request(reference: Any, kind: tuple[str, str] = HPA, name: str = "mine") -> AdmissionRequest:
    return AdmissionRequest(
        uid="1",
        operation="CREATE",
        group=kind[0],
        version="v2",
        kind=kind[1],
        name=name,
        namespace="team",
        subresource="",
        obj={"spec": {"scaleTargetRef": reference}},
        old=None,
        dry_run=False,
    )


CREATED = "2026-11-01T08:00:00Z"


def hpa(name: str, namespace: str = "team") -> tuple[tuple[str, str], Json]:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": CREATED}
    listed = {"metadata": metadata, "spec": {}, "status": {"x": 1}}
    return (namespace, name), WATCHED["horizontalpodautoscalers"].kept(listed)


def objects(*hpas: tuple[tuple[str, str], Json], unknown: str = "") -> ClusterObjects:
    made = ClusterObjects()
    for name in WATCHED:
        items = dict(hpas) if name == "horizontalpodautoscalers" else {}
        made.take(name, items, known=name != unknown)
    return made


TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"}


def around(
    known: ClusterObjects,
    get: Any = lambda _path, _seconds: None,
    reference: Any = None,
    **more: Any,
) -> Neighbours | None:
    live = LiveNeighbours(known, get, timeout=0.2)
    try:
        return asyncio.run(live.around(request(reference or TARGET, **more)))
    finally:
        live.close()


def names(found: Neighbours | None) -> list[str]:
    assert found is not None
    return [obj["metadata"]["name"] for obj in found.objects]


@pytest.mark.parametrize("unknown", WATCHED)
def test_while_one_collection_is_not_known_nothing_is_said(unknown: str) -> None:
    assert around(objects(hpa("other"), unknown=unknown)) is None
    assert around(ClusterObjects()) is None


def test_those_of_the_namespace_without_itself_and_without_status() -> None:
    found = around(objects(hpa("other"), hpa("mine"), hpa("far", "elsewhere")))
    assert names(found) == ["other"]
    assert found is not None
    assert "status" not in found.objects[0]
    assert found.objects[0]["metadata"]["creationTimestamp"] == CREATED, "who came first counts"
    assert (found.objects[0]["apiVersion"], found.objects[0]["kind"]) == ("autoscaling/v2", HPA[1])


def test_the_target_is_asked_for_by_its_path() -> None:
    asked: list[str] = []

    def get(path: str, seconds: float) -> Json:
        asked.append(path)
        assert seconds > 0
        return {"metadata": {"name": "llm", "namespace": "team", "uid": "u"}}

    found = around(objects(), get)
    assert asked == ["/apis/apps/v1/namespaces/team/deployments/llm"]
    assert names(found) == ["llm"]
    assert found is not None
    assert DEPLOYMENT in found.known


def test_a_target_that_is_not_there_may_come_next() -> None:
    found = around(objects())
    assert found is not None
    assert DEPLOYMENT not in found.known
    assert found.objects == ()


@pytest.mark.parametrize(
    "reference",
    [
        {"apiVersion": "example.com/v1", "kind": "Gateway", "name": "llm"},  # a guessed resource
        {"kind": "Deployment", "name": "llm"},  # the API server asks for a version
        {"apiVersion": "apps/v1", "kind": "Deployment"},
        {"apiVersion": 1, "kind": ["x"], "name": {}},
        "llm",
    ],
)
def test_of_other_targets_nothing_is_known(reference: Any) -> None:
    found = around(objects(), reference=reference)
    assert found is not None
    assert DEPLOYMENT not in found.known


def test_kedas_defaults_of_a_target() -> None:
    asked: list[str] = []
    keda = ("keda.sh", "ScaledObject")
    around(objects(), lambda path, _: asked.append(path), {"name": "llm"}, kind=keda)
    assert asked == ["/apis/apps/v1/namespaces/team/deployments/llm"]


def test_every_part_of_a_path_stays_one_segment() -> None:
    asked: list[str] = []
    reference = {"apiVersion": "../../v1", "kind": "x/../secret", "name": "a?watch=1#/b"}
    around(objects(), lambda path, _: asked.append(path), reference)
    (path,) = asked
    assert path == "/apis/..%2F../v1/namespaces/team/x%2F..%2Fsecrets/a%3Fwatch%3D1%23%2Fb"


def test_an_api_server_that_fails_or_hangs_leaves_the_target_unknown() -> None:
    def failing(_path: str, _seconds: float) -> Json:
        raise ClusterError("no")

    def hanging(_path: str, _seconds: float) -> Json:
        time.sleep(0.5)
        return {}

    for get in (failing, hanging):
        found = around(objects(hpa("other")), get)
        assert names(found) == ["other"]
        assert found is not None
        assert DEPLOYMENT not in found.known
