"""The fixtures of ``waiver-*``, which are raised after evaluation: through lint, on a fixed day."""

from __future__ import annotations

import pytest

from karb_guard.decisions.waivers import ABOUT_WAIVERS
from karb_guard.invariants.fixtures import Fixture
from karb_guard.model.path import format_path
from tests.support.judging import catalogue, fixture_id, fixtures
from tests.support.linting import lint_fixture, open_findings

WAIVERS = [fixture for fixture in fixtures() if fixture.invariant.name in ABOUT_WAIVERS]


@pytest.mark.parametrize("fixture", WAIVERS, ids=fixture_id)
def test_a_fixture_of_waivers_gives_exactly_its_findings(fixture: Fixture) -> None:
    report = lint_fixture(fixture, demanding=False)
    assert not report.problems
    found = open_findings(report, fixture)
    own = [(f, line) for f, line in found if f.name == fixture.invariant.name]
    told = sorted((f.check, format_path(f.path)) for f, _ in own)
    assert told == sorted((e.check, e.path) for e in fixture.header.findings)
    others = {f.finding.name for f in report.findings} - {fixture.invariant.name}
    assert others == set(fixture.header.also), "waived or not, `also:` lists them"


@pytest.mark.parametrize("fixture", [f for f in WAIVERS if not f.fails], ids=fixture_id)
def test_a_good_waiver_covers_what_the_manifest_breaks(fixture: Fixture) -> None:
    report = lint_fixture(fixture, demanding=False)
    assert not report.open_findings
    assert {f.finding.name for f in report.findings} == set(fixture.header.also)
    assert report.exit_code == 0


@pytest.mark.parametrize("fixture", WAIVERS, ids=fixture_id)
def test_a_finding_about_a_waiver_is_on_the_annotation_s_line(fixture: Fixture) -> None:
    lines = {
        format_path(f.path): line
        for f, line in open_findings(lint_fixture(fixture), fixture)
        if f.name == fixture.invariant.name
    }
    for expected in fixture.header.findings:
        if expected.line is not None:
            assert lines[expected.path] == expected.line


@pytest.mark.parametrize("fixture", WAIVERS, ids=fixture_id)
def test_messages_about_waivers_are_complete(fixture: Fixture) -> None:
    for finding, _ in open_findings(lint_fixture(fixture), fixture):
        assert "?" not in finding.message
        assert "{" not in finding.message


def test_every_check_of_waivers_has_a_fail_fixture() -> None:
    shown = {(f.invariant.name, e.check) for f in WAIVERS for e in f.header.findings}
    every = {(n, check) for n in ABOUT_WAIVERS for check in catalogue().by_name[n].checks}
    assert shown == every
