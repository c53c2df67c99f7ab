"""Templates that are remembered give what they gave when they were new, and nobody else's view."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from karb_guard import workloads
from karb_guard.evaluation.prepare import JsonText, Prepared, prepare
from karb_guard.facts import FactSettings, TemplateMemory
from karb_guard.facts.memory import key_of
from karb_guard.inventory import Inventory

REVIEW = Path(__file__).parents[3] / "examples" / "reviews" / "ten-findings.json"
SETTINGS = FactSettings()
CLASS = {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "x"}}


def pod(suffix: str = "abcde") -> dict[str, Any]:
    obj: dict[str, Any] = orjson.loads(REVIEW.read_bytes())["request"]["object"]
    name = f"kube-api-access-{suffix}"
    volume = {"name": name, "projected": {"sources": [{"serviceAccountToken": {}}]}}
    obj["spec"].setdefault("volumes", []).append(volume)
    for container in obj["spec"]["containers"]:
        mounts = container.setdefault("volumeMounts", [])
        mounts.append({"name": name, "mountPath": "/var/run/secrets"})
    return obj


def deployment(replicas: int) -> dict[str, Any]:
    metadata = {"name": "llm", "namespace": "ai"}
    template = {"metadata": {"labels": {"app": "llm"}}, "spec": pod()["spec"]}
    spec = {"replicas": replicas, "selector": {}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def judged(
    obj: dict[str, Any], memory: TemplateMemory | None, inventory: Inventory | None = None
) -> Prepared:
    return prepare(copy.deepcopy(obj), SETTINGS, inventory, ("/Pod",), JsonText(1, memory))


def same(obj: dict[str, Any], memory: TemplateMemory) -> None:
    remembered, fresh = judged(obj, memory), judged(obj, None)
    assert remembered.pods == fresh.pods
    assert remembered.malformed == fresh.malformed
    assert remembered.document["object"] == fresh.document["object"]


def known(memory: TemplateMemory, obj: dict[str, Any]) -> bool:
    key = key_of(workloads.resolve(obj))
    return key is not None and memory.recall(key) is not None


def test_a_pod_is_recognised_under_another_name_and_with_another_token() -> None:
    memory = TemplateMemory()
    judged(pod("abcde"), memory)
    other = pod("x7k2p")
    other["metadata"].update(name="other", uid="other")
    assert known(memory, other)
    same(other, memory)
    assert "kube-api-access-abcde" not in str(judged(other, memory).pods)


@pytest.mark.parametrize(
    "change",
    [
        lambda obj: obj["metadata"]["labels"].update(added="1"),
        lambda obj: obj["spec"].update(hostNetwork=True),
        lambda obj: obj["spec"]["containers"][0].update(image="other:1"),
        lambda obj: obj["spec"]["containers"][0].update(stdin=1),
        lambda obj: obj["spec"].update(priority=1.0),
        lambda obj: obj["spec"].update(volumes=[{"name": "kube-api-access-fghij"}]),
    ],
)
def test_what_differs_is_looked_at_anew(change: Any) -> None:
    memory = TemplateMemory()
    judged(pod(), memory)
    other = pod()
    change(other)
    assert not known(memory, other)
    same(other, memory)
    same(other, memory)


def test_an_object_has_its_own_faults_and_its_own_scale() -> None:
    memory = TemplateMemory()
    wrong = pod()
    wrong["metadata"]["uid"] = True
    for obj in (wrong, pod(), deployment(2), deployment(3)):
        same(obj, memory)
        same(obj, memory)
    assert known(memory, deployment(4))


def test_what_was_malformed_is_not_remembered() -> None:
    memory = TemplateMemory()
    wrong = pod()
    wrong["spec"]["containers"][0]["stdin"] = "yes"
    for _ in range(2):
        assert len(judged(wrong, memory).malformed) == 1
    assert not known(memory, wrong)


def test_a_name_that_is_more_than_a_name_stays_in_the_key() -> None:
    spec = {"containers": [{"name": "kube-api-access-abcde", "image": "kube-api-access-abcde"}]}
    key = key_of(workloads.resolve({"apiVersion": "v1", "kind": "Pod", "spec": spec}))
    assert key is not None
    assert key.token == b""


def test_nobody_can_write_the_mark() -> None:
    memory = TemplateMemory()
    for name in ("\0token", "abcde"):
        obj = pod()
        obj["spec"]["volumes"].append({"name": name})
        same(obj, memory)
        same(obj, memory)


def test_an_object_that_is_no_json_has_no_key() -> None:
    obj = pod()
    obj["spec"]["nodeName"] = datetime.date(2026, 1, 1)
    assert key_of(workloads.resolve(obj)) is None


def test_it_is_not_asked_where_devices_are_known() -> None:
    memory = TemplateMemory()
    judged(pod(), memory, Inventory([CLASS]))
    assert not known(memory, pod())
    judged(pod(), memory, Inventory([{"apiVersion": "v1", "kind": "Namespace"}]))
    assert known(memory, pod())
