"""The HTTP face: ``/validate``, ``/mutate``, ``/healthz``, ``/readyz``, ``/metrics``.

Routes take Starlette's plain ``Request`` and ``Response``: FastAPI's parameter solving and a hop
to a thread would cost more than a review. ``/validate`` and ``/mutate`` speak ASGI themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from webhook import review as reviews
from webhook.body import MAX_BODY_BYTES, Place, Room, read_body
from webhook.health import Readiness
from webhook.logs import log, logger
from webhook.metrics import CONTENT_TYPE, Metrics
from webhook.mutate import MutationService
from webhook.service import ReviewService

JSON = "application/json"
VALIDATE = "/validate"
MUTATE = "/mutate"
_JSON_HEADER = (b"content-type", JSON.encode())
_CLOSE_HEADER = (b"connection", b"close")


class Probes(Protocol):
    """The handlers of ``/healthz``, ``/readyz`` and ``/metrics``."""

    async def healthz(self, request: Request) -> Response:
        """Whether the process lives."""
        ...

    async def readyz(self, request: Request) -> Response:
        """Whether reviews may be sent here."""
        ...

    async def metrics(self, request: Request) -> Response:
        """What was counted."""
        ...


def create_app(
    service: ReviewService,
    readiness: Readiness,
    metrics: Metrics,
    max_body_bytes: int = MAX_BODY_BYTES,
    probes: Probes | None = None,
) -> FastAPI:
    """The ASGI application. It holds no state of its own.

    ``probes`` are the process's own by default.
    """
    if probes is None:
        probes = OwnProbes(lambda: service.loaded.digest, readiness, metrics, metrics.render)
    doors = _Doors(service, readiness, metrics, max_body_bytes)
    app = _Application(doors, openapi_url=None, docs_url=None, redoc_url=None)
    _add_probes(app, probes)
    for path in (VALIDATE, MUTATE):
        app.router.routes.append(Route(path, _Posted(doors), methods=["POST"]))
    return app


class _Application(FastAPI):
    """FastAPI with a short way to ``/validate`` and ``/mutate``.

    Its five layers (errors, exceptions, exit stacks, router, route) do nothing for a handler that
    answers whatever happens, and took 0.05 ms of each review; a ``Request`` and a ``Response``
    took half as much again. Everything else goes through them, these paths with another method
    too.
    """

    def __init__(self, doors: _Doors, **options: Any) -> None:
        super().__init__(**options)
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _POSTED and scope["method"] == "POST":
            await self._doors.review(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


_POSTED = frozenset({VALIDATE, MUTATE})


class _Posted:
    """The route of reviews, as Starlette knows ASGI applications: by an object to call."""

    def __init__(self, doors: _Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._doors.review(scope, receive, send)


def create_probes_app(probes: Probes) -> FastAPI:
    """Only ``/healthz``, ``/readyz`` and ``/metrics``, for the plain HTTP port."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    _add_probes(app, probes)
    return app


def _add_probes(app: FastAPI, probes: Probes) -> None:
    app.add_route("/healthz", probes.healthz, methods=["GET"])
    app.add_route("/readyz", probes.readyz, methods=["GET"])
    app.add_route("/metrics", probes.metrics, methods=["GET"])


class OwnProbes:
    """What a process says of itself."""

    def __init__(
        self,
        digest: Callable[[], str],
        readiness: Readiness,
        metrics: Metrics,
        render: Callable[[], bytes],
    ) -> None:
        """``digest`` names what is in force, ``render`` gives the metrics as text."""
        self._digest = digest
        self._readiness = readiness
        self._metrics = metrics
        self._render = render

    async def healthz(self, _: Request) -> Response:
        """The process lives: its event loop answers."""
        return Response(b"ok", media_type="text/plain")

    async def readyz(self, _: Request) -> Response:
        """Whether reviews may be sent here, with what is missing and what is loaded."""
        missing = self._readiness.missing()
        body = {"ready": not missing, "missing": missing, "loaded": self._digest()}
        self._metrics.ready.set(not missing)
        return Response(orjson.dumps(body), 503 if missing else 200, media_type=JSON)

    async def metrics(self, _: Request) -> Response:
        """Prometheus' text format."""
        return Response(self._render(), headers={"content-type": CONTENT_TYPE})


class _Doors:
    """Where reviews come in."""

    def __init__(
        self, service: ReviewService, readiness: Readiness, metrics: Metrics, max_body_bytes: int
    ) -> None:
        self._service = service
        self._mutations = MutationService(service, metrics)
        self._readiness = readiness
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._room = Room()

    async def review(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one AdmissionReview, or refuse what is none."""
        with self._room.place() as place:
            answer = await self._answer(scope, receive, place)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        headers = [_JSON_HEADER, (b"content-length", b"%d" % len(answer))]
        if self._readiness.sends_away:  # clients take their next request to another replica
            headers.append(_CLOSE_HEADER)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, receive: Receive, place: Place) -> bytes | Response:
        try:
            body = await read_body(receive, self._max_body_bytes, place)
            place.unfold(body)
            review = reviews.parse(body, _content_type(scope))
        except reviews.ReviewError as error:
            salvaged = reviews.salvage(error)
            if salvaged is None:
                return self._refuse(error)
            review = salvaged
        except ClientDisconnect:
            self._metrics.bad_requests.labels("disconnect").inc()
            return Response(status_code=400)
        try:
            if scope["path"] == MUTATE:
                return await self._mutations.answer(review)
            decision = await self._service.answer(review)
            return reviews.respond(review.request.uid, decision)
        except Exception:  # noqa: BLE001 - a review must not end the process
            # Whoever is here has no decision: the API server's failurePolicy takes over.
            fields = {"uid": review.request.uid}
            logger.exception("a review ended in an internal error", extra={"fields": fields})
            self._metrics.bad_requests.labels("internal").inc()
            return _error(500, "internal error; the webhook's log names this review's uid")

    def _refuse(self, error: reviews.ReviewError) -> Response:
        self._metrics.bad_requests.labels(error.cause).inc()
        log(logging.WARNING, "bad request", cause=error.cause, problem=error.message)
        return _error(error.status, error.message)


def _content_type(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"content-type":
            found: bytes = value
            return found.decode("latin-1")
    return None


def _error(status: int, message: str) -> Response:
    """A refusal as JSON. The connection closes: what is left of the body is not worth reading."""
    body = orjson.dumps({"error": message, "code": status})
    return Response(body, status, media_type=JSON, headers={"connection": "close"})
