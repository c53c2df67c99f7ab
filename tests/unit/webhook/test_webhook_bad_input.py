"""Whatever is sent to /validate, the answer is a clear 4xx or an explained allow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.model.stage import Stage
from tests.support.webhook_rig import Rig, body, pod, review
from webhook.body import MAX_BODY_BYTES

JSON = {"content-type": "application/json"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def client(rig: Rig) -> Iterator[TestClient]:
    with TestClient(rig.app, raise_server_exceptions=True) as client:
        yield client


def changed(**changes: Any) -> bytes:
    document = review(pod("server"))
    for path, value in changes.items():
        where: Any = document
        *parents, last = path.split("__")
        for key in parents:
            where = where[key]
        if value is DELETE:
            del where[last]
        else:
            where[last] = value
    return json.dumps(document).encode()


DELETE = object()

BAD = {
    "empty body": (b"", 400, "empty", "body is empty"),
    "white space": (b"  \n", 400, "json", "no valid JSON"),
    "truncated JSON": (body(pod("server"))[:-20], 400, "json", "no valid JSON"),
    "not UTF-8": (body(pod("server")).replace(b"llm", b"\xff\xfe"), 400, "json", "no valid JSON"),
    "a list": (b"[]", 400, "type", "a list"),
    "null": (b"null", 400, "type", "null"),
    "100,000 lists": (b"[" * 100_000, 400, "depth", "nested deeper"),
    "100,000 maps": (b'{"a":' * 100_000, 400, "depth", "nested deeper"),
    "closed 100,000": (b"[" * 100_000 + b"]" * 100_000, 400, "depth", "nested deeper"),
    "wrong apiVersion": (
        changed(apiVersion="admission.k8s.io/v1beta1"),
        400,
        "apiVersion",
        "'admission.k8s.io/v1beta1'",
    ),
    "wrong kind": (changed(kind="Pod"), 400, "kind", "kind is 'Pod'"),
    "deep apiVersion": (
        changed(apiVersion=json.loads("[" * 900 + "]" * 900)),
        400,
        "apiVersion",
        "a list",
    ),
    "missing kind": (changed(kind=DELETE), 400, "kind", "kind is null"),
    "no request": (changed(request=DELETE), 400, "request", "request is null"),
    "request a list": (changed(request=[]), 400, "request", "request is a list"),
    "missing uid": (changed(request__uid=DELETE), 400, "uid", "uid is missing"),
    "empty uid": (changed(request__uid=""), 400, "uid", "uid is missing"),
    "number as uid": (changed(request__uid=7), 400, "type", "request.uid is a number"),
    "endless uid": (changed(request__uid="u" * 257), 400, "uid", "longer than 256"),
    "unknown operation": (changed(request__operation="PATCH"), 400, "operation", "'PATCH'"),
    "kind a string": (changed(request__kind="Pod"), 400, "type", "request.kind is a string"),
    "group a list": (changed(request__kind__group=[]), 400, "type", "request.kind.group"),
    "object a list": (changed(request__object=[]), 400, "type", "request.object is a list"),
    "create of null": (changed(request__object=None), 400, "object", "request.object is null"),
    "namespace a map": (changed(request__namespace={}), 400, "type", "request.namespace"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_body_gets_a_clear_4xx_and_is_counted(name: str, rig: Rig, client: TestClient) -> None:
    content, status, cause, message = BAD[name]
    answer = client.post("/validate", content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]
    assert "Traceback" not in answer.text
    count = rig.metrics.registry.get_sample_value("karb_guard_bad_requests_total", {"cause": cause})
    assert count == 1
    assert client.get("/healthz").text == "ok"
    good = client.post("/validate", content=body(pod("server", limit="1Gi")), headers=JSON)
    assert good.json()["response"]["allowed"] is True


@pytest.mark.parametrize("media_type", ["text/plain", "application/yaml", "application/jsonx", ""])
def test_another_media_type_is_415(media_type: str, client: TestClient) -> None:
    headers = {"content-type": media_type}
    answer = client.post("/validate", content=body(pod("server")), headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_media_type_may_have_parameters_and_capitals(client: TestClient) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    answer = client.post("/validate", content=body(pod("server", limit="1Gi")), headers=headers)
    assert answer.status_code == 200


def test_ten_megabytes_that_are_no_review_are_413(client: TestClient) -> None:
    answer = client.post("/validate", content=b'{"a": "' + b"x" * 10_000_000, headers=JSON)
    assert answer.status_code == 413
    assert str(MAX_BODY_BYTES) in answer.json()["error"]


FIELDS = '"metadata": {"managedFields": [{"fieldsV1": %s}], '
BEYOND_US = {
    "10 MB": (body(pod("server", annotations={"a": "<" * 10_000_000})), str(MAX_BODY_BYTES)),
    "10 MB of old object": (
        body(pod("server"), "UPDATE", pod("server", annotations={"a": "<" * 10_000_000})),
        str(MAX_BODY_BYTES),
    ),
    "1,500 levels": (
        body(pod("server")).replace(
            b'"metadata": {', (FIELDS % ('{"f:a":' * 1500 + "{}" + "}" * 1500)).encode()
        ),
        "nested deeper",
    ),
    "half a surrogate pair": (
        body(pod("server")).replace(b'"metadata": {', (FIELDS % r'{"a":"\ud800"}').encode()),
        "no valid JSON",
    ),
    "a number beyond float64": (
        body(pod("server")).replace(b'"metadata": {', (FIELDS % '{"a":1e999}').encode()),
        "no valid JSON",
    ),
}
"""What an API server sends all the same (seen with 1.37: it keeps ``fieldsV1`` as it is written,
and escapes ``<``). With failurePolicy Ignore a 4xx would let the object in."""


@pytest.mark.parametrize(("content", "problem"), BEYOND_US.values(), ids=BEYOND_US)
def test_an_object_that_is_beyond_us_is_not_evaluated_and_denied_where_enforced(
    rig: Rig, client: TestClient, content: bytes, problem: str
) -> None:
    answer = client.post("/validate", content=content, headers=JSON)
    assert answer.status_code == 200
    response = answer.json()["response"]
    assert response["uid"] == review(pod("server"))["request"]["uid"]
    assert response["allowed"] is False
    assert problem in response["status"]["message"]
    assert "Pod inference/llm" in response["status"]["message"]
    counted = {"cause": "bounds", "allowed": "false"}
    name = "karb_guard_not_evaluated_total"
    assert rig.metrics.registry.get_sample_value(name, counted) == 1


@pytest.mark.parametrize(("content", "problem"), BEYOND_US.values(), ids=BEYOND_US)
def test_an_object_that_is_beyond_us_passes_with_a_warning_where_nothing_is_enforced(
    content: bytes, problem: str
) -> None:
    with TestClient(Rig(stage=Stage.WARN).app) as client:
        response = client.post("/validate", content=content, headers=JSON).json()["response"]
    assert response["allowed"] is True
    assert problem in response["warnings"][0]


def test_who_sends_the_request_can_not_forge_where_the_object_begins(client: TestClient) -> None:
    user = {"username": ',"object": {', "extra": {"object": ['{"object": {', ', "object": {']}}
    deep = '{"f:a":' * 1500 + "{}" + "}" * 1500
    content = body(pod("server"), userInfo=user).replace(b'"metadata": {', (FIELDS % deep).encode())
    response = client.post("/validate", content=content, headers=JSON).json()["response"]
    assert response["allowed"] is False
    assert "Pod inference/llm" in response["status"]["message"]


def test_an_update_of_two_objects_at_the_api_servers_bound_fits(client: TestClient) -> None:
    large = pod("server", limit="1Gi", annotations={"a": "x" * 3_100_000})
    answer = client.post("/validate", content=body(large, "UPDATE", large), headers=JSON)
    assert answer.status_code == 200


def test_get_is_405_and_other_paths_404(client: TestClient) -> None:
    assert client.get("/validate").status_code == 405
    assert client.get("/mutate").status_code == 405
    assert client.post("/other").status_code == 404
    assert client.get("/docs").status_code == 404


def test_of_duplicate_keys_the_last_counts_as_in_the_api_server(client: TestClient) -> None:
    good = json.dumps(pod("server", limit="1Gi")["spec"])
    text = body(pod("server")).decode()
    spec = json.dumps(pod("server")["spec"])
    twice = text.replace(f'"spec": {spec}', f'"spec": {spec}, "spec": {good}')
    assert twice != text
    answer = client.post("/validate", content=twice, headers=JSON).json()["response"]
    assert answer["allowed"] is True
    twice = text.replace(f'"spec": {spec}', f'"spec": {good}, "spec": {spec}')
    assert (
        client.post("/validate", content=twice, headers=JSON).json()["response"]["allowed"] is False
    )


def test_delete_with_null_object_is_allowed_and_explained(client: TestClient) -> None:
    content = body(None, "DELETE", pod("server"))
    response = client.post("/validate", content=content, headers=JSON).json()["response"]
    assert response["allowed"] is True
    assert "DELETE" in response["auditAnnotations"]["not-judged"]


def test_unknown_kind_is_allowed_and_explained(client: TestClient) -> None:
    thing = {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    response = client.post("/validate", content=body(thing), headers=JSON).json()["response"]
    assert response["allowed"] is True
    assert "example.org/Gadget" in response["auditAnnotations"]["unknown-kind"]


def test_objects_deeper_than_python_recurses_are_answered(client: TestClient) -> None:
    new, old = pod("server"), pod("server")
    new["spec"]["x"] = old["spec"]["x"] = "deep"
    text = json.dumps(review(new, "UPDATE", old))
    content = text.replace('"deep"', "[" * 950 + "]" * 950)
    answer = client.post("/validate", content=content, headers=JSON)
    assert answer.status_code in (200, 400)
    assert client.get("/healthz").status_code == 200


def test_a_mistake_of_ours_is_not_evaluated_and_denied_where_enforced(
    rig: Rig, client: TestClient
) -> None:
    bad = pod("server", limit="1Gi")
    bad["spec"]["explode"] = True
    response = client.post("/validate", content=body(bad), headers=JSON).json()["response"]
    assert response["allowed"] is False
    assert "internal error" in response["status"]["message"]
    assert "a mistake of ours" not in json.dumps(response)
    labels = {"cause": "internal", "allowed": "false"}
    assert rig.metrics.registry.get_sample_value("karb_guard_not_evaluated_total", labels) == 1


def test_a_failing_decision_is_a_500_without_a_trace(rig: Rig) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("secret detail")

    rig.service.loaded.stages.for_namespace = broken  # type: ignore[method-assign]
    with TestClient(rig.app, raise_server_exceptions=True) as client:
        answer = client.post("/validate", content=body(pod("server")), headers=JSON)
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert set(answer.json()) == {"error", "code"}
