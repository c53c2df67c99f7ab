"""``/mutate``: from a review to a patch, or to an allowance without one.

Nothing here denies: the validating webhook judges the same Pod afterwards, with or without a patch.
So a failure of ours costs what would have been filled in, and says so in a warning, in the audit
log and in a metric.
"""

from __future__ import annotations

import base64
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from karb_guard.decisions.request import AdmissionRequest
from karb_guard.mutation.mutator import Mutation
from karb_guard.mutation.record import summary
from webhook.lane import BusyError, Lane
from webhook.logs import log, logger
from webhook.metrics import Metrics
from webhook.review import API_VERSION, KIND, Review

Labels = Mapping[str, str]
OFF = "mutation is off in the configuration"
MAX_WARNING_CHARACTERS = 256
"""API servers cut longer ones once all warnings together pass 4,096 characters."""


class PodMutator(Protocol):
    """What the webhook needs of a mutator."""

    def mutate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Labels | None,
        json_bytes: int | None = None,
    ) -> Mutation:
        """What ``obj`` is given in ``namespace`` with its ``labels`` (``None``: not known)."""
        ...


class Reviews(Protocol):
    """What ``/validate`` knows and ``/mutate`` shares."""

    @property
    def mutator(self) -> PodMutator | None:
        """The mutations that are loaded; ``None``: off."""
        ...

    def reason_to_pass(self, request: AdmissionRequest) -> str | None:
        """Why the request passes untouched, or ``None``."""
        ...

    @property
    def lane(self) -> Lane:
        """Where large objects wait for their turn."""
        ...

    async def labels_of(self, request: AdmissionRequest) -> Labels | None:
        """The labels of the request's namespace."""
        ...


class Outcome(NamedTuple):
    """The answer to one review; the request is always allowed."""

    word: str
    """For metrics: ``patched``, ``unchanged``, ``skipped`` or ``failed``."""
    mutation: Mutation = Mutation()
    notes: Mapping[str, str] = {}
    """Audit annotations."""
    warning: str | None = None


class MutationService:
    """Answers the reviews of ``/mutate`` with what is loaded."""

    def __init__(
        self,
        reviews: Reviews,
        metrics: Metrics,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._reviews = reviews
        self._metrics = metrics
        self._clock = clock

    async def answer(self, review: Review) -> bytes:
        """The answering AdmissionReview as JSON. Never raises for what a review holds."""
        started = self._clock()
        try:
            outcome = await self._outcome(review)
        except BusyError as error:
            outcome = _failed("busy", str(error))
        except Exception:
            fields = {"uid": review.request.uid}
            logging.getLogger(__name__).exception("a mutation failed", extra={"fields": fields})
            outcome = _failed("internal", "an internal error; karb-guard's log names this review")
        self._metrics.mutated(outcome.word, _counted(outcome), self._clock() - started)
        _log(review.request, outcome)
        return respond(review.request.uid, outcome)

    async def _outcome(self, review: Review) -> Outcome:
        request, mutator = review.request, self._reviews.mutator
        if mutator is None:
            return _skipped(OFF)
        reason = _reason_to_skip(request) or self._reviews.reason_to_pass(request)
        if reason is not None:
            return _skipped(reason)
        if review.unreadable is not None:
            return _failed("bounds", review.unreadable)
        labels = await self._reviews.labels_of(request)
        size, obj = review.json_bytes, request.obj or {}
        mutation = await self._reviews.lane.run(
            size, lambda: mutator.mutate(obj, request.namespace, labels, size)
        )
        if mutation.refused is not None:
            return _failed(mutation.cause, mutation.refused)
        if mutation.skipped is not None:
            return _skipped(mutation.skipped)
        notes = {"mutations": summary(mutation.changes)} if mutation.changes else {}
        if labels is None:
            notes["namespace-labels"] = "not known; none were taken over"
        return Outcome("patched" if mutation.patch else "unchanged", mutation, notes)


def _reason_to_skip(request: AdmissionRequest) -> str | None:
    """Why a request is none that is ever changed, whatever it carries."""
    if request.operation != "CREATE":
        return f"operation {request.operation}: Pods are changed when they are created"
    if request.group_kind != "/Pod" or request.subresource:
        return "only Pods are changed"
    return None


def _skipped(reason: str) -> Outcome:
    return Outcome("skipped", notes={"not-mutated": reason})


def _failed(cause: str, why: str) -> Outcome:
    text = f"karb-guard filled in nothing: {why}"
    notes = {"not-mutated": f"{cause}: {why}"}
    refused = Mutation(refused=why, cause=cause)
    return Outcome("failed", refused, notes, text[:MAX_WARNING_CHARACTERS])


def respond(uid: str, outcome: Outcome) -> bytes:
    """The answering AdmissionReview: allowed, with the patch if there is one."""
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if outcome.mutation.patch:
        response["patchType"] = "JSONPatch"
        text = orjson.dumps(outcome.mutation.patch)
        response["patch"] = base64.b64encode(text).decode("ascii")
    if outcome.warning:
        response["warnings"] = [outcome.warning]
    if outcome.notes:
        response["auditAnnotations"] = outcome.notes
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _counted(outcome: Outcome) -> Mapping[str, int]:
    """How many changes of each kind; of a failure, its cause."""
    if outcome.mutation.cause:
        return {outcome.mutation.cause: 1}
    return Counter(change.kind.value for change in outcome.mutation.changes)


def _log(request: AdmissionRequest, outcome: Outcome) -> None:
    level = logging.WARNING if outcome.word == "failed" else logging.DEBUG
    if not logger.isEnabledFor(level):
        return
    log(
        level,
        f"pod {outcome.word}",
        uid=request.uid,
        namespace=request.namespace,
        name=request.name,
        dry_run=request.dry_run,
        **outcome.notes,
    )
