"""What appears and goes between two looks."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.dirt import Scopes
from audit.view import View, place_named_in
from karb_guard.model.audit import Audit, Missing
from karb_guard.model.change import Change, Event
from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import CoverageCount, LocatedFinding, Problem, Report
from tests.support.sample_audit import finding
from tests.support.sample_report import PIN

AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ALL = Scopes(everything=True)


def found(
    namespace: str, anchor: str = "x", severity: Severity = Severity.ERROR, message: str = "words"
) -> LocatedFinding:
    made = finding(PIN, ObjectRef("apps/v1", "Deployment", "llm", namespace))
    changed = made.finding._replace(anchor=anchor, severity=severity, message=message)
    return replace(made, finding=changed)


def audit(*findings: LocatedFinding, problems: tuple[Problem, ...] = ()) -> Audit:
    report = Report(list(findings), list(problems), [], CoverageCount(), [PIN])
    return Audit(report, "test", AT)


def scopes(*names: str) -> Scopes:
    return Scopes(namespaces=frozenset(names))


def said(changes: list[Change]) -> list[tuple[str, str]]:
    return [
        (c.event.mark, c.what if c.finding is None else c.finding.finding.anchor) for c in changes
    ]


def test_what_is_new_appears_and_what_is_mended_goes() -> None:
    view = View()
    assert said(list(view.take(audit(found("a", "1")), ALL, AT))) == [("+", "1")]
    changes = list(view.take(audit(found("a", "2")), scopes("a"), AT))
    assert said(changes) == [("-", "1"), ("+", "2")]
    assert list(view.take(audit(found("a", "2")), scopes("a"), AT)) == []


STATES = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("123"), max_size=4))


@given(st.lists(st.tuples(STATES, st.sets(st.sampled_from("abc")), st.booleans()), max_size=6))
def test_the_lines_always_add_up_to_what_is_there(
    steps: list[tuple[dict[str, list[str]], set[str], bool]],
) -> None:
    view, told = View(), Counter[tuple[str, str]]()
    known: dict[str, list[str]] = {}
    for state, names, everything in steps:
        judged = set("abc") if everything else names
        known |= {name: state.get(name, []) for name in judged}
        made = audit(*(found(n, a) for n in judged for a in state.get(n, [])))
        for change in view.take(made, Scopes(everything, frozenset(names)), AT):
            assert change.finding is not None
            where = change.finding.finding
            key = str(where.object.namespace), where.anchor
            told[key] += 1 if change.event is Event.APPEARED else -1
            assert told[key] >= 0
        assert +told == Counter((n, a) for n, anchors in known.items() for a in anchors)
        assert view.counts()[Severity.ERROR] == told.total()


def test_namespaces_that_were_not_judged_keep_what_they_have() -> None:
    view = View()
    list(view.take(audit(found("a", "1"), found("b", "2")), ALL, AT))
    assert said(list(view.take(audit(), scopes("b"), AT))) == [("-", "2")]
    assert view.counts()[Severity.ERROR] == 1
    assert said(list(view.take(audit(), ALL, AT))) == [("-", "1")]
    assert view.counts()[Severity.ERROR] == 0


def test_two_findings_of_one_identity_are_two() -> None:
    view = View()
    list(view.take(audit(found("a"), found("a")), ALL, AT))
    assert view.counts()[Severity.ERROR] == 2
    assert said(list(view.take(audit(found("a")), scopes("a"), AT))) == [("-", "x")]
    assert said(list(view.take(audit(found("a"), found("a")), scopes("a"), AT))) == [("+", "x")]


def test_other_words_are_no_change_and_a_waiver_is_one() -> None:
    view = View()
    list(view.take(audit(found("a")), ALL, AT))
    assert list(view.take(audit(found("a", message="other words")), scopes("a"), AT)) == []
    waived = replace(found("a"), waived="until tomorrow")
    assert said(list(view.take(audit(waived), scopes("a"), AT))) == [("-", "x")]


def test_an_object_without_a_verdict_is_said_and_counts() -> None:
    view = View()
    problem = Problem("a/Pod/huge", None, None, "too large", "not-evaluated")
    changes = list(view.take(audit(problems=(problem,)), ALL, AT))
    assert said(changes) == [("!", "a/Pod/huge")]
    assert changes[0].reason == "too large"
    assert view.exit_code(Severity.ERROR) == 2
    assert said(list(view.take(audit(), scopes("a"), AT))) == [("=", "a/Pod/huge")]
    assert view.exit_code(Severity.ERROR) == 0


def test_a_part_of_a_cluster_may_be_empty() -> None:
    view = View()
    nothing = Problem("test", None, None, "nothing was found", "nothing-checked")
    assert list(view.take(audit(problems=(nothing,)), scopes("a"), AT)) == []
    assert view.exit_code(Severity.ERROR) == 0


def test_gaps_come_and_go_once() -> None:
    view = View()
    gap = Missing("pods", "not allowed", ("res-mem",))
    changes = list(view.gaps([gap], AT))
    assert [c.event for c in changes] == [Event.UNSEEN]
    assert changes[0].undecided == ("res-mem",)
    assert list(view.gaps([gap], AT)) == []
    assert view.exit_code(Severity.ERROR) == 2
    assert [c.event for c in view.gaps([], AT)] == [Event.SEEN]
    assert view.exit_code(Severity.ERROR) == 0


def test_what_is_seen_late_is_said_once_and_is_no_gap() -> None:
    view = View()
    assert [c.event for c in view.late({"pods": "why"}, AT)] == [Event.LATE]
    assert list(view.late({}, AT)) == []
    assert list(view.late({"pods": "why"}, AT)) == []
    assert view.exit_code(Severity.ERROR) == 0


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("info", "info", 1),
    ],
)
def test_the_exit_code_is_that_of_what_is_open(severity: str, fail_on: str, code: int) -> None:
    view = View()
    list(view.take(audit(found("a", severity=Severity(severity))), ALL, AT))
    assert view.exit_code(Severity(fail_on)) == code


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("shop/Deployment/web", "shop"),
        ("Namespace/shop", "shop"),
        ("ClusterRole/system:admin", ""),
        ("Namespace/Namespace/web", "Namespace"),
    ],
)
def test_the_place_of_a_file(file: str, place: str) -> None:
    assert place_named_in(file) == place
