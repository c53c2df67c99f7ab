"""Every fixture through the lint door: the header's findings, on its lines, with the exit code."""

from __future__ import annotations

import pytest

from karb_guard.invariants.fixtures import Fixture
from karb_guard.model.finding import Severity
from karb_guard.model.path import format_path
from tests.support.judging import fixture_id, fixtures
from tests.support.linting import lint_fixture, open_findings


@pytest.mark.parametrize("fixture", fixtures(), ids=fixture_id)
def test_lint_says_what_the_header_says(fixture: Fixture) -> None:
    report = lint_fixture(fixture)
    assert not report.problems
    found = open_findings(report, fixture)
    own = [(f, line) for f, line in found if f.name == fixture.invariant.name]
    expected = sorted((e.check, e.path) for e in fixture.header.findings)
    assert sorted((f.check, format_path(f.path)) for f, _ in own) == expected
    lines = {format_path(f.path): line for f, line in own}
    assert all(lines[e.path] == e.line for e in fixture.header.findings if e.line is not None)


@pytest.mark.parametrize("fixture", [f for f in fixtures() if f.fails], ids=fixture_id)
def test_the_exit_code_follows_the_severity(fixture: Fixture) -> None:
    report = lint_fixture(fixture)
    errors = any(f.finding.severity is Severity.ERROR for f in report.open_findings)
    assert report.exit_code == int(errors)
