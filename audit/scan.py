"""A scan: objects in, an ``Audit`` out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import orjson

from audit.collecting import Collected, Collector
from audit.judging import Judge, Part, Verdicts
from audit.members import Member
from audit.plan import ROLLOUT, WAIVER, Plan, plan_of
from audit.progress import Progress
from audit.sharing import share
from audit.spool import Spool
from karb_guard import __version__
from karb_guard.config.load import Loaded
from karb_guard.config.names import stage_policy
from karb_guard.decisions import rollouts, waivers
from karb_guard.decisions.waiver_objects import DEFAULT_MAX_DAYS, Lifetimes
from karb_guard.engine.interface import Engine
from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.nodes import NODE, node_facts
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.inventory import ClusterLayer, Inventory
from karb_guard.inventory.context import labels_of
from karb_guard.inventory.keys import key_of, namespace_of
from karb_guard.lint.rules import waiver_rules
from karb_guard.lint.waiver_documents import WaiverDocuments
from karb_guard.model.audit import Audit, NamespaceSummary
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import Severity
from karb_guard.model.report import CoverageCount, Problem, Report
from karb_guard.model.stage import Stage

Json = dict[str, Any]
_NAMESPACE = ("", "Namespace")
PINNED_BYTES = 1 << 11
"""About what an object that stays at hand takes as JSON."""


class Source(Protocol):
    """Where objects come from: an API server, or an export of one."""

    def fill(self, collector: Collector) -> None:
        """Give it everything that the plan needs, and what could not be had."""
        ...


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What a scan is told besides what is evaluated."""

    cluster: str = ""
    """What the report calls it."""
    namespaces: Sequence[str] = ()
    """Only these are judged; none given means all, and what is in none."""
    kinds: Sequence[str] = ()
    """Only these kinds (``Deployment``, ``apps/Deployment``) are judged; none given means all."""
    fail_on: Severity = Severity.ERROR
    waiver_days: int = DEFAULT_MAX_DAYS
    jobs: int = 1
    """Processes that judge, where forking is safe (see ``audit.sharing``)."""
    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))


@dataclass(frozen=True, slots=True)
class Scanner:
    """Judges clusters with one engine and one set of invariants."""

    engine: Engine
    settings: EvaluationSettings
    catalogue: Catalogue
    loaded: Loaded | None = None
    """The configuration, for the stages of namespaces."""

    @property
    def plan(self) -> Plan:
        """Which kinds a source has to list."""
        return plan_of(self.settings.invariants)

    def scan(
        self,
        source: Callable[[Plan], Source],
        options: ScanOptions,
        progress: Progress | None = None,
    ) -> Audit:
        """Collect, then judge namespace by namespace. Raises a ``KarbGuardError``.

        Memory is that of one namespace, of what is looked for across namespaces, and of the
        findings; the rest waits on disk.
        """
        shown, clock = progress or Progress(), time.monotonic()
        plan = self.plan
        with Spool() as spool:
            nodes = _Nodes(self.settings, asked="boundnode" in plan.reads)
            collector = Collector(plan, spool, nodes.behind)
            nodes.watch(collector.collected)
            source(plan).fill(collector)
            verdicts = self._judged(collector, options, shown)
        shown.end()
        audit = self._audit(collector.collected, verdicts, options)
        return replace(audit, seconds=round(time.monotonic() - clock, 3))

    def _judged(self, collector: Collector, options: ScanOptions, progress: Progress) -> Verdicts:
        collected, plan = collector.collected, collector.plan
        judge = self._judge(collected, plan, options)
        pinned = _by_namespace(collected.pinned)
        places = sorted({*collector.spool.namespaces, *pinned})
        wanted = set(options.namespaces)
        verdicts = Verdicts(problems=list(collected.problems))
        asked = [name for name in places if not wanted or name in wanted]
        spool = collector.spool

        def judged(names: Sequence[str]) -> Part:
            return judge.part((name, _members(name, pinned, spool)) for name in names)

        shared = share({name: _weight(name, pinned, spool) for name in asked}, judged)
        found: dict[int, Part] = {}
        done = 0
        progress.part(done, len(asked), "judging namespaces")
        with shared.judged(options.jobs if self.engine.may_fork else 1, spool.share) as results:
            for number, part in results:
                found[number] = part
                done += len(shared.parts[number])
                progress.part(done, len(asked), "judging namespaces")
        for number in range(len(found)):
            judge.take_up(found.pop(number), verdicts)
        judge.finish(verdicts)
        return verdicts

    def _judge(self, collected: Collected, plan: Plan, options: ScanOptions) -> Judge:
        today = options.started.astimezone(datetime.UTC).date()
        rules = waiver_rules(self.catalogue, self.settings, today)
        lifetimes = Lifetimes(rules.names(), today, options.waiver_days, waivers.ABOUT_WAIVERS)
        waiver_objects = (o for o in collected.pinned if _kind(o) == WAIVER)
        cluster = ClusterLayer(
            (o for o in collected.pinned if _kind(o) not in (WAIVER, ROLLOUT)),
            is_listed=collected.is_listed,
            unsupplied=plan.unsupplied(
                kind for kind in _context(plan) if not collected.is_listed(*kind)
            ),
        )
        return Judge(
            Evaluator(self.engine, self.settings, count_gpus=True),
            plan,
            cluster,
            rules,
            WaiverDocuments(waiver_objects, lifetimes),
            today,
            frozenset(kind.lower() for kind in options.kinds),
        )

    def _audit(self, collected: Collected, verdicts: Verdicts, options: ScanOptions) -> Audit:
        coverage = CoverageCount(
            checked=verdicts.checked,
            discovered=verdicts.discovered,
            unknown_kinds=verdicts.unknown_kinds,
            unparsed=sum(problem.kind == "unparsed" for problem in verdicts.problems),
            not_evaluated=verdicts.not_evaluated,
            not_kubernetes=collected.not_objects,
        )
        problems = list(verdicts.problems)
        if not verdicts.checked and not problems:
            message = "nothing was found that could be checked"
            problems.append(Problem(options.cluster, None, None, message, "nothing-checked"))
        report = Report(
            findings=verdicts.findings,
            problems=problems,
            unknowns=verdicts.unknowns,
            coverage=coverage,
            invariants=self.settings.invariants,
            fail_on=options.fail_on,
            version=__version__,
            judged=frozenset(verdicts.judged),
        )
        return Audit(
            report=report,
            cluster=options.cluster,
            started=options.started,
            namespaces=self._summaries(collected, verdicts),
            gpus=verdicts.gpus,
            gpu_kinds=verdicts.gpu_kinds,
            missing=tuple(collected.missing),
        )

    def _summaries(self, collected: Collected, verdicts: Verdicts) -> dict[str, NamespaceSummary]:
        if self.loaded is None:
            return verdicts.namespaces
        invariants = {
            i.name: replace(i, severity=self.settings.severity_of(i)) for i in self.catalogue
        }
        policy = stage_policy(self.loaded, self.catalogue, invariants.values())
        found = [rollouts.project(o) for o in collected.pinned if _kind(o) == ROLLOUT]
        policy = policy.with_cluster(rollouts.compiled(found, policy.names))
        labels = {
            key[3]: labels_of(o)
            for o in collected.pinned
            if _kind(o) == _NAMESPACE and (key := key_of(o)) is not None
        }
        enabled = [invariant.name for invariant in self.settings.invariants]

        def stages(name: str) -> dict[str, Stage]:
            decided = policy.for_namespace(name, labels.get(name)).decisions
            return {each: decided[each].stage for each in enabled if each in decided}

        return {
            name: replace(summary, stages=stages(name))
            for name, summary in verdicts.namespaces.items()
        }


def of_severity(settings: EvaluationSettings, least: Severity | None) -> EvaluationSettings:
    """Only the invariants whose findings are at least so bad. Raises ``UsageError`` for none."""
    if least is None:
        return settings
    kept = [i for i in settings.invariants if settings.severity_of(i).rank >= least.rank]
    if not kept:
        raise UsageError(f"--severity {least.value}: no enabled invariant is that severe")
    return replace(settings, invariants=kept)


class _Nodes:
    """What a pod's node means for its likeness to others."""

    def __init__(self, settings: EvaluationSettings, *, asked: bool) -> None:
        self._rules = gpu_rules(settings.facts)
        self._asked = asked
        self._collected: Collected | None = None
        self._known: dict[str, tuple[str, ...]] | None = None

    def watch(self, collected: Collected) -> None:
        """Nodes are listed before pods are: look them up there."""
        self._collected = collected

    def behind(self, pod: Json) -> object:
        """The accelerators of the pod's node, where an invariant asks for them."""
        if not self._asked:
            return None
        if self._known is None:
            self._known = dict(self._described())
        node = (pod.get("spec") or {}).get("nodeName")
        return self._known.get(node, ()) if isinstance(node, str) else ()

    def _described(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        pinned = self._collected.pinned if self._collected is not None else []
        lookup = Inventory(o for o in pinned if o.get("kind") == "DeviceClass")
        for obj in pinned:
            if _kind(obj) == ("", "Node") and (key := key_of(obj)) is not None:
                facts = node_facts(obj, NODE, self._rules, lookup) or {}
                yield key[3], tuple(each["name"] for each in facts.get("accelerators", ()))


def _context(plan: Plan) -> set[tuple[str, str]]:
    """All kinds without which some context key can't be supplied."""
    from karb_guard.workloads import ROWS

    return {*plan.context, *(ROWS if plan.needs_workloads else ())}


def _by_namespace(objects: Sequence[Json]) -> dict[str, list[Json]]:
    """What stays at hand, by the namespace that it is judged with: a Namespace with its own."""
    found: dict[str, list[Json]] = {}
    for obj in objects:
        key = key_of(obj)
        place = key[3] if key is not None and key[:2] == _NAMESPACE else namespace_of(obj)
        found.setdefault(place or "", []).append(obj)
    return found


def _weight(name: str, pinned: dict[str, list[Json]], spool: Spool) -> int:
    """About how many bytes of JSON a namespace is to judge."""
    return spool.size_of(name) + PINNED_BYTES * (1 + len(pinned.get(name, ())))


def _members(name: str, pinned: dict[str, list[Json]], spool: Spool) -> Iterator[Member]:
    yield from (Member(obj, len(orjson.dumps(obj))) for obj in pinned.get(name, ()))
    for stored in spool.take(name):
        yield Member(stored.object, stored.size, stored.times)


def _kind(obj: Json) -> tuple[str, str]:
    key = key_of(obj)
    return key[:2] if key is not None else ("", "")
