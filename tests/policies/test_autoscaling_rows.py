"""Each of the 53 misconfigurations of docs/autoscaling.md has fixtures, and is in that table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.invariants.fixtures import Fixture
from tests.support.judging import fixtures

ROWS: dict[int, dict[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("autoscaling_rows.yaml").read_text(encoding="utf-8")
)
PAGE = Path(__file__).parents[2] / "docs" / "autoscaling.md"
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$")
NUMBERS = range(1, 54)


def table() -> dict[int, set[str]]:
    """Number -> the invariants that the page names."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := ROW.match(line))]
    return {int(match[1]): set(re.findall(r"`([a-z-]+)`", match[3])) for match in found}


def by_name(*, fails: bool) -> dict[str, Fixture]:
    """``invariant/case`` -> fixture."""
    return {f"{f.invariant.name}/{f.case}": f for f in fixtures() if f.fails is fails}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_has_fixtures_that_fail_by_its_checks_and_some_that_pass(number: int) -> None:
    row = ROWS[number]
    assert row["fail"]
    assert row["pass"]
    failing, passing = by_name(fails=True), by_name(fails=False)
    shown = {
        f"{failing[name].invariant.name}/{finding.check}"
        for name in row["fail"]
        for finding in failing[name].header.findings
    }
    assert shown == set(row["checks"])
    assert set(row["pass"]) <= set(passing)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_page_names_the_invariants_of_a_row(number: int) -> None:
    named = {check.partition("/")[0] for check in ROWS[number]["checks"]}
    assert table()[number] == named


def test_there_are_no_other_rows() -> None:
    everything: Any = list(NUMBERS)
    assert sorted(ROWS) == everything
    assert sorted(table()) == everything
