"""Lint: manifests in, a report out. Everything up to the verdict is shared with the other doors."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from karb_guard import __version__
from karb_guard.decisions import waivers
from karb_guard.decisions.waiver_objects import DEFAULT_MAX_DAYS, Lifetimes
from karb_guard.evaluation import Evaluator
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.inventory import Inventory
from karb_guard.lint import tally
from karb_guard.lint.rules import waiver_rules
from karb_guard.lint.waiver_documents import WaiverDocuments
from karb_guard.manifests import Document, ParseProblem, Source, parse_source
from karb_guard.model.finding import Evaluation, Finding, Severity
from karb_guard.model.report import LocatedFinding, Problem, Region, Report

BATCH = 64
"""Documents judged per engine call: enough to amortise the crossing, few enough to stay small."""


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(frozen=True, slots=True)
class LintOptions:
    """What a run is told besides the evaluator's settings."""

    complete: bool = False
    """The input holds everything of its namespaces: what is missing there is missing."""
    fail_on: Severity = Severity.ERROR
    today: datetime.date = field(default_factory=_today)
    """In UTC; decides which waivers have expired."""
    waiver_days: int = DEFAULT_MAX_DAYS
    """Days that a ``Waiver`` object lasts at most."""


def lint(
    sources: Iterable[Source], evaluator: Evaluator, catalogue: Catalogue, options: LintOptions
) -> Report:
    """Judge every document of ``sources``. One unparseable file never hides the rest."""
    files = [parse_source(source) for source in sources]
    documents = [document for file in files for document in file.documents]
    evaluations = _evaluate(documents, evaluator, options)
    rules = waiver_rules(catalogue, evaluator.settings, options.today)
    lifetimes = Lifetimes(rules.names(), options.today, options.waiver_days, waivers.ABOUT_WAIVERS)
    objects = WaiverDocuments((document.object for document in documents), lifetimes)
    evaluations = [
        objects.known(document.object, evaluation)
        for document, evaluation in zip(documents, evaluations, strict=True)
    ]
    outcomes = [
        _outcome(document, evaluation, rules, objects)
        for document, evaluation in zip(documents, evaluations, strict=True)
    ]
    findings: list[LocatedFinding] = []
    problems = [_unparsed(problem) for file in files for problem in file.problems]
    for document, evaluation, outcome in zip(documents, evaluations, outcomes, strict=True):
        about = objects.findings(document.object, evaluation, rules, complete=options.complete)
        findings += sorted(_located(document, outcome, about), key=_place)
        if evaluation.not_evaluated is not None:
            problems.append(_not_evaluated(document, evaluation.not_evaluated, evaluation))
    nothing = tally.nothing_checked(files)
    return Report(
        findings=findings,
        problems=problems if nothing is None else [*problems, nothing],
        unknowns=[unknown for evaluation in evaluations for unknown in evaluation.unknowns],
        coverage=tally.coverage(files, evaluations),
        invariants=evaluator.settings.invariants,
        fail_on=options.fail_on,
        version=__version__,
        left_out=tuple(tally.left_out(files)),
        notes=[note for file in files for note in file.notes],
        judged=frozenset(tally.judged(evaluations)),
    )


def _evaluate(
    documents: Sequence[Document], evaluator: Evaluator, options: LintOptions
) -> list[Evaluation]:
    inventory = Inventory()
    for document in documents:
        inventory.add(document.object)
    evaluations: list[Evaluation] = []
    for start in range(0, len(documents), BATCH):
        batch = [document.object for document in documents[start : start + BATCH]]
        evaluations += evaluator.evaluate(
            batch, inventory, complete=options.complete, today=options.today
        )
    return evaluations


def _outcome(
    document: Document,
    evaluation: Evaluation,
    rules: waivers.WaiverRules,
    objects: WaiverDocuments,
) -> waivers.WaiverOutcome:
    where = waivers.sources(document.object, evaluation.templates)
    reach = objects.reach(document.object, evaluation)
    outcome = waivers.apply(evaluation, where, rules, reach)
    if reach is not None:
        objects.remember(evaluation, outcome, reach)
    return outcome


def _located(
    document: Document, outcome: waivers.WaiverOutcome, about: Iterable[Finding]
) -> Iterator[LocatedFinding]:
    """The findings of one document at their places, waived ones with their reason."""
    for finding in (*outcome.active, *outcome.problems, *about):
        yield LocatedFinding(finding, _region(document, finding))
    for waived in outcome.waived:
        region = _region(document, waived.finding)
        yield LocatedFinding(waived.finding, region, waived=waived.waiver.justification)


def _place(found: LocatedFinding) -> tuple[int, int, str, str, str]:
    """Engines answer in sets: the order is ours, by line first."""
    region, finding = found.region, found.finding
    return region.line, region.column, finding.invariant_id, finding.check, finding.message


def _region(document: Document, finding: Finding) -> Region:
    place = document.position(finding.path)
    return Region(
        file=document.file,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
        text=document.source_line(place.line),
        rendered=document.rendered,
    )


def _unparsed(problem: ParseProblem) -> Problem:
    return Problem(
        problem.file, problem.line, problem.column, problem.message, remedy=problem.remedy
    )


def _not_evaluated(document: Document, reason: str, evaluation: Evaluation) -> Problem:
    place = document.position(())
    message = f"{evaluation.object}: {reason}"
    return Problem(document.file, place.line, place.column, message, kind="not-evaluated")
