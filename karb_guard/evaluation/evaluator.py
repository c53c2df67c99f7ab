"""The path of objects through the engine: one verdict for every door.

Lint, webhook and audit share everything up to the decision; they differ in where objects come
from (a file, an AdmissionReview, a list call) and in what they do with an ``Evaluation``.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

from karb_guard.engine.interface import Answer, Engine, NotEvaluated
from karb_guard.evaluation.findings import Findings, shown
from karb_guard.evaluation.gpus import gpu_kind_of, gpus_of
from karb_guard.evaluation.prepare import Acquainted, JsonText, Prepared, prepare
from karb_guard.evaluation.related import context_of
from karb_guard.evaluation.settings import EvaluationSettings
from karb_guard.facts import TemplateMemory
from karb_guard.facts.types import Malformed
from karb_guard.invariants.globs import with_globs
from karb_guard.inventory import Inventory
from karb_guard.model.finding import Evaluation, Finding, Path, Unknown, Violation
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.model.path import format_path
from karb_guard.workloads import carries_pods

MALFORMED = "malformed"
"""The invariant that is raised before Rego, when a field has the wrong type."""

MAX_VIOLATIONS = 1_000
"""Of one object, of all invariants together. Each costs a message, a path and a place in an answer;
more than these would hold up a review for a second, which the API server may not wait for."""


class _Question(NamedTuple):
    """An entry point, and what goes with every input."""

    group: str
    params: dict[str, dict[str, Any]]
    """Invariant's short name -> parameters; the engine knows the mapping by its identity."""
    context: tuple[str, ...]


class Evaluator:
    """Judges objects with one engine, one set of invariants and one set of parameters."""

    def __init__(
        self,
        engine: Engine,
        settings: EvaluationSettings,
        *,
        count_gpus: bool = False,
        remember: bool = True,
    ) -> None:
        """``count_gpus`` fills in ``gpus`` and ``gpu_kind``, which lint and admission need not.

        ``remember``: keep views of pod templates for replicas.
        """
        self._engine = engine
        self._count_gpus = count_gpus
        self._settings = settings
        self._by_name = {invariant.name: invariant for invariant in settings.invariants}
        self._groups = _group(settings.invariants)
        self._questions: dict[tuple[str, ...], tuple[_Question, ...]] = {}
        self._memory = TemplateMemory() if remember else None
        self._kinds = frozenset(group for group in self._groups if group != PODS_GROUP)

    @property
    def settings(self) -> EvaluationSettings:
        """What this evaluator was told."""
        return self._settings

    def evaluate(
        self,
        objects: Sequence[Mapping[str, Any]],
        inventory: Inventory | None = None,
        *,
        complete: bool = False,
        today: datetime.date | None = None,
        json_bytes: int | None = None,
    ) -> list[Evaluation]:
        """Judge ``objects``; one evaluation each, in order. Never raises for a bad object.

        ``inventory`` supplies related objects; ``complete`` says that it holds everything of the
        namespaces in question, so that what is missing there is missing.
        ``today`` decides what has expired; by default it is the day in UTC. ``json_bytes`` is the
        length of the JSON text that held the objects, where they come from one.
        """
        day = today or datetime.datetime.now(datetime.UTC).date()
        facts, kinds = self._settings.facts, self._kinds
        written = None if json_bytes is None else JsonText(json_bytes, self._memory)
        prepared = [prepare(obj, facts, inventory, kinds, written) for obj in objects]
        acquainted = Acquainted()
        for obj, each in zip(objects, prepared, strict=True):
            acquainted.keep(obj, each)
        answers: list[list[Answer]] = [[] for _ in prepared]
        alike: dict[tuple[str, ...], list[int]] = {}
        for index, each in enumerate(prepared):
            if each.refused is None:
                alike.setdefault(each.groups, []).append(index)
        for groups, members in alike.items():
            for question in self._questions_of(groups):
                documents = [
                    self._document(
                        question.context, prepared[i], inventory, acquainted, complete=complete
                    )
                    for i in members
                ]
                for document in documents:
                    document["today"] = day.isoformat()
                judged = self._engine.evaluate(question.group, question.params, documents)
                for index, answer in zip(members, judged, strict=True):
                    answers[index].append(answer)
        return [self._evaluation(p, a) for p, a in zip(prepared, answers, strict=True)]

    def _questions_of(self, groups: tuple[str, ...]) -> tuple[_Question, ...]:
        """What the engine is asked about objects that meet these entry point groups."""
        if groups not in self._questions:
            asked = [group for group in groups if group in self._groups]
            kinds = [group for group in asked if group != PODS_GROUP]
            if PODS_GROUP in asked and all(map(carries_pods, kinds)):
                found = [self._question(PODS_GROUP, asked)]  # which knows those of the kinds, too
            else:
                found = [self._question(group, [group]) for group in asked]
            self._questions[groups] = tuple(found)
        return self._questions[groups]

    def _question(self, group: str, of: Sequence[str]) -> _Question:
        members = [invariant for each in of for invariant in self._groups[each]]
        params = {i.name: with_globs(self._settings.params_of(i), i.params) for i in members}
        return _Question(group, params, tuple(sorted({key for i in members for key in i.context})))

    def _document(
        self,
        keys: tuple[str, ...],
        prepared: Prepared,
        inventory: Inventory | None,
        acquainted: Acquainted,
        *,
        complete: bool,
    ) -> dict[str, Any]:
        if not keys:
            return {**prepared.document, "context": {}}
        facts = self._settings.facts
        size = None if inventory is None else inventory.json_bytes
        written = None if size is None else JsonText(size, self._memory)
        context = context_of(
            prepared,
            keys,
            inventory,
            facts,
            complete=complete,
            written=written,
            acquainted=acquainted,
        )
        return {**prepared.document, "context": context}

    def _evaluation(self, prepared: Prepared, answers: list[Answer]) -> Evaluation:
        refused = prepared.refused or _too_many(prepared, answers)
        if refused is not None:
            return _refused(prepared, refused)
        words = Findings(prepared, self._settings)
        findings = self._malformed(prepared, words)
        unknowns = self._unseen(prepared) if answers else []
        cut = {entry.path for entry in prepared.malformed} if MALFORMED in self._by_name else set()
        failed: NotEvaluated | None = None
        for answer in answers:
            if isinstance(answer, NotEvaluated):
                failed = failed or answer
                continue
            for violation in answer.violations:
                if cut and _within(prepared.written(violation.path), cut):
                    continue  # `malformed` has said what is wrong there; policies saw a hole
                invariant = self._by_name[violation.invariant]
                if violation.unknown is not None:
                    unknowns.append(Unknown(invariant.name, prepared.ref, violation.unknown))
                else:
                    findings.append(words.of(violation, invariant))
        return Evaluation(
            object=prepared.ref,
            coverage=prepared.coverage,
            findings=tuple(findings),
            unknowns=tuple(dict.fromkeys(unknowns)),
            not_evaluated=failed.reason if failed else None,
            not_evaluated_cause=failed.cause if failed else None,
            owner=prepared.owner,
            templates=_templates(prepared),
            gpus=gpus_of(prepared) if self._count_gpus else 0,
            gpu_kind=gpu_kind_of(prepared) if self._count_gpus else None,
        )

    def _malformed(self, prepared: Prepared, words: Findings) -> list[Finding]:
        invariant = self._by_name.get(MALFORMED)
        if invariant is None:
            return []
        return [words.of(_misfit(entry), invariant) for entry in prepared.malformed]

    def _unseen(self, prepared: Prepared) -> list[Unknown]:
        """The fields that no policy saw, where no finding says so.

        A field of the wrong type is cut out of what policies see. Without ``malformed`` (not
        selected, ignored) the rest would pass as if the field were not there.
        """
        if MALFORMED in self._by_name:
            return []
        return [Unknown(MALFORMED, prepared.ref, _why_unseen(e)) for e in prepared.malformed]


def _too_many(prepared: Prepared, answers: Sequence[Answer]) -> str | None:
    """Why no findings are made of what policies said; ``None`` where they can be."""
    answered = [answer for answer in answers if not isinstance(answer, NotEvaluated)]
    count = len(prepared.malformed) + sum(len(answer.violations) for answer in answered)
    if count <= MAX_VIOLATIONS:
        return None
    names = Counter(violation.invariant for answer in answered for violation in answer.violations)
    names[MALFORMED] += len(prepared.malformed)
    ((name, most),) = names.most_common(1)
    return (
        f"it breaks invariants in {count:,} places, more than {MAX_VIOLATIONS:,}; "
        f"{most:,} of them are {name}: correct these or split the object"
    )


def _refused(prepared: Prepared, reason: str) -> Evaluation:
    """An object beyond a bound, without findings."""
    return Evaluation(
        object=prepared.ref,
        coverage=prepared.coverage,
        not_evaluated=reason,
        not_evaluated_cause="bounds",
        owner=prepared.owner,
        templates=_templates(prepared),
    )


def _within(path: Path, cut: Set[Path]) -> bool:
    """Whether ``path`` is one of the fields in ``cut``, or below one."""
    return any(path[:length] in cut for length in range(len(path) + 1))


def _why_unseen(entry: Malformed) -> str:
    return (
        f"{shown(format_path(entry.path))} must be {entry.expected}, not {shown(entry.got)}; "
        "it was left out of the check"
    )


def _templates(prepared: Prepared) -> tuple[tuple[Path | None, Path], ...]:
    return tuple(
        [(template.metadata_path or None, template.path) for template in prepared.templates]
    )


def _misfit(entry: Malformed) -> Violation:
    detail = {"field": format_path(entry.path), "expected": entry.expected, "got": entry.got}
    return Violation(MALFORMED, "type", entry.path, detail)


def _group(invariants: Sequence[Invariant]) -> dict[str, list[Invariant]]:
    """Enabled Rego invariants by entry point group."""
    groups: dict[str, list[Invariant]] = {}
    for invariant in invariants:
        if invariant.evaluator == "rego":
            for group in invariant.match:
                groups.setdefault(group, []).append(invariant)
    return groups
