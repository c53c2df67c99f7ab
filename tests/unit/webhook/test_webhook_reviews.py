"""Reviews through the application: stages from labels, exemptions, waivers, metrics, draining."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.decisions.admission import passed
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.model.stage import Stage
from tests.support.webhook_rig import FixedNamespaces, Rig, body, pod
from webhook.logs import JsonFormatter
from webhook.metrics import Metrics

JSON = {"content-type": "application/json"}


def answer(rig: Rig, content: bytes) -> dict[str, Any]:
    with TestClient(rig.app) as client:
        found = client.post("/validate", content=content, headers=JSON)
    assert found.status_code == 200, found.text
    response: dict[str, Any] = found.json()["response"]
    return response


def sample(rig: Rig, name: str, **labels: str) -> float | None:
    return rig.metrics.registry.get_sample_value(name, labels)


def test_the_namespaces_label_decides() -> None:
    namespaces = FixedNamespaces({"inference": {"karb.dev/stage": "enforce"}, "other": {}})
    rig = Rig(Stage.AUDIT, namespaces)
    denied = answer(rig, body(pod("server")))
    assert denied["allowed"] is False
    assert denied["status"]["code"] == 403
    assert "enforced by namespace label karb.dev/stage=enforce" in denied["status"]["message"]
    assert answer(rig, body(pod("server", namespace="other")))["allowed"] is True


@pytest.mark.parametrize(
    ("live", "allowed", "outcome"),
    [({"new": {"karb.dev/stage": "enforce"}}, False, "found"), ({}, True, "unknown")],
)
def test_a_namespace_missing_from_the_copy_is_asked_for_live(
    live: Mapping[str, Mapping[str, str]], allowed: bool, outcome: str
) -> None:
    rig = Rig(Stage.AUDIT, FixedNamespaces({}, live))
    response = answer(rig, body(pod("server", namespace="new")))
    assert response["allowed"] is allowed
    assert ("namespace-labels" in response["auditAnnotations"]) is (outcome == "unknown")
    assert sample(rig, "karb_guard_namespace_misses_total", outcome=outcome) == 1


def test_an_unheeded_label_is_counted_and_told() -> None:
    rig = Rig(Stage.WARN, FixedNamespaces({"inference": {"karb.dev/stage": "maybe"}}))
    response = answer(rig, body(pod("server")))
    assert "karb.dev/stage=maybe is no stage" in response["auditAnnotations"]["ignored-labels"]
    assert sample(rig, "karb_guard_stage_label_problems_total", cause="value") == 1


@pytest.mark.parametrize(
    ("pattern", "exempt"), [("infer*", True), ("inference", True), ("i", False)]
)
def test_exempt_namespaces_pass_and_say_so(pattern: str, exempt: bool) -> None:
    response = answer(Rig(exempt=(pattern,)), body(pod("server")))
    assert response["allowed"] is exempt
    assert ("exempt" in response["auditAnnotations"].get("not-judged", "")) is exempt


def test_a_self_waivable_finding_is_waived_and_another_is_not() -> None:
    annotations = {
        "waive.karb.dev/gpu-pin": "one model only until=2027-03-31",
        "waive.karb.dev/res-mem": "no = means no until=2027-03-31",
    }
    bad = pod("server", annotations=annotations)
    del bad["spec"]["nodeSelector"]
    response = answer(Rig(), body(bad))
    assert response["allowed"] is False
    message = response["status"]["message"]
    assert "waive.karb.dev/res-mem is not heeded at admission" in message
    assert "gpu-pin:" not in message
    waived = response["auditAnnotations"]["waived"]
    assert waived == "gpu-pin at pod/spec: one model only (until 2027-03-31)"


def test_taking_a_valid_waiver_away_makes_its_finding_new() -> None:
    waived = pod(
        "server", limit="1Gi", annotations={"waive.karb.dev/gpu-pin": "x until=2027-03-31"}
    )
    del waived["spec"]["nodeSelector"]
    bare = {**waived, "metadata": {"name": "llm", "namespace": "inference"}}
    assert answer(Rig(), body(waived, "UPDATE", bare))["allowed"] is True
    denied = answer(Rig(), body(bare, "UPDATE", waived))
    assert denied["allowed"] is False
    assert "gpu-pin" in denied["status"]["message"]


def test_an_expired_waiver_denies_nothing_that_was_there() -> None:
    annotations = {"waive.karb.dev/gpu-pin": "x until=2027-01-01"}
    old = pod("server", limit="1Gi", annotations=annotations)
    del old["spec"]["nodeSelector"]
    new = json.loads(json.dumps(old))
    new["metadata"]["labels"] = {"a": "b"}
    assert answer(Rig(), body(new, "UPDATE", old))["allowed"] is True


def test_dry_run_is_answered_alike() -> None:
    assert answer(Rig(), body(pod("server"), dryRun=True))["allowed"] is False


def test_the_uid_is_echoed() -> None:
    assert answer(Rig(), body(pod("server"), uid="abc"))["uid"] == "abc"


def test_reviews_and_findings_are_counted() -> None:
    rig = Rig()
    answer(rig, body(pod("server")))
    answer(rig, body(pod("server", limit="1Gi")))
    total = "karb_guard_reviews_total"
    assert sample(rig, total, operation="CREATE", kind="/Pod", allowed="false") == 1
    assert sample(rig, total, operation="CREATE", kind="/Pod", allowed="true") == 1
    findings = "karb_guard_findings_total"
    assert sample(rig, findings, invariant="res-mem", stage="enforce") == 1
    assert sample(rig, "karb_guard_review_duration_seconds_count") == 2
    with TestClient(rig.app) as client:
        text = client.get("/metrics").text
    assert 'karb_guard_reviews_total{allowed="false",kind="/Pod",operation="CREATE"} 1.0' in text


def test_denials_are_counted_by_namespace_for_rollouts() -> None:
    rig = Rig()
    answer(rig, body(pod("server")))
    answer(rig, body(pod("server", limit="1Gi")))
    denied = {"object_namespace": "inference", "invariant": "res-mem", "stage": "enforce"}
    assert sample(rig, "karb_guard_namespace_findings_total", **denied) == 1
    old = pod("server")
    new = json.loads(json.dumps(old))
    new["metadata"]["labels"] = {"a": "b"}
    assert answer(rig, body(new, "UPDATE", old))["allowed"] is True
    assert sample(rig, "karb_guard_namespace_findings_total", **denied) == 1


def test_what_would_be_denied_is_counted_by_namespace_at_its_stage() -> None:
    rig = Rig(Stage.WARN)
    answer(rig, body(pod("server")))
    warned = {"object_namespace": "inference", "invariant": "res-mem", "stage": "warn"}
    assert sample(rig, "karb_guard_namespace_findings_total", **warned) == 1


def test_namespaces_beyond_the_bound_are_counted_as_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("webhook.metrics.MAX_NAMESPACE_SERIES", 0)
    rig = Rig()
    answer(rig, body(pod("server")))
    assert sample(rig, "karb_guard_namespace_findings_dropped_total") > 0
    assert "karb_guard_namespace_findings_total" not in {
        s.name for m in rig.metrics.registry.collect() for s in m.samples
    }


@pytest.mark.parametrize("kind", ["Invented", "Deployment"])
def test_invented_kinds_make_no_time_series(kind: str) -> None:
    rig = Rig()
    thing = {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "k"}}
    answer(rig, body(thing))
    total = "karb_guard_reviews_total"
    assert sample(rig, total, operation="CREATE", kind="other", allowed="true") == 1
    assert kind not in rig.metrics.render().decode()


def test_kinds_that_invariants_name_are_counted_each_for_itself() -> None:
    request = AdmissionRequest("u", "CREATE", "x", "v1", "Named", "n", "inference", "", {}, None)
    metrics = Metrics({"x/Named"})
    metrics.reviewed(request, passed("for the count"), 0.0)
    assert 'kind="x/Named"' in metrics.render().decode()


def test_readiness_names_what_is_missing() -> None:
    rig = Rig()
    problems: list[str] = ["no certificate is loaded"]
    rig.readiness.require("certificate", lambda: problems[0] if problems else None)
    with TestClient(rig.app) as client:
        unready = client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["missing"] == {"certificate": "no certificate is loaded"}
        problems.clear()
        assert client.get("/readyz").json() == {"ready": True, "missing": {}, "loaded": "d1"}
        assert sample(rig, "karb_guard_ready") == 1


def test_a_draining_process_is_unready_alive_and_still_answers() -> None:
    rig = Rig()
    rig.readiness.drain()
    with TestClient(rig.app) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        found = client.post("/validate", content=body(pod("server")), headers=JSON)
    assert found.json()["response"]["allowed"] is False
    assert found.headers["connection"] == "close"


def test_logs_are_json_with_the_uid_and_without_the_object(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = pod("server", annotations={"token": "hunter2"})
    with caplog.at_level(logging.DEBUG, "karb_guard"):
        answer(Rig(), body(secret))
    (record,) = [r for r in caplog.records if r.name == "karb_guard.webhook"]
    entry = json.loads(JsonFormatter().format(record))
    assert entry["message"] == "review denied"
    assert entry["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert entry["findings"] == ["res-mem enforce 1"]
    assert "hunter2" not in json.dumps(entry)
    assert "containers" not in json.dumps(entry)
