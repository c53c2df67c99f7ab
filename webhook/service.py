"""One review from request to decision: namespace, evaluation, waivers, stages.

The evaluation of a small object runs inline on the event loop: it is bounded by the engine's
deadline and the input's bounds, and a hop to a thread costs more than it; large ones have a thread
(``lane``). Only a namespace that the cache doesn't know leads to a wait, of at most
``NAMESPACE_TIMEOUT_SECONDS``.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from karb_guard.decisions import callers, grandfather, waiver_objects, waivers
from karb_guard.decisions.admission import AdmissionPolicy, Decision, Judged, decide, passed
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.decisions.stages import NamespaceStages
from karb_guard.inventory.context import labels_of
from karb_guard.model.finding import Coverage, Evaluation, ObjectRef
from karb_guard.model.stage import Stage
from webhook import break_glass, denials, scales
from webhook.enforcement import EnforcedSince
from webhook.events import NoEvents, Poster
from webhook.lane import BusyError, Lane
from webhook.loaded import Labels, Loaded, Namespaces, Surroundings
from webhook.logs import log, logger
from webhook.metrics import Metrics
from webhook.mutate import PodMutator
from webhook.neighbours import JUDGED, Neighbours
from webhook.review import Review
from webhook.tracing import Tracer


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


class ReviewService:
    """Answers reviews with what is loaded."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it reads, each from another place
        self,
        loaded: Loaded,
        namespaces: Namespaces,
        metrics: Metrics,
        today: Callable[[], datetime.date] = _today,
        broken: Callable[[], BreakGlass | None] = lambda: None,
        surroundings: Surroundings | None = None,
    ) -> None:
        """``broken`` gives break-glass's state while it is on, without waiting."""
        self.loaded = loaded
        self._namespaces = namespaces
        self._metrics = metrics
        self._today = today
        self._broken = broken
        self.events: Poster = NoEvents()
        """Told of denied Pods."""
        self.tracer: Tracer | None = None
        self._lane = Lane()
        self._around = surroundings or Surroundings()
        self._since = EnforcedSince(self._around.objects)

    async def answer(self, review: Review) -> Decision:
        """Decide about a review; an error of our own counts as "not evaluated", never as allow."""
        started = time.perf_counter()
        request = review.request
        reason = self.loaded.reason_to_pass(request)
        if reason is not None:
            decision = passed(reason)
        else:
            scales_ = request.subresource == scales.SUBRESOURCE
            judged = self._judge_scale(review) if scales_ else self._judge(review)
            decision = await judged
        seconds = time.perf_counter() - started
        self._metrics.reviewed(request, decision, seconds)
        if self.tracer is not None:
            self.tracer.reviewed(request, decision, seconds)
        _log(request, decision)
        if not decision.allowed:
            denials.tell(self.events, request, decision)
        return decision

    async def _judge_scale(self, review: Review) -> Decision:
        """Decide about a number of replicas by the workload that it is for."""
        request = review.request
        kind = scales.kind_of(request)
        if kind is None:
            resource = request.resource.resource or "an unknown resource"
            return passed(f"subresource scale of {resource} is not judged")
        parent = await self._around.parents.of(request)
        if parent is None:
            self._metrics.scales.labels("not-read").inc()
            return scales.unread(request, kind)
        update = scales.review_of(review, kind, parent)
        if update is None:
            return passed("the object is being deleted")
        lenient = None
        if callers.is_autoscaler(request, self.loaded.options.controllers):
            lenient = "an autoscaler is not held up"
        decision = await self._judge(update, lenient, scale=True)
        self._metrics.scales.labels("admitted" if decision.allowed else "denied").inc()
        return _with_note(decision, "scale", scales.note(request, kind))

    async def _judge(
        self, review: Review, lenient: str | None = None, *, scale: bool = False
    ) -> Decision:
        """``scale``: only what the update brings counts, ``lenient`` as in the policy."""
        loaded, request = self.loaded, review.request
        labels = await self._labels(request)
        objects = self._around.objects
        stages = objects.stages(loaded.stages).for_namespace(request.namespace, labels)
        if stages.problems:
            self._metrics.unheeded_labels(stages)
        today = self._today()
        granted = objects.waivers(
            request.namespace, loaded.names, today, loaded.options.waiver_days
        )
        judge = _Judge(loaded, review, labels, today, granted)
        if self._around.neighbours is not None and request.group_kind in JUDGED:
            judge.neighbours = await self._around.neighbours.around(request)
        now = await self._judged(judge, request.obj or {})
        before = None
        if request.old is not None and (scale or self._needs_old(now, stages)):
            before = await self._judged(judge, request.old)
        if scale and before is not None:
            now, before = scales.difference(now, before), None
        policy = AdmissionPolicy(stages, loaded.catalogue, loaded.enabled, loaded.options, lenient)
        decision = await self._decide(judge, now, before, policy)
        broken = None if decision.allowed else self._broken()
        if broken is not None and broken.covers(request.namespace):
            lifted = None
            if broken.invariants:
                every = objects.stages(loaded.stages, broken)
                stages = every.for_namespace(request.namespace, labels)
                lifted = await self._decide(judge, now, before, replace(policy, stages=stages))
            decision = self._broken_open(broken, decision, lifted)
        if decision.not_evaluated is not None:
            allowed = "true" if decision.allowed else "false"
            cause = now.evaluation.not_evaluated_cause or "internal"
            self._metrics.not_evaluated.labels(cause, allowed).inc()
        if labels is None:
            decision = _with_note(decision, "namespace-labels", "not known; configuration decided")
        return decision

    async def _judged(self, judge: _Judge, obj: Mapping[str, Any]) -> Judged:
        if judge.review.unreadable is not None:
            return judge.unreadable()
        try:
            return await self._lane.run(judge.review.json_bytes, lambda: judge.judged(obj))
        except BusyError as error:
            return judge.put_off(error)

    async def _decide(
        self, judge: _Judge, now: Judged, before: Judged | None, policy: AdmissionPolicy
    ) -> Decision:
        decision = decide(judge.request, now, before, policy)
        if decision.allowed or not (judge.by_controller and grandfather.may_apply(judge.request)):
            return decision
        return await self._reconsider(judge, now, policy, decision)

    async def _reconsider(
        self, judge: _Judge, now: Judged, policy: AdmissionPolicy, denial: Decision
    ) -> Decision:
        """A denial of what a controller makes, in the light of what is above it."""
        request = judge.request
        metadata = (request.obj or {}).get("metadata") or {}
        chain = await self._around.owners.above(metadata, request.namespace)
        if not chain:
            self._metrics.grandfathered.labels("owner-not-found").inc()
            return _with_note(denial, "owner", "no controller above it was found")
        now = judge.again(now, [owner.ref for owner in chain])
        spared = None
        if policy.options.grandfather:
            top, stages = chain[-1], policy.stages

            def since(name: str) -> str:
                return self._since.of(request.namespace, name, stages.of(name))

            enforced = [n for n in policy.enabled if stages.of(n).stage is Stage.ENFORCE]
            spared = grandfather.spared(top.ref, top.created, enforced, since)
        decision = decide(request, now, None, policy, spared)
        if decision.allowed and spared is not None and spared.names:
            self._metrics.grandfathered.labels("admitted").inc()
        return decision

    def _broken_open(
        self, state: BreakGlass, denial: Decision, lifted: Decision | None
    ) -> Decision:
        """What break-glass makes of a denial; the one place where its admissions are counted.

        ``lifted`` is the decision without the invariants that break-glass names, if it names any.
        """
        decision = break_glass.admit(denial, state) if lifted is None else lifted
        if decision.allowed:
            self._metrics.break_glass_admissions.inc()
        return decision if lifted is None else break_glass.noted(decision, state)

    @property
    def mutator(self) -> PodMutator | None:
        """The mutations that are loaded."""
        return self.loaded.mutator

    def reason_to_pass(self, request: AdmissionRequest) -> str | None:
        """Why ``/mutate`` leaves a request alone: as ``/validate`` does, and under break-glass."""
        state = self._broken()
        if state is not None and not state.invariants and state.covers(request.namespace):
            return state.decided_by
        return self.loaded.reason_to_pass(request)

    @property
    def lane(self) -> Lane:
        """Where large objects are judged, and changed."""
        return self._lane

    async def labels_of(self, request: AdmissionRequest) -> Labels | None:
        """The labels of the request's namespace; ``None`` where nobody can tell them."""
        return await self._labels(request)

    def _needs_old(self, now: Judged, stages: NamespaceStages) -> bool:
        """Only enforced findings are ratcheted, so that most updates cost one evaluation."""
        return any(stages.of(f.name).stage is Stage.ENFORCE for f in now.findings)

    async def _labels(self, request: AdmissionRequest) -> Labels | None:
        namespace = request.namespace
        if request.group_kind == "/Namespace" and request.operation == "CREATE":
            return labels_of(request.obj or {})  # nobody else knows it yet
        if not namespace:
            return {}
        labels = self._namespaces.labels(namespace)
        if labels is not None:
            return labels
        labels = await self._namespaces.fetch(namespace)
        outcome = "found" if labels is not None else "unknown"
        self._metrics.namespace_misses.labels(outcome).inc()
        return labels


class _Judge:
    """Evaluates the versions of one object alike."""

    def __init__(
        self,
        loaded: Loaded,
        review: Review,
        labels: Labels | None,
        today: datetime.date,
        granted: waivers.WaiverObjects | None = None,
    ) -> None:
        """``granted`` are the ``Waiver`` objects of the namespace."""
        self.granted = granted
        self.loaded = loaded
        self.review = review
        self.request = review.request
        self.labels = labels
        self.today = today
        more = loaded.options.controllers
        self.by_controller = callers.is_controller(self.request, more)
        self.believed = callers.is_believed(self.request, more)
        self.owners: Sequence[ObjectRef] = ()
        self.neighbours: Neighbours | None = None

    def again(self, now: Judged, owners: Sequence[ObjectRef]) -> Judged:
        """The same evaluation, with waivers of ``owners``, which made the object for sure."""
        self.owners = owners
        if now.evaluation.not_evaluated is not None:
            return now
        return Judged(now.evaluation, self._waivers(self.request.obj or {}, now.evaluation))

    def judged(self, obj: Mapping[str, Any]) -> Judged:
        """What the evaluation says of ``obj``, and what its waivers say of that."""
        try:
            namespace, size = self.request.namespace, self.review.json_bytes
            seen = obj if self.believed else callers.without_claims(obj)
            beside = () if self.neighbours is None else (self.neighbours,)
            evaluation = self.loaded.evaluator.evaluate(seen, namespace, self.labels, size, *beside)
            return Judged(evaluation, self._waivers(obj, evaluation))
        except Exception:
            # A mistake of ours must neither let the object in nor stop the process.
            fields = {"uid": self.request.uid, "kind": self.request.group_kind}
            logging.getLogger(__name__).exception("evaluation failed", extra={"fields": fields})
            return self._failed("an internal error of karb-guard; its log names this review's uid")

    def put_off(self, error: BusyError) -> Judged:
        """An object whose turn did not come in time."""
        return self._failed(str(error), "busy")

    def unreadable(self) -> Judged:
        """An object that no parser of ours takes: never a silent pass."""
        return self._failed(f"{self.review.unreadable}", "bounds")

    def _waivers(self, obj: Mapping[str, Any], evaluation: Evaluation) -> waivers.WaiverOutcome:
        mentioned = self.review.may_waive or self.granted is not None
        if not mentioned or evaluation.not_evaluated is not None:
            return waivers.WaiverOutcome(evaluation.findings)
        where = waivers.sources(obj, evaluation.templates)
        loaded = self.loaded
        rules = waivers.WaiverRules(loaded.catalogue, self.today, loaded.enabled, True)
        return waivers.apply(evaluation, where, rules, self._reach(obj, evaluation))

    def _reach(self, obj: Mapping[str, Any], evaluation: Evaluation) -> waivers.Reach | None:
        """The namespace's waivers; one of an owner counts where a controller names that owner."""
        if self.granted is None:
            return None
        owners = [*self.owners]
        if self.by_controller and evaluation.owner is not None:
            owners.append(evaluation.owner)
        subject = waiver_objects.subject_of(obj, evaluation, owners)
        return waivers.Reach(self.granted, subject)

    def _failed(self, reason: str, cause: str | None = None) -> Judged:
        request = self.request
        version = f"{request.group}/{request.version}" if request.group else request.version
        name = request.name or "(no name)"
        ref = ObjectRef(version, request.kind, name, request.namespace or None)
        failed = Evaluation(ref, Coverage.KNOWN, not_evaluated=reason, not_evaluated_cause=cause)
        return Judged(failed, waivers.WaiverOutcome(()))


def _with_note(decision: Decision, key: str, text: str) -> Decision:
    notes = {**decision.audit_annotations, key: text}
    return decision._replace(audit_annotations=notes)


def _log(request: AdmissionRequest, decision: Decision) -> None:
    quiet = decision.allowed and decision.not_evaluated is None
    level = logging.DEBUG if quiet else logging.INFO
    if not logger.isEnabledFor(level):  # before the fields are gathered
        return
    log(
        level,
        "review allowed" if decision.allowed else "review denied",
        uid=request.uid,
        operation=request.operation,
        kind=request.group_kind,
        namespace=request.namespace,
        name=request.name,
        dry_run=request.dry_run,
        findings=_counted(decision),
        not_evaluated=decision.not_evaluated,
    )


def _counted(decision: Decision) -> Sequence[str]:
    return [f"{name} {stage.value} {n}" for (name, stage), n in sorted(decision.counts.items())]
