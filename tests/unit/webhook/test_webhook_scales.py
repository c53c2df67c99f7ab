"""``/scale``: the workload is judged with its new replicas, and only what they bring counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.cluster.errors import ClusterError
from karb_guard.decisions.request import AdmissionRequest, Resource
from karb_guard.model.finding import Coverage, Evaluation, ObjectRef
from karb_guard.model.stage import Stage
from tests.support.webhook_rig import RES_MEM, LimitEvaluator, Rig, _finding
from webhook.loaded import Surroundings
from webhook.scales import LiveParents, path_of

HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
CAP = 4
Json = dict[str, Any]


class CapEvaluator(LimitEvaluator):
    """Finds more than ``CAP`` replicas too (as a second finding of res-mem)."""

    def evaluate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Mapping[str, str] | None,
        json_bytes: int | None = None,
    ) -> Evaluation:
        found = super().evaluate(obj, namespace, labels, json_bytes)
        replicas = obj["spec"].get("replicas", 1)
        if replicas > 1000:
            return Evaluation(found.object, Coverage.KNOWN, not_evaluated="too many")
        if replicas <= CAP:
            return found
        ref = ObjectRef("apps/v1", str(obj["kind"]), "llm", namespace)
        more = _finding(RES_MEM, ref, ("spec", "replicas"), "replicas")
        return found._replace(findings=(*found.findings, more))


def deployment(**metadata: Any) -> Json:
    """One whose container has no memory limit, from before that was enforced."""
    template = {"spec": {"nodeSelector": {"a": "b"}, "containers": [{"name": "server"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "inference", **metadata},
        "spec": {"replicas": 1, "template": template},
    }


class Stored:
    """What the API server has."""

    def __init__(self, parent: Json | None) -> None:
        self.parent = parent
        self.asked: list[str] = []

    async def of(self, request: AdmissionRequest) -> Json | None:
        self.asked.append(path_of(request))
        return self.parent


def scale(replicas: int) -> Json:
    spec = {"replicas": replicas} if replicas else {}  # Go's omitempty
    metadata = {"name": "llm", "namespace": "inference"}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": spec}


def scaled(
    old: int, new: int, rig: Rig, user: str = "jane", resource: str = "deployments"
) -> dict[str, Any]:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "resource": {"group": "apps", "version": "v1", "resource": resource},
        "subResource": "scale",
        "name": "llm",
        "namespace": "inference",
        "operation": "UPDATE",
        "userInfo": {"username": user},
        "object": scale(new),
        "oldObject": scale(old),
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    with TestClient(rig.app) as client:
        answer = client.post("/validate", json=review)
    assert answer.status_code == 200
    response: dict[str, Any] = answer.json()["response"]
    return response


def rig_of(parent: Json | None, stage: Stage = Stage.ENFORCE, **options: Any) -> Rig:
    rig = Rig(stage, surroundings=Surroundings(parents=Stored(parent)), **options)
    object.__setattr__(rig.service.loaded, "evaluator", CapEvaluator())
    return rig


def counted(rig: Rig, outcome: str) -> float | None:
    name = "karb_guard_scales_total"
    return rig.metrics.registry.get_sample_value(name, {"outcome": outcome})


def test_replicas_beyond_what_is_enforced_are_denied() -> None:
    rig = rig_of(deployment())
    response = scaled(1, CAP + 1, rig)
    assert response["allowed"] is False
    message = response["status"]["message"]
    assert "Deployment inference/llm: 1 finding of enforced" in message
    assert "spec.replicas" in message
    assert response["auditAnnotations"]["scale"] == "Deployment llm: replicas 1 -> 5"
    assert counted(rig, "denied") == 1


def test_what_was_wrong_at_the_old_number_neither_denies_nor_warns() -> None:
    for old, new in ((1, CAP), (CAP + 1, CAP + 9), (CAP + 9, 0), (0, 1)):
        rig = rig_of(deployment())
        response = scaled(old, new, rig)
        assert response["allowed"] is True
        assert "warnings" not in response
        assert counted(rig, "admitted") == 1


def test_where_it_is_not_enforced_the_author_is_warned() -> None:
    response = scaled(1, CAP + 1, rig_of(deployment(), Stage.WARN))
    assert response["allowed"] is True
    assert len(response["warnings"]) == 1


def test_the_waiver_of_the_workload_is_looked_for_on_the_workload() -> None:
    annotations = {"waive.karb.dev/res-mem": "a burst of the launch until=2027-03-31"}
    response = scaled(1, CAP + 1, rig_of(deployment(annotations=annotations)))
    assert "is not heeded at admission" in response["status"]["message"]


@pytest.mark.parametrize("user", [HPA, "system:kube-controller-manager", "keda-operator"])
def test_an_autoscaler_is_told_and_not_held_up(user: str) -> None:
    rig = rig_of(deployment(), controllers=("keda-*",))
    response = scaled(1, CAP + 1, rig, user)
    assert response["allowed"] is True
    assert "enforced, but an autoscaler is not held up" in response["warnings"][0]
    assert response["auditAnnotations"]["findings"] == "enforce: res-mem"


@pytest.mark.parametrize("new", [2000, 1])
def test_without_a_verdict_on_either_number_it_is_denied_where_enforced(new: int) -> None:
    response = scaled(2001 - new, new, rig_of(deployment()))
    assert response["allowed"] is False
    assert "not evaluated: too many" in response["status"]["message"]


def test_an_unreadable_workload_passes_with_a_warning_and_is_counted() -> None:
    rig = rig_of(None)
    response = scaled(1, CAP + 1, rig)
    assert response["allowed"] is True
    assert "Deployment inference/llm could not be read" in response["warnings"][0]
    assert counted(rig, "not-read") == 1


def test_other_resources_and_unchanged_numbers_are_not_looked_up() -> None:
    stored = Stored(deployment())
    rig = Rig(surroundings=Surroundings(parents=stored))
    notes = scaled(1, 9, rig, resource="leaderworkersets")["auditAnnotations"]
    assert notes["not-judged"] == "subresource scale of leaderworkersets is not judged"
    notes = scaled(9, 9, rig)["auditAnnotations"]
    assert "touches neither" in notes["not-judged"]
    assert stored.asked == []


def test_a_workload_that_is_being_deleted_may_be_scaled() -> None:
    parent = deployment(deletionTimestamp="2027-01-15T00:00:00Z")
    assert scaled(1, CAP + 1, rig_of(parent))["allowed"] is True


def a_request(**changes: Any) -> AdmissionRequest:
    resource = Resource("apps", "v1", "deployments")
    request = AdmissionRequest(
        "u", "UPDATE", "autoscaling", "v1", "Scale", "llm", "inference", "scale", scale(2), None
    )
    return request._replace(resource=resource, **changes)


def test_the_path_of_a_workload() -> None:
    wanted = "/apis/apps/v1/namespaces/inference/deployments/llm"
    assert path_of(a_request()) == wanted
    core = a_request()._replace(resource=Resource("", "v1", "replicationcontrollers"))
    assert path_of(core) == "/api/v1/namespaces/inference/replicationcontrollers/llm"
    assert "/../" not in path_of(a_request(name="../x"))


@pytest.mark.parametrize("slow", [True, False])
def test_a_look_that_fails_or_takes_too_long_is_none(slow: bool) -> None:
    def get(_path: str, _seconds: float) -> Json | None:
        if slow:
            time.sleep(0.5)
            return {}
        raise ClusterError("403 Forbidden")

    parents = LiveParents(get, timeout=0.1)
    started = time.monotonic()
    assert asyncio.run(parents.of(a_request())) is None
    assert time.monotonic() - started < 0.4
    parents.close()
