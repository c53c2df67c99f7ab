"""Prometheus metrics of the webhook, in a registry of its own."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from karb_guard import __version__
from karb_guard.decisions.admission import Decision
from karb_guard.decisions.request import AdmissionRequest
from karb_guard.decisions.stages import NamespaceStages
from karb_guard.model.stage import Stage
from karb_guard.workloads import TABLE

CONTENT_TYPE = CONTENT_TYPE_LATEST
WORKLOADS = frozenset(f"{row.group}/{row.kind}" for row in TABLE)
"""Kinds with a time series of their own, as ``AdmissionRequest.group_kind`` writes them."""
MAX_NAMESPACE_SERIES = 10_000
"""Of ``karb_guard_namespace_findings``: (namespace, invariant, stage) that ever had a finding."""
SCALE = "autoscaling/Scale"
"""What requests for ``/scale`` carry."""
OTHER = "other"
"""Shared by the rest: nobody can make time series by inventing kinds."""

_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Everything the webhook counts. Updated on the event loop or from its threads."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        """``kinds`` are counted each for itself, beside the workloads."""
        self.registry = registry = CollectorRegistry()
        self._kinds = WORKLOADS.union(kinds, [SCALE])
        self._count_reviews(registry)
        self._count_own_affairs(registry)
        self._count_cluster(registry)
        self._count_mutations(registry)
        self._count_loaded(registry)
        # To look a time series up takes twice as long as to count. As many as there are series.
        self._reviews_of = functools.cache(self.reviews.labels)
        self._findings_of = functools.cache(self.findings.labels)
        self._in_namespace: dict[tuple[str, str, str], Counter] = {}

    def _count_reviews(self, registry: CollectorRegistry) -> None:
        """What is asked, and what is found."""
        self.reviews = Counter(
            "karb_guard_reviews",
            "Admission reviews answered.",
            ("operation", "kind", "allowed"),
            registry=registry,
        )
        self.duration = Histogram(
            "karb_guard_review_duration_seconds",
            "From the last byte of a review to its answer.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.findings = Counter(
            "karb_guard_findings",
            "Findings at admission, by the stage that applied.",
            ("invariant", "stage"),
            registry=registry,
        )
        self.namespace_findings = Counter(
            "karb_guard_namespace_findings",
            "Findings by namespace; at stage enforce those that denied the request.",
            ("object_namespace", "invariant", "stage"),
            registry=registry,
        )
        self.namespace_findings_dropped = Counter(
            "karb_guard_namespace_findings_dropped",
            "Findings that karb_guard_namespace_findings left out: it has too many series.",
            registry=registry,
        )
        self.not_evaluated = Counter(
            "karb_guard_not_evaluated",
            "Objects without a verdict (a bound, a deadline, an engine that is away).",
            ("cause", "allowed"),
            registry=registry,
        )
        self.bad_requests = Counter(
            "karb_guard_bad_requests",
            "Requests that are no AdmissionReview.",
            ("cause",),
            registry=registry,
        )
        self.label_problems = Counter(
            "karb_guard_stage_label_problems",
            "Reviews in namespaces with a stage label that is not heeded.",
            ("cause",),
            registry=registry,
        )
        self.namespace_misses = Counter(
            "karb_guard_namespace_misses",
            "Namespaces that the cache did not hold, by how the live lookup went.",
            ("outcome",),
            registry=registry,
        )

    def _count_own_affairs(self, registry: CollectorRegistry) -> None:
        """What this process keeps: certificates, registration, Events, its engine."""
        self.certificate_expiry = Gauge(
            "karb_guard_certificate_not_after_timestamp_seconds",
            "When the certificate stops being valid, in seconds since the epoch.",
            ("certificate",),
            registry=registry,
        )
        self.certificate_failures = Counter(
            "karb_guard_certificate_refresh_failures",
            "New certificates that were refused; the old one keeps serving.",
            registry=registry,
        )
        self.registrations = Counter(
            "karb_guard_registrations",
            "Attempts to keep the webhook configuration right, by outcome.",
            ("outcome",),
            registry=registry,
        )
        self.events = Counter(
            "karb_guard_events",
            "Kubernetes Events, by what became of them; only `written` and `series` were stored.",
            ("outcome",),
            registry=registry,
        )
        self.spans = Counter(
            "karb_guard_spans",
            "Spans of reviews, by what became of them; none without an OTLP endpoint.",
            ("outcome",),
            registry=registry,
        )
        self.engine = Counter(
            "karb_guard_engine",
            "An OPA server that went away or came back, and objects that it did not judge.",
            ("outcome",),
            registry=registry,
        )

    def _count_cluster(self, registry: CollectorRegistry) -> None:
        """What the cluster says, and what it led to."""
        self.leader = Gauge(
            "karb_guard_leader",
            "1 while this replica holds the Lease and writes for all.",
            registry=registry,
        )
        self.break_glass = Gauge(
            "karb_guard_break_glass",
            "1 while break-glass is on and nothing is denied.",
            registry=registry,
        )
        self.break_glass_admissions = Counter(
            "karb_guard_break_glass_admissions",
            "Reviews that were admitted only because break-glass is on.",
            registry=registry,
        )
        self.watches = Gauge(
            "karb_guard_watch_state",
            "1 for the state a watched collection is in: absent means that its CRD is missing.",
            ("collection", "state"),
            registry=registry,
        )
        self.rollout_problems = Gauge(
            "karb_guard_rollout_problems",
            "InvariantRollouts that are not heeded: wrong, or one of two for one invariant.",
            ("cause",),
            registry=registry,
        )
        self.grandfathered = Counter(
            "karb_guard_grandfathered",
            "Objects let in because the workload above them is older than the enforcement.",
            ("outcome",),
            registry=registry,
        )
        self.scales = Counter(
            "karb_guard_scales",
            "Changes of a workload's replicas by /scale, by what became of them.",
            ("outcome",),
            registry=registry,
        )

    def _count_mutations(self, registry: CollectorRegistry) -> None:
        """What Pods were given."""
        self.mutation_reviews = Counter(
            "karb_guard_mutation_reviews",
            "Reviews of /mutate answered: patched, unchanged, skipped or failed.",
            ("outcome",),
            registry=registry,
        )
        self.mutations = Counter(
            "karb_guard_mutations",
            "Fields that Pods were given, by mutation.",
            ("mutation",),
            registry=registry,
        )
        self.mutation_failures = Counter(
            "karb_guard_mutation_failures",
            "Pods that passed without a patch because they could not be looked at.",
            ("cause",),
            registry=registry,
        )
        self.mutation_duration = Histogram(
            "karb_guard_mutation_duration_seconds",
            "From the last byte of a review of /mutate to its answer.",
            buckets=_BUCKETS,
            registry=registry,
        )

    def _count_loaded(self, registry: CollectorRegistry) -> None:
        """What is in force, and since when."""
        self.reloads = Counter(
            "karb_guard_reloads",
            "New configurations or policies, by whether they are in force now.",
            ("outcome",),
            registry=registry,
        )
        self.reload_ok = Gauge(
            "karb_guard_reload_ok",
            "0 while the newest configuration or policies are refused and older ones are in force.",
            registry=registry,
        )
        self.reload_ok.set(1)
        self.reloaded_at = Gauge(
            "karb_guard_loaded_timestamp_seconds",
            "When the configuration and policies in force were loaded, in seconds since the epoch.",
            registry=registry,
        )
        self.reloaded_at.set_to_current_time()
        self.started_at = Gauge(
            "karb_guard_started_timestamp_seconds",
            "When this process began to count, in seconds since the epoch.",
            registry=registry,
        )
        self.started_at.set_to_current_time()
        self._loaded_info = Gauge(
            "karb_guard_loaded_info",
            "1 for what is in force: digest of configuration and policies, and its size.",
            ("digest", "version", "invariants"),
            registry=registry,
        )
        self._loaded: tuple[str, ...] = ()
        self.ready = Gauge("karb_guard_ready", "1 while /readyz answers 200.", registry=registry)

    def reviewed(self, request: AdmissionRequest, decision: Decision, seconds: float) -> None:
        """Count one answered review."""
        allowed = "true" if decision.allowed else "false"
        self._reviews_of(request.operation, self._kind(request.group_kind), allowed).inc()
        self.duration.observe(seconds)
        for (invariant, stage), count in decision.counts.items():
            self._findings_of(invariant, stage.value).inc(count)
            if stage is not Stage.ENFORCE:
                self._found_in(request.namespace, invariant, stage.value, count)
        if not decision.allowed:
            for invariant, count in decision.denials.items():
                self._found_in(request.namespace, invariant, Stage.ENFORCE.value, count)

    def _found_in(self, namespace: str, invariant: str, stage: str, count: int) -> None:
        """Count for staged rollouts, which need every one: what is left out is counted as such."""
        if not namespace:
            return
        key = (namespace, invariant, stage)
        series = self._in_namespace.get(key)
        if series is None:
            if len(self._in_namespace) >= MAX_NAMESPACE_SERIES:
                self.namespace_findings_dropped.inc(count)
                return
            series = self._in_namespace[key] = self.namespace_findings.labels(*key)
        series.inc(count)

    def mutated(self, outcome: str, counts: Mapping[str, int], seconds: float) -> None:
        """Count one answer of ``/mutate``; ``counts`` are by mutation, or by cause of a failure."""
        self.mutation_reviews.labels(outcome).inc()
        self.mutation_duration.observe(seconds)
        counter = self.mutation_failures if outcome == "failed" else self.mutations
        for name, count in counts.items():
            counter.labels(name).inc(count)

    def engine_changed(self, outcome: str) -> None:
        """Count what happened to an engine that can go away."""
        self.engine.labels(outcome).inc()

    def reloaded(self, outcome: str) -> None:
        """Count a reload: ``loaded`` or ``refused``."""
        self.reloads.labels(outcome).inc()
        self.reload_ok.set(outcome == "loaded")
        if outcome == "loaded":
            self.reloaded_at.set_to_current_time()

    def loaded(self, digest: str, invariants: int) -> None:
        """Say what is in force: the digest that ``/readyz`` gives, how many are enabled."""
        now = (digest, __version__, str(invariants))
        self._loaded_info.labels(*now).set(1)
        if self._loaded and self._loaded != now:
            self._loaded_info.remove(*self._loaded)
        self._loaded = now

    def unheeded_labels(self, stages: NamespaceStages) -> None:
        """Count the labels of a review's namespace that are not heeded."""
        for problem in stages.problems:
            self.label_problems.labels(problem.cause).inc()

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)

    def _kind(self, group_kind: str) -> str:
        return group_kind if group_kind in self._kinds else OTHER
