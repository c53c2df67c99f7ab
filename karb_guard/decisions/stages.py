"""Which stage an invariant has in a namespace, and which setting says so.

Precedence, the first that speaks wins:

1. break-glass: nothing above ``warn``;
2. the invariant's ``InvariantRollout``, where it names or selects the namespace;
3. the namespace's label for the invariant, ``karb.dev/stage.<invariant>``;
4. the namespace's label for all, ``karb.dev/stage``;
5. the ``InvariantRollout``'s default;
6. configuration for the namespace: by invariant, by category, for all;
7. configuration in general: by invariant, by category, for all;
8. the invariant's severity.

Labels may only tighten what 5 to 8 give, unless the configuration allows more.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from karb_guard.decisions import rollouts
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.rollouts import Rollouts
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant
from karb_guard.model.stage import Stage

STAGE_LABEL = "karb.dev/stage"
"""The namespace label for all invariants; ``karb.dev/stage.<invariant>`` is for one."""

SEVERITY_STAGES: Mapping[Severity, Stage] = {
    Severity.ERROR: Stage.WARN,
    Severity.WARNING: Stage.WARN,
    Severity.INFO: Stage.AUDIT,
}
"""Nothing is denied until someone says so: enforcing everything on day one blocks everybody."""

_CACHE_LIMIT = 4096
"""Resolved namespaces kept; beyond, the cache starts afresh."""


@dataclass(frozen=True, slots=True)
class StageRules:
    """What one scope of the configuration says. Unset fields say nothing."""

    invariants: Mapping[str, Stage] = field(default_factory=dict)
    """Short name or permanent id -> stage."""
    categories: Mapping[str, Stage] = field(default_factory=dict)
    default: Stage | None = None

    def stage_of(self, invariant: Invariant) -> tuple[Stage, str] | None:
        """The stage and the key that gives it, or ``None`` where this scope is silent."""
        for key in (invariant.name, invariant.id):
            if key in self.invariants:
                return self.invariants[key], f"invariants.{key}"
        if invariant.category in self.categories:
            return self.categories[invariant.category], f"categories.{invariant.category}"
        return None if self.default is None else (self.default, "default")


@dataclass(frozen=True, slots=True)
class StageDecision:
    """A stage and the setting that decided it, in words that an audit log can carry."""

    stage: Stage
    decided_by: str
    since: str | None = None
    """Since when it is enforced, RFC 3339, where an ``InvariantRollout`` says so."""


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """A stage label that is not heeded. ``cause`` is ``value``, ``invariant`` or ``loosens``."""

    label: str
    value: str
    cause: str

    def __str__(self) -> str:
        why = {
            "value": "is no stage (off, audit, warn, enforce)",
            "invariant": "names no invariant",
            "loosens": "may only tighten the configured stage",
        }[self.cause]
        return f"{self.label}={self.value} {why}"


@dataclass(frozen=True, slots=True)
class NamespaceStages:
    """The stage of every invariant in one namespace. Immutable; safe to share."""

    namespace: str
    decisions: Mapping[str, StageDecision]
    """Short name -> decision, for every invariant of the policy."""
    problems: tuple[LabelProblem, ...] = ()

    def of(self, name: str) -> StageDecision:
        """The decision for an invariant's short name; one that nobody knows is audited."""
        return self.decisions.get(name, _NOBODY)


_NOBODY = StageDecision(Stage.AUDIT, "not in the catalogue")


class StagePolicy:
    """Resolves stages from configuration, namespace labels and objects of the cluster."""

    def __init__(
        self,
        invariants: Sequence[Invariant],
        general: StageRules | None = None,
        namespaces: Sequence[tuple[str, StageRules]] = (),
        *,
        severities: Mapping[Severity, Stage] = SEVERITY_STAGES,
        labels_may_loosen: bool = False,
    ) -> None:
        """``namespaces`` maps names or shell patterns (``team-*``) to rules, first match first.

        ``invariants`` carry their effective severity (the configuration's, where it sets one).
        """
        self._invariants = {invariant.name: invariant for invariant in invariants}
        self._ids = {invariant.id: invariant.name for invariant in invariants}
        self.names: Mapping[str, str] = {**self._ids, **{name: name for name in self._invariants}}
        """Short name or permanent id -> short name."""
        self._general = general or StageRules()
        self._namespaces = tuple(namespaces)
        self._severities = {**SEVERITY_STAGES, **severities}
        self._labels_may_loosen = labels_may_loosen
        self._rollouts = rollouts.NONE
        self._break_glass: BreakGlass | None = None
        self._cache: dict[tuple[str, tuple[tuple[str, str], ...]], NamespaceStages] = {}

    def with_cluster(
        self, found: Rollouts = rollouts.NONE, break_glass: BreakGlass | None = None
    ) -> StagePolicy:
        """The same policy with what objects of the cluster say; it remembers nothing yet.

        ``break_glass`` has to be active: whether it is, is the caller's to ask at each review.
        """
        made = copy.copy(self)
        made._rollouts = found
        made._break_glass = break_glass
        made._cache = {}
        return made

    def for_namespace(self, namespace: str, labels: Mapping[str, str] | None) -> NamespaceStages:
        """The stages in ``namespace`` (``""`` for cluster-scoped objects).

        ``labels`` are the namespace's; ``None`` when they could not be read, which leaves the
        configuration to decide.
        """
        every = self._rollouts.needs_labels
        relevant = tuple(
            sorted((k, v) for k, v in (labels or {}).items() if every or k.startswith(STAGE_LABEL))
        )
        if every and labels is None:
            relevant = (("", "labels are not known"),)  # no key is empty
        key = (namespace, relevant)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            found = self._cache[key] = self._resolve(namespace, labels)
        return found

    def _resolve(self, namespace: str, labels: Mapping[str, str] | None) -> NamespaceStages:
        said, problems = self._read_labels(labels or {})
        decisions: dict[str, StageDecision] = {}
        for name, invariant in self._invariants.items():
            rollout = self._rollouts.of(name)
            fixed = rollout.for_namespace(namespace, labels) if rollout else None
            if fixed is not None:
                decisions[name] = StageDecision(*fixed)
                continue
            general = rollout.in_general(namespace) if rollout else None
            base = StageDecision(*general) if general else self._configured(invariant, namespace)
            label = said.get(name) or said.get("")
            decisions[name] = base
            if label is None:
                continue
            key, stage = label
            if stage.rank >= base.stage.rank or self._labels_may_loosen:
                decisions[name] = StageDecision(stage, f"namespace label {key}={stage.value}")
            else:
                problems.append(LabelProblem(key, stage.value, "loosens"))
        self._break(namespace, decisions)
        return NamespaceStages(namespace, decisions, tuple(dict.fromkeys(problems)))

    def _break(self, namespace: str, decisions: dict[str, StageDecision]) -> None:
        """Lower what is enforced to a warning where break-glass says so."""
        glass = self._break_glass
        if glass is None or not glass.covers(namespace):
            return
        for name, invariant in self._invariants.items():
            enforced = decisions[name].stage is Stage.ENFORCE
            if enforced and glass.covers_invariant(name, invariant.id):
                decisions[name] = StageDecision(Stage.WARN, glass.decided_by)

    def _read_labels(
        self, labels: Mapping[str, str]
    ) -> tuple[dict[str, tuple[str, Stage]], list[LabelProblem]]:
        """Invariant's short name (``""`` for all) -> (label, stage), and the labels to ignore."""
        said: dict[str, tuple[str, Stage]] = {}
        problems: list[LabelProblem] = []
        for key, value in labels.items():
            if key != STAGE_LABEL and not key.startswith(STAGE_LABEL + "."):
                continue
            target = key[len(STAGE_LABEL) + 1 :]
            name = self._ids.get(target, target)
            if name and name not in self._invariants:
                problems.append(LabelProblem(key, value, "invariant"))
                continue
            try:
                said[name] = (key, Stage(value))
            except ValueError:
                problems.append(LabelProblem(key, value, "value"))
        return said, problems

    def _configured(self, invariant: Invariant, namespace: str) -> StageDecision:
        for pattern, rules in self._namespaces:
            said = rules.stage_of(invariant) if fnmatch.fnmatchcase(namespace, pattern) else None
            if said is not None:
                return StageDecision(said[0], f"configuration namespaces.{pattern}.{said[1]}")
        said = self._general.stage_of(invariant)
        if said is not None:
            return StageDecision(said[0], f"configuration {said[1]}")
        stage = self._severities[invariant.severity]
        return StageDecision(stage, f"severity {invariant.severity.value}")
