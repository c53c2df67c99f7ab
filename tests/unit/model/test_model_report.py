"""The lines that a report is summed up in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from karb_guard.model.finding import ObjectRef, Severity, Unknown
from karb_guard.model.report import CoverageCount, Problem, Report, unknown_lines
from tests.support.sample_report import clean, sample

POD = ObjectRef("v1", "Pod", "a")
SAME_NAME = ObjectRef("v1", "Pod", "a")


def test_undecided_objects_are_counted_once_an_invariant() -> None:
    unknowns = [Unknown("gpu-pin", POD, "one"), Unknown("gpu-pin", POD, "other")]
    assert unknown_lines(unknowns) == [
        "gpu-pin: undecided for 1 object: one; and 1 other reason",
    ]


def test_objects_of_one_name_in_two_files_are_two() -> None:
    unknowns = [Unknown("gpu-pin", POD, "why"), Unknown("gpu-pin", SAME_NAME, "why")]
    assert unknown_lines(unknowns) == ["gpu-pin: undecided for 2 objects: why"]


def test_every_reason_has_a_line_where_somebody_asks() -> None:
    unknowns = [
        Unknown("b", POD, "x"),
        Unknown("a", POD, "y"),
        Unknown("a", SAME_NAME, "y"),
        Unknown("a", POD, "x"),
    ]
    assert unknown_lines(unknowns, every_reason=True) == [
        "a: undecided for 1 object: x",
        "a: undecided for 2 objects: y",
        "b: undecided for 1 object: x",
    ]


@pytest.mark.parametrize(
    ("threshold", "code"), [(Severity.ERROR, 1), (Severity.WARNING, 1), (Severity.INFO, 1)]
)
def test_an_error_fails_every_threshold(threshold: Severity, code: int) -> None:
    assert replace(sample(), problems=[], fail_on=threshold).exit_code == code


def test_a_warning_fails_only_where_the_threshold_says_so() -> None:
    report = replace(sample(), problems=[])
    warnings = [f for f in report.findings if f.finding.severity is Severity.WARNING]
    assert replace(report, findings=warnings).exit_code == 0
    assert replace(report, findings=warnings, fail_on=Severity.WARNING).exit_code == 1


def test_a_waived_finding_fails_nothing() -> None:
    report = replace(sample(), problems=[])
    waived = [f for f in report.findings if f.waived]
    assert waived
    assert replace(report, findings=waived, fail_on=Severity.INFO).exit_code == 0


def test_any_problem_wins() -> None:
    problem = Problem("x.yaml", None, None, "can't be read")
    assert replace(clean(), problems=[problem]).exit_code == 2
    assert replace(sample(), problems=[problem]).exit_code == 2


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    assert Problem("x.yaml", None, None, "gone", remedy="look").text == "gone; look"
    assert Problem("x.yaml", None, None, "gone").location == "x.yaml"
    assert Problem("x.yaml", 3, 4, "bad").location == "x.yaml:3:4"


def test_the_coverage_line_names_only_what_there_is() -> None:
    assert CoverageCount(checked=2).line() == "2 documents checked, 0 of unknown kind, 0 unparsed"
    assert CoverageCount(not_kubernetes=2, not_evaluated=1, left_out=1).line() == (
        "0 documents checked, 0 of unknown kind, 0 unparsed, 1 not evaluated, "
        "2 not Kubernetes objects, 1 file left out"
    )


def test_a_report_is_what_it_holds() -> None:
    report: Report = sample()
    assert len(report.open_findings) == len(report.findings) - 1
