"""OpenTelemetry traces: a span for each review, sent over OTLP/HTTP by a thread of its own.

Off unless ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` or ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set
(https://opentelemetry.io/docs/specs/otel/protocol/exporter/). A span names the review and the
decision, never what the object holds. No review waits: what does not fit is dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import urllib3

from karb_guard import __version__
from karb_guard.decisions.admission import Decision
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.model.errors import UsageError
from webhook import otlp
from webhook.logs import log
from webhook.metrics import Metrics
from webhook.otlp import Span, Value

QUEUE_SIZE = 2048
BATCH = 512
DELAY_SECONDS = 5.0
"""How long spans may wait for company; the defaults of OpenTelemetry's batch processor."""
TIMEOUT_SECONDS = 10.0
SCOPE = "karb-guard"
NAME = "AdmissionReview"


class Tracer:
    """Collects spans and sends them; use ``tracing``."""

    def __init__(self, endpoint: str, metrics: Metrics, environment: Mapping[str, str]) -> None:
        """``endpoint`` is the URL that batches are posted to."""
        self._endpoint = endpoint
        self._metrics = metrics
        self._headers = {
            **_pairs(environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")),
            "content-type": "application/x-protobuf",
        }
        self._resource: dict[str, Value] = {
            **_pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", "")),
            "service.name": environment.get("OTEL_SERVICE_NAME") or SCOPE,
            "service.version": __version__,
        }
        self._queue: queue.Queue[Span | None] = queue.Queue(QUEUE_SIZE)
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS)
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def reviewed(self, request: AdmissionRequest, decision: Decision, seconds: float) -> None:
        """Note one answered review; never waits."""
        end = time.time_ns()
        attributes: dict[str, Value] = {
            "k8s.admission.uid": request.uid,
            "k8s.admission.operation": request.operation,
            "k8s.admission.kind": request.group_kind,
            "k8s.admission.dry_run": request.dry_run,
            "k8s.namespace.name": request.namespace,
            "karb_guard.allowed": decision.allowed,
            "karb_guard.evaluated": decision.not_evaluated is None,
            "karb_guard.findings": sum(decision.counts.values()),
        }
        start = end - int(seconds * 1e9)
        span = Span(secrets.token_bytes(16), secrets.token_bytes(8), NAME, start, end, attributes)
        try:
            self._queue.put_nowait(span)
        except queue.Full:
            self._metrics.spans.labels("queue-full").inc()

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Send what waits, for ``seconds`` at most."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._batch()
            if batch:
                outcome = "sent" if self._send(batch) else "failed"
                self._metrics.spans.labels(outcome).inc(len(batch))

    def _batch(self) -> tuple[list[Span], bool]:
        """Spans to send together, and whether there may be more."""
        batch: list[Span] = []
        first = self._queue.get()
        deadline = time.monotonic() + DELAY_SECONDS
        while first is not None:
            batch.append(first)
            left = deadline - time.monotonic()
            if len(batch) >= BATCH or left <= 0:
                return batch, True
            try:
                first = self._queue.get(timeout=left)
            except queue.Empty:
                return batch, True
        return batch, False

    def _send(self, batch: list[Span]) -> bool:
        body = otlp.request(self._resource, SCOPE, batch)
        try:
            answer = self._pool.request("POST", self._endpoint, body=body, headers=self._headers)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            log(logging.WARNING, "spans not sent", problem=f"{type(error).__name__}: {error}")
            return False
        if answer.status != 200:
            log(logging.WARNING, "spans not sent", problem=f"HTTP {answer.status}")
        return answer.status == 200


@contextlib.contextmanager
def tracing(
    metrics: Metrics, environment: Mapping[str, str] = os.environ
) -> Iterator[Tracer | None]:
    """A tracer while the context lasts, where the environment asks for one.

    Raises ``UsageError`` for an endpoint that is no URL or a protocol other than http/protobuf.
    """
    endpoint = endpoint_of(environment)
    if endpoint is None:
        yield None
        return
    tracer = Tracer(endpoint, metrics, environment)
    tracer.start()
    try:
        yield tracer
    finally:
        tracer.stop()


def endpoint_of(environment: Mapping[str, str]) -> str | None:
    """Where spans are posted; ``None`` where tracing is off. Raises ``UsageError``."""
    name, suffix = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""
    if not environment.get(name):
        name, suffix = "OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"
    given = environment.get(name, "")
    if not given or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        url = urlsplit(given)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{name}: {given!r} is no URL; write http://collector:4318")
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        raise UsageError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is not spoken here; use http/protobuf"
        )
    return given.rstrip("/") + suffix if suffix else given


def _pairs(text: str) -> dict[str, str]:
    """``a=b,c=d`` with percent-encoded values."""
    parts = (part.partition("=") for part in text.split(",") if "=" in part)
    return {key.strip(): unquote(value.strip()) for key, _, value in parts}
