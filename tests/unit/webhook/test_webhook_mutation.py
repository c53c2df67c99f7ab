"""``/mutate`` never denies and never fails a request; what it could not do is said and counted."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.decisions.break_glass import switched_on
from karb_guard.mutation.mutator import Mutation, Mutator
from karb_guard.mutation.options import MutationOptions
from tests.support.mutation_pods import container, pod
from tests.support.webhook_rig import FixedNamespaces, Rig, body, review
from webhook import rules
from webhook.app import create_app
from webhook.rules import RegistrationOptions, ServiceAddress

JSON = {"content-type": "application/json"}
ON = MutationOptions(enabled=True, namespace_labels=("team",))
GPU_POD = pod(container(gpus=1))


class Broken:
    """A mutator with a mistake of ours."""

    def mutate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Mapping[str, str] | None,
        json_bytes: int | None = None,
    ) -> Mutation:
        raise RuntimeError("a mistake of ours")


def sample(rig: Rig, name: str, **labels: str) -> float | None:
    return rig.metrics.registry.get_sample_value(name, labels)


def response(rig: Rig, request: Any) -> Any:
    with TestClient(rig.app) as client:
        answer = client.post("/mutate", json=request)
    assert answer.status_code == 200
    return answer.json()["response"]


def test_a_mistake_of_ours_admits_the_pod_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(mutator=Broken())
    with caplog.at_level(logging.ERROR):
        found = response(rig, review(GPU_POD))
    assert found["allowed"] is True
    assert "patch" not in found
    assert "filled in nothing: an internal error" in found["warnings"][0]
    assert found["auditAnnotations"]["not-mutated"].startswith("internal: ")
    assert sample(rig, "karb_guard_mutation_failures_total", cause="internal") == 1
    assert sample(rig, "karb_guard_mutation_reviews_total", outcome="failed") == 1
    assert "a mutation failed" in caplog.text


def test_what_is_done_is_counted_by_mutation() -> None:
    rig = Rig(mutator=Mutator(ON))
    with TestClient(rig.app) as client:
        for _ in range(2):
            client.post("/mutate", json=review(pod(container("a"), container("b"))))
    counted = "karb_guard_mutations_total"
    assert sample(rig, counted, mutation="no-privilege-escalation") == 4
    assert sample(rig, counted, mutation="seccomp-profile") == 2
    assert sample(rig, "karb_guard_mutation_reviews_total", outcome="patched") == 2
    assert sample(rig, "karb_guard_mutation_duration_seconds_count") == 2
    assert sample(rig, "karb_guard_review_duration_seconds_count") == 0, "of /validate alone"


def test_an_unknown_namespace_is_asked_for_live() -> None:
    namespaces = FixedNamespaces({"other": {}}, live={"inference": {"team": "serving"}})
    found = response(Rig(namespaces=namespaces, mutator=Mutator(ON)), review(GPU_POD))
    assert "namespace-label(team=serving)" in found["auditAnnotations"]["mutations"]


def test_under_break_glass_nothing_is_changed() -> None:
    now = datetime.datetime(2027, 1, 15, tzinfo=datetime.UTC)
    state = switched_on("alice", "nodes can't join", now)
    found = response(Rig(mutator=Mutator(ON), broken=lambda: state), review(GPU_POD))
    assert "patch" not in found
    assert "break-glass" in found["auditAnnotations"]["not-mutated"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{}", JSON, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"[" * 2000, JSON, 400),
        (b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]}', JSON, 400),
    ],
)
def test_bad_input_is_refused_as_by_validate(
    content: bytes, headers: dict[str, str], status: int
) -> None:
    rig = Rig(mutator=Mutator(ON))
    with TestClient(rig.app) as client:
        answers = [
            client.post(p, content=content, headers=headers) for p in ("/validate", "/mutate")
        ]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].json() == answers[1].json()


def test_a_pod_larger_than_the_bound_passes_without_a_patch() -> None:
    rig = Rig(mutator=Mutator(ON))
    app = create_app(rig.service, rig.readiness, rig.metrics, max_body_bytes=2000)
    large = pod(container(gpus=1), metadata={"annotations": {"a": "x" * 4000}})
    with TestClient(app) as client:
        answer = client.post("/mutate", content=body(large), headers=JSON)
    assert answer.status_code == 200
    found = answer.json()["response"]
    assert (found["allowed"], found.get("patch")) == (True, None)
    assert "larger than 2000 bytes" in found["warnings"][0]
    assert sample(rig, "karb_guard_mutation_failures_total", cause="bounds") == 1


def test_warnings_are_short_enough_for_the_api_server() -> None:
    odd = pod(container(gpus=1), metadata={"labels": {"x" * 1000: 1}})
    for found in (response(Rig(mutator=Mutator(ON)), review(odd)),):
        assert found["allowed"] is True
        assert all(len(text) <= 256 for text in found["warnings"])


def test_only_the_creation_of_pods_is_sent_here() -> None:
    options = RegistrationOptions(ServiceAddress("ns", "svc"), failure_policy="Fail")
    (webhook,) = rules.mutating_configuration(options, b"pem")["webhooks"]
    (rule,) = webhook["rules"]
    assert (rule["resources"], rule["operations"]) == (["pods"], ["CREATE"])
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["reinvocationPolicy"] == "IfNeeded"
    assert webhook["clientConfig"]["service"]["path"] == "/mutate"
    (validating,) = [
        each
        for each in rules.configuration(options, b"pem")["webhooks"]
        if each["name"] == rules.PODS
    ]
    for key in ("matchConditions", "namespaceSelector", "objectSelector", "matchPolicy"):
        assert webhook[key] == validating[key]


def test_a_url_leads_to_mutate() -> None:
    options = RegistrationOptions("https://example.org:8443/validate")
    (webhook,) = rules.mutating_configuration(options, b"")["webhooks"]
    assert webhook["clientConfig"]["url"] == "https://example.org:8443/mutate"
