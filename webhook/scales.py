"""``/scale``: the request carries a number of replicas, so its workload is read and judged with it.

What the workload has wrong at either number is not this request's: only findings that come with
the new number count, by the identities of the ratchet. A workload that can't be read in time
passes with a warning and is counted: it keeps its template, each Pod is judged by itself, and
scaling up is what people do when something else is wrong already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from karb_guard.cluster.client import ClusterClient, object_path
from karb_guard.decisions import ratchet
from karb_guard.decisions.admission import Decision, Judged
from karb_guard.decisions.request import AdmissionRequest, is_being_deleted
from karb_guard.decisions.waivers import WaiverOutcome
from karb_guard.model.errors import KarbGuardError
from webhook.logs import log
from webhook.looks import Looks
from webhook.review import Review
from webhook.rules import SCALABLE

SUBRESOURCE = "scale"
TIMEOUT_SECONDS = 1.0
THREADS = 4

Json = Mapping[str, Any]


class Parents(Protocol):
    """Where the workloads come from that are scaled."""

    async def of(self, request: AdmissionRequest) -> Json | None:
        """The whole object; ``None`` where it can't be had in time."""
        ...


class NoParents:
    """No API server at hand."""

    async def of(self, _request: AdmissionRequest) -> Json | None:
        """Nothing is known."""
        return None


class LiveParents:
    """Asks the API server, at most ``TIMEOUT_SECONDS`` each."""

    def __init__(
        self, get: Callable[[str, float], Json | None], timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """``get`` (path, seconds) answers the object or ``None``; it may block and raise."""
        self._get = get
        self._looks = Looks("scales", THREADS, timeout)

    async def of(self, request: AdmissionRequest) -> Json | None:
        """The whole object; ``None`` where it can't be had in time."""
        try:
            return await self._looks.within(self._look, request)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Don't wait for looks under way."""
        self._looks.close()

    def _look(self, request: AdmissionRequest) -> Json | None:
        where = path_of(request)
        try:
            return self._get(where, self._looks.seconds)
        except KarbGuardError as error:
            log(logging.WARNING, "scaled workload not read", workload=where, problem=str(error))
            return None


def parents_of(client: ClusterClient) -> LiveParents:
    """Workloads by an API server's answers."""
    return LiveParents(lambda path, seconds: client.get(path, timeout=seconds))


def kind_of(request: AdmissionRequest) -> str | None:
    """The kind that is scaled; ``None`` where it is none of ``SCALABLE``."""
    return SCALABLE.get((request.resource.group, request.resource.resource))


def path_of(request: AdmissionRequest) -> str:
    """The API path of what is scaled."""
    group, version, resource = request.resource
    api_version = f"{group}/{version}" if group else version
    return object_path(api_version, request.namespace, resource, request.name)


def review_of(review: Review, kind: str, parent: Json) -> Review | None:
    """The update of ``parent`` that a scale comes to; ``None`` where it has none to judge."""
    if is_being_deleted(parent):
        return None
    request = review.request
    whole = {**parent, "apiVersion": _api_version(request), "kind": kind}
    update = request._replace(
        group=request.resource.group,
        version=request.resource.version,
        kind=kind,
        obj=_at(whole, replicas_of(request.obj)),
        old=_at(whole, replicas_of(request.old)),
    )
    return Review(update, may_waive=True, json_bytes=review.json_bytes)


def difference(now: Judged, before: Judged) -> Judged:
    """What the new number of replicas brings; no verdict where either has none."""
    for one in (before, now):
        if one.evaluation.not_evaluated is not None:
            return one
    new, _ = ratchet.split(now.findings, before.findings)
    unheeded = tuple(w for w in now.waivers.unheeded if any(w.finding is f for f in new))
    evaluation = now.evaluation._replace(findings=tuple(new), unknowns=())
    return Judged(evaluation, WaiverOutcome(tuple(new), unheeded=unheeded))


def unread(request: AdmissionRequest, kind: str) -> Decision:
    """The answer where the workload can't be read."""
    what = f"{kind} {request.namespace}/{request.name}"
    text = f"{what} could not be read, so its number of replicas was not judged"
    return Decision(True, warnings=(f"karb-guard: {text}",), audit_annotations={"not-judged": text})


def replicas_of(scale: Json | None) -> int:
    """``spec.replicas`` of a Scale, which the API server leaves out where it is 0."""
    spec = (scale or {}).get("spec")
    found = spec.get("replicas", 0) if isinstance(spec, Mapping) else 0
    return found if isinstance(found, int) else 0


def note(request: AdmissionRequest, kind: str) -> str:
    """For the audit log."""
    old, new = replicas_of(request.old), replicas_of(request.obj)
    return f"{kind} {request.name}: replicas {old} -> {new}"


def _at(parent: Json, replicas: int) -> dict[str, Any]:
    spec = parent.get("spec")
    return {**parent, "spec": {**(spec if isinstance(spec, Mapping) else {}), "replicas": replicas}}


def _api_version(request: AdmissionRequest) -> str:
    group, version, _ = request.resource
    return f"{group}/{version}" if group else version
