"""Fixtures through the lint door, in this process and on a fixed day."""

from __future__ import annotations

import datetime

from karb_guard.invariants.fixtures import Fixture
from karb_guard.lint.runner import LintOptions, lint
from karb_guard.manifests import Source
from karb_guard.model.finding import Finding
from karb_guard.model.report import Report
from tests.support.judging import catalogue, evaluator_for

TODAY = datetime.date(2026, 1, 1)
"""Between the dates that fixtures of waivers use."""


def lint_fixture(fixture: Fixture, *, context: bool = True, demanding: bool = True) -> Report:
    """The report on the fixture's file and, with ``context``, the documents beside it."""
    sources = [Source(fixture.file.name, fixture.text.encode())]
    if context and fixture.context_file:
        sources.append(Source(fixture.context_file.name, fixture.context.encode()))
    options = LintOptions(today=TODAY)
    evaluator = evaluator_for(fixture.header.params, demanding=demanding)
    return lint(sources, evaluator, catalogue(), options)


def open_findings(report: Report, fixture: Fixture) -> list[tuple[Finding, int]]:
    """Unwaived findings in the fixture's own file, with their line."""
    return [
        (found.finding, found.region.line)
        for found in report.open_findings
        if found.region.file == fixture.file.name
    ]
