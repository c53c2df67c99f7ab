"""Traces: a span a review, as a real OTLP receiver on loopback gets it over http/protobuf."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from karb_guard.model.errors import UsageError
from tests.support.webhook_rig import Rig, pod, review
from webhook import review as reviews
from webhook.metrics import Metrics
from webhook.tracing import QUEUE_SIZE, Tracer, endpoint_of, tracing

Message = dict[int, list[Any]]


def read(raw: bytes) -> Message:
    """A protobuf message by its wire format, without a schema."""
    found: Message = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(raw):
        key = varint()
        number, wire = key >> 3, key & 7
        value: Any
        if wire == 0:
            value = varint()
        elif wire == 1:
            value = int.from_bytes(raw[at : at + 8], "little")
            at += 8
        else:
            assert wire == 2, wire
            length = varint()
            value = raw[at : at + length]
            at += length
        found.setdefault(number, []).append(value)
    assert at == len(raw)
    return found


def attributes(pairs: list[bytes]) -> dict[str, Any]:
    found = {}
    for pair in map(read, pairs):
        (kind, (value,)) = next(iter(read(pair[2][0]).items()))
        found[pair[1][0].decode()] = {1: lambda v: v.decode(), 2: bool, 3: int}[kind](value)
    return found


class Receiver(http.server.ThreadingHTTPServer):
    """Takes ``POST /v1/traces`` and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> list[tuple[dict[str, Any], Message]]:
        found = []
        for _, _, content in self.requests:
            (resource_spans,) = read(content)[1]
            message = read(resource_spans)
            resource = attributes(read(message[1][0])[1])
            (scope,) = message[2]
            found += [(resource, read(span)) for span in read(scope)[2]]
        return found


class Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.requests.append((self.path, headers, content))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def answer(rig: Rig, obj: dict[str, Any]) -> None:
    parsed = reviews.parse(json.dumps(review(obj)).encode(), "application/json")
    asyncio.run(rig.service.answer(parsed))


def counted(metrics: Metrics, outcome: str) -> float:
    value = metrics.registry.get_sample_value("karb_guard_spans_total", {"outcome": outcome})
    return value or 0.0


def test_each_review_is_a_span_with_its_decision_and_no_content(receiver: Receiver) -> None:
    rig = Rig()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%20b",
        "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=p-1",
    }
    before = time.time_ns()
    with tracing(rig.metrics, environment) as tracer:
        rig.service.tracer = tracer
        answer(rig, pod("secret-container"))
        answer(rig, pod("secret-container", limit="1Gi"))
    after = time.time_ns()
    ((path, headers, content),) = receiver.requests
    assert path == "/v1/traces"
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["x-tenant"] == "a b"
    assert b"secret-container" not in content
    (resource, denied), (_, allowed) = receiver.spans()
    assert resource["service.name"] == "karb-guard"
    assert resource["k8s.pod.name"] == "p-1"
    assert (len(denied[1][0]), len(denied[2][0])) == (16, 8)
    assert denied[1] != allowed[1]
    assert denied[5] == [b"AdmissionReview"]
    assert denied[6] == [2]
    assert before <= denied[7][0] <= denied[8][0] <= after
    said = attributes(denied[9])
    assert said["k8s.admission.uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert said["k8s.admission.kind"] == "/Pod"
    assert said["k8s.namespace.name"] == "inference"
    assert said["karb_guard.allowed"] is False
    assert said["karb_guard.findings"] == 1
    assert attributes(allowed[9])["karb_guard.allowed"] is True
    assert counted(rig.metrics, "sent") == 2


def test_a_collector_that_refuses_or_is_away_costs_no_review(receiver: Receiver) -> None:
    rig = Rig()
    receiver.status = 503
    with tracing(rig.metrics, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}) as rig.service.tracer:
        answer(rig, pod("a"))
    assert counted(rig.metrics, "failed") == 1
    away = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}
    with tracing(rig.metrics, away) as rig.service.tracer:
        answer(rig, pod("a"))
    assert counted(rig.metrics, "failed") == 2


def test_spans_that_nobody_takes_are_dropped_and_counted() -> None:
    rig = Rig()
    rig.service.tracer = tracer = Tracer("http://127.0.0.1:1", rig.metrics, {})  # not started
    parsed = reviews.parse(json.dumps(review(pod("a"))).encode(), "application/json")
    decision = asyncio.run(rig.service.answer(parsed))
    started = time.monotonic()
    for _ in range(QUEUE_SIZE + 100):
        tracer.reviewed(parsed.request, decision, 0.001)
    assert time.monotonic() - started < 5
    assert counted(rig.metrics, "queue-full") == 101


def test_it_is_off_unless_asked_for() -> None:
    with tracing(Metrics(), {}) as tracer:
        assert tracer is None
    url = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}
    assert endpoint_of(url) == "http://c:4318/v1/traces"
    assert endpoint_of({**url, "OTEL_SDK_DISABLED": "true"}) is None
    exact = {**url, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/x"}
    assert endpoint_of(exact) == "https://c/x"


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_can_not_be_meant_is_refused_by_name(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP"):
        endpoint_of(environment)
