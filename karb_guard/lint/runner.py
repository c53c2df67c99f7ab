"""Lint: manifests in, a report out. Everything up to the verdict is shared with the other doors."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from karb_guard import __version__
from karb_guard.decisions import waivers
from karb_guard.evaluation import Evaluator
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.inventory import Inventory
from karb_guard.manifests import Document, ParsedFile, ParseProblem, Source, parse_source
from karb_guard.model.finding import Coverage, Evaluation, Finding, Severity
from karb_guard.model.report import CoverageCount, LocatedFinding, Problem, Region, Report

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


def lint(
    sources: Iterable[Source], evaluator: Evaluator, catalogue: Catalogue, options: LintOptions
) -> Report:
    """Judge every document of ``sources``. One unparseable file never hides the rest."""
    files = [parse_source(source) for source in sources]
    documents = [document for file in files for document in file.documents]
    evaluations = _evaluate(documents, evaluator, options)
    rules = waivers.WaiverRules(
        catalogue=catalogue.by_name,
        today=options.today,
        enabled=frozenset(invariant.name for invariant in evaluator.settings.invariants),
    )
    findings: list[LocatedFinding] = []
    problems = [_unparsed(problem) for file in files for problem in file.problems]
    for document, evaluation in zip(documents, evaluations, strict=True):
        findings += _located(document, evaluation, rules)
        if evaluation.not_evaluated is not None:
            problems.append(_not_evaluated(document, evaluation))
    return Report(
        findings=findings,
        problems=problems,
        unknowns=[unknown for evaluation in evaluations for unknown in evaluation.unknowns],
        coverage=_coverage(files, evaluations),
        invariants=evaluator.settings.invariants,
        fail_on=options.fail_on,
        version=__version__,
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
        evaluations += evaluator.evaluate(batch, inventory, complete=options.complete)
    return evaluations


def _located(
    document: Document, evaluation: Evaluation, rules: waivers.WaiverRules
) -> Iterator[LocatedFinding]:
    """The findings of one document at their places, waived ones with their reason."""
    where = waivers.sources(document.object, evaluation.templates)
    outcome = waivers.apply(evaluation, where, rules)
    for finding in (*outcome.active, *outcome.problems):
        yield LocatedFinding(finding, _region(document, finding))
    for waived in outcome.waived:
        region = _region(document, waived.finding)
        yield LocatedFinding(waived.finding, region, waived=waived.waiver.reason)


def _region(document: Document, finding: Finding) -> Region:
    place = document.position(finding.path)
    return Region(
        file=document.file,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
        text=document.source_line(place.line),
    )


def _unparsed(problem: ParseProblem) -> Problem:
    message = f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message
    return Problem(problem.file, problem.line or 1, problem.column or 1, message)


def _not_evaluated(document: Document, evaluation: Evaluation) -> Problem:
    place = document.position(())
    message = f"{evaluation.object}: {evaluation.not_evaluated}"
    return Problem(document.file, place.line, place.column, message, kind="not-evaluated")


def _coverage(files: Sequence[ParsedFile], evaluations: Sequence[Evaluation]) -> CoverageCount:
    judged = [evaluation for evaluation in evaluations if evaluation.not_evaluated is None]
    unknown = Counter(
        f"{evaluation.object.api_version}/{evaluation.object.kind}"
        for evaluation in judged
        if evaluation.coverage is Coverage.UNKNOWN
    )
    left_out = Counter(
        entry.reason for file in files for entry in file.skipped if entry.line is None
    )
    return CoverageCount(
        files=len(files),
        checked=len(judged) - unknown.total(),
        discovered=sum(evaluation.coverage is Coverage.DISCOVERED for evaluation in judged),
        unknown_kinds=unknown,
        unparsed=sum(len(file.problems) for file in files),
        not_kubernetes=sum(1 for file in files for entry in file.skipped if entry.line is not None),
        not_evaluated=len(evaluations) - len(judged),
        skipped=tuple(f"left out: {count} x {reason}" for reason, count in left_out.items()),
    )
