"""``AdmissionReview`` v1 in both directions. Bytes in, plain data out; no I/O.

The wire form is ``k8s.io/api/admission/v1``. Duplicate keys can't come from an API server (it
encodes decoded objects); of hand-made ones the last counts, as in Go's ``encoding/json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from karb_guard.decisions.admission import Decision
from karb_guard.decisions.request import AdmissionRequest, Resource

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
MAX_UID_CHARACTERS = 256
MAX_GROUPS = 1000
MAX_DEPTH = 1024
"""orjson's own bound; deeper bodies are refused by its parser without recursion in Python."""
MAX_HEAD_BYTES = 64 * 1024
"""Of a body that can't be read as a whole, what comes before ``request.object`` is looked for in so
much of it. The API server writes the fields in the order of ``AdmissionRequest`` in Go."""

_OBJECT = re.compile(rb',\s*"object"\s*:\s*\{')
"""Where the object begins. Before it are names that the API server has checked, and the user: text
(quotes are escaped) and lists of text."""


@dataclass(frozen=True, slots=True)
class Review:
    """A readable review."""

    request: AdmissionRequest
    may_waive: bool
    """Whether the body mentions waivers anywhere, so that they need to be looked for."""
    json_bytes: int
    """The body's length."""
    unreadable: str | None = None
    """Why the object can't be read, though the request could: it has to be judged as such."""


class ReviewError(Exception):
    """A body that is no AdmissionReview. ``cause`` is a short closed word for metrics.

    ``head`` is how the body begins where only its size or its object may be at fault.
    """

    def __init__(self, status: int, cause: str, message: str, head: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.message = message
        self.head = head[:MAX_HEAD_BYTES]


def parse(body: bytes, content_type: str | None) -> Review:
    """Read the body of a request to the webhook.

    Raises ``ReviewError`` with 415 for another media type, 400 for anything that is no
    AdmissionReview; the message says which field is wrong.
    """
    _check_media_type(content_type)
    if not body:
        raise ReviewError(400, "empty", "the body is empty; send an AdmissionReview as JSON")
    review = _decode(body)
    _check_type(review)
    return Review(_request(review.get("request")), b"waive.karb.dev" in body, len(body))


def salvage(error: ReviewError) -> Review | None:
    """The request of a body whose object can't be read; ``None`` where not even that is there.

    An API server passes on what its own decoders take: half surrogate pairs and any depth in
    ``managedFields``, or text that grows sixfold when it is escaped. A 4xx would let such an object
    in wherever failurePolicy is Ignore.
    """
    found = _OBJECT.search(error.head)
    if found is None:
        return None
    try:
        review = _decode(error.head[: found.end()] + b"}}}")
        _check_type(review)
        return Review(_request(review.get("request")), False, 0, unreadable=error.message)
    except ReviewError:
        return None


def respond(uid: str, decision: Decision) -> bytes:
    """The answering ``AdmissionReview`` as JSON."""
    response: dict[str, Any] = {"uid": uid, "allowed": decision.allowed}
    if not decision.allowed:
        response["status"] = {
            "status": "Failure",
            "code": 403,
            "reason": "Forbidden",
            "message": decision.message,
        }
    if decision.warnings:
        response["warnings"] = decision.warnings
    if decision.audit_annotations:
        response["auditAnnotations"] = decision.audit_annotations
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _check_media_type(content_type: str | None) -> None:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        shown = _shown(content_type)
        message = f"Content-Type is {shown}; send application/json"
        raise ReviewError(415, "media-type", message)


def _decode(body: bytes) -> Mapping[str, Any]:
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        head = body if body.rstrip().endswith(b"}") else b""  # one that was cut off is no review
        if "depth" in error.msg or "ecursion" in error.msg:  # the word differs by release
            message = f"the body is nested deeper than {MAX_DEPTH} levels"
            raise ReviewError(400, "depth", message, head) from None
        message = f"the body is no valid JSON: {error.msg} (line {error.lineno})"
        raise ReviewError(400, "json", message, head) from None
    if not isinstance(review, dict):
        raise ReviewError(400, "type", f"the body is {_kind_of(review)}, not an AdmissionReview")
    return review


def _check_type(review: Mapping[str, Any]) -> None:
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if review.get(key) != wanted:
            shown = _shown(review.get(key))
            message = f"{key} is {shown}; this webhook speaks {API_VERSION} {KIND}"
            raise ReviewError(400, key, message)


def _request(request: Any) -> AdmissionRequest:
    if not isinstance(request, dict):
        message = f"request is {_kind_of(request)}; it must be an object"
        raise ReviewError(400, "request", message)
    kind = _map(request, "kind") or {}
    operation = _text(request, "operation")
    if operation not in OPERATIONS:
        message = f"request.operation is {_shown(operation)}; known are {_known_operations()}"
        raise ReviewError(400, "operation", message)
    obj = _map(request, "object")
    if obj is None and operation in ("CREATE", "UPDATE"):
        message = f"request.object is null, which {operation} does not allow"
        raise ReviewError(400, "object", message)
    return AdmissionRequest(
        uid=_uid(request),
        operation=operation,
        group=_text(kind, "group", "request.kind"),
        version=_text(kind, "version", "request.kind"),
        kind=_text(kind, "kind", "request.kind"),
        name=_text(request, "name"),
        namespace=_namespace(request, kind, obj),
        subresource=_text(request, "subResource"),
        obj=obj,
        old=_map(request, "oldObject"),
        dry_run=request.get("dryRun") is True,
        resource=_resource(request) if request.get("subResource") else _WHOLE,
        **_user(request),
    )


_WHOLE = Resource()
"""Of a request about an object itself nobody asks: its kind says it."""


def _resource(request: Mapping[str, Any]) -> Resource:
    where = _map(request, "resource") or {}
    return Resource(*(_text(where, key, "request.resource") for key in Resource._fields))


def _namespace(request: Mapping[str, Any], kind: Mapping[str, Any], obj: Any) -> str:
    """The request's namespace; a Namespace is in itself.

    API servers say so where the request names it. Of one with ``generateName`` only the object has
    the name, and before that is made up, five letters stand for what will follow the prefix: the
    patterns of stages and exemptions are held against something as long as the name.
    """
    namespace = _text(request, "namespace")
    if namespace or (_text(kind, "group"), _text(kind, "kind")) != ("", "Namespace"):
        return namespace
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    if not isinstance(metadata, dict):
        return ""
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if isinstance(name, str) and name:
        return name
    return f"{prefix}xxxxx" if isinstance(prefix, str) and prefix else ""


def _user(request: Mapping[str, Any]) -> dict[str, Any]:
    """Who asks. Somebody unreadable is nobody that anything depends on."""
    user = request.get("userInfo")
    if not isinstance(user, dict):
        return {}
    name, groups = user.get("username"), user.get("groups")
    known = groups if isinstance(groups, list) else []
    return {
        "username": name if isinstance(name, str) else "",
        "groups": tuple([each for each in known[:MAX_GROUPS] if isinstance(each, str)]),
    }


def _uid(request: Mapping[str, Any]) -> str:
    uid = _text(request, "uid")
    if not uid:
        raise ReviewError(400, "uid", "request.uid is missing; the answer has to repeat it")
    if len(uid) > MAX_UID_CHARACTERS:
        raise ReviewError(400, "uid", f"request.uid is longer than {MAX_UID_CHARACTERS} characters")
    return uid


def _text(where: Mapping[str, Any], key: str, prefix: str = "request") -> str:
    value = where.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        message = f"{prefix}.{key} is {_kind_of(value)}; it must be a string"
        raise ReviewError(400, "type", message)
    return value


def _map(where: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value = where.get(key)
    if value is not None and not isinstance(value, dict):
        message = f"request.{key} is {_kind_of(value)}; it must be an object"
        raise ReviewError(400, "type", message)
    return value


def _shown(value: Any) -> str:
    """A value in a message: bounded, without recursion into what the sender nested."""
    return ascii(value[:60]) if isinstance(value, str) else _kind_of(value)


def _known_operations() -> str:
    return ", ".join(sorted(OPERATIONS))


def _kind_of(value: Any) -> str:
    """The JSON type of a value, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
