"""Waiver annotations: their syntax, what they cover, and what is wrong with the bad ones."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions import waivers
from karb_guard.decisions.waiver_syntax import PREFIX, Unreadable, Waiver, WaiverSource, parse
from karb_guard.decisions.waivers import WaiverRules
from karb_guard.model.finding import Evaluation, Finding, Unknown
from tests.support.decision_rig import CATALOGUE, DEPLOYMENT, GPU_PIN, evaluation, finding

TODAY = datetime.date(2027, 1, 15)
SOURCE = WaiverSource({})
TEMPLATES = [(("spec", "template", "metadata"), ("spec", "template", "spec"))]

REASONS = (
    st.text(min_size=1, max_size=60)
    .map(str.strip)
    .filter(lambda text: text and "until=" not in text)
)
DATES = st.dates(datetime.date(2000, 1, 1), datetime.date(2999, 12, 31))
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


def outcome(
    found: Evaluation,
    own: dict[str, Any] | None = None,
    template: dict[str, Any] | None = None,
    **rules: Any,
) -> waivers.WaiverOutcome:
    obj = {
        "metadata": {"annotations": own},
        "spec": {"template": {"metadata": {"annotations": template}, "spec": {}}},
    }
    return waivers.apply(
        found,
        waivers.sources(obj, TEMPLATES),
        WaiverRules(**{"catalogue": CATALOGUE, "today": TODAY, **rules}),
    )


def names(findings: tuple[Finding, ...]) -> list[str]:
    return [found.name for found in findings]


@given(NAMES, st.none() | NAMES, REASONS, DATES, st.sampled_from([" ", "\t", "  \n "]))
def test_what_is_written_is_read(
    invariant: str, container: str | None, reason: str, until: datetime.date, space: str
) -> None:
    key = PREFIX + invariant + (f".{container}" if container else "")
    read = parse(key, f"{reason}{space}until={until.isoformat()}", SOURCE)
    assert read == Waiver(key, invariant, container, reason, until, SOURCE)


@given(st.text(), st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_nothing_that_can_be_written_breaks_the_reader(key: str, value: Any) -> None:
    assert isinstance(parse(PREFIX + key, value, SOURCE), (Waiver, Unreadable))


@pytest.mark.parametrize("reason", ["a=b", "until we move = soon", "x until=then", "=", "a: b # c"])
def test_a_reason_may_hold_equal_signs(reason: str) -> None:
    read = parse(PREFIX + "res-mem", f"{reason} until=2027-03-31", SOURCE)
    assert isinstance(read, Waiver)
    assert read.reason == reason


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("res-mem", "", "no last day"),
        ("res-mem", "because", "no last day"),
        ("res-mem", "until=2027-03-31", "no reason"),
        ("res-mem", "   until=2027-03-31", "no reason"),
        ("res-mem", "why until=", "is no date"),
        ("res-mem", "why until=2027-02-30", "is no date"),
        ("res-mem", "why until=31.03.2027", "is no date"),
        ("res-mem", "why until=20270331", "is no date"),
        ("res-mem", "why until=٢٠٢٧-03-31", "is no date"),
        ("res-mem", "whyuntil=2027-03-31", "no last day"),
        ("res-mem", "until=2027-03-31 because", "no last day"),
        ("res-mem", "x" * 1025 + " until=2027-03-31", "longer than 1024"),
        ("res-mem", 7, "not a string"),
        ("res-mem", None, "not a string"),
        ("res-mem.", "why until=2027-03-31", "after the dot"),
        ("", "why until=2027-03-31", "no invariant"),
        ("no-such", "why until=2027-03-31", "no invariant is called no-such"),
        ("waiver-expired", "why until=2027-03-31", "can't be waived"),
    ],
)
def test_an_unreadable_waiver_waives_nothing_and_is_a_finding(
    key: str, value: Any, problem: str
) -> None:
    found = outcome(evaluation(finding()), {PREFIX + key: value})
    assert names(found.active) == ["res-mem"]
    assert names(found.problems) == ["waiver-invalid"]
    assert problem in found.problems[0].message
    assert found.problems[0].path == ("metadata", "annotations", PREFIX + key)


@pytest.mark.parametrize("key", ["res-mem", "KARB-TEST-001"])
def test_a_waived_finding_keeps_its_justification(key: str) -> None:
    found = outcome(evaluation(finding()), {PREFIX + key: "profiler a=b until=2027-03-31"})
    assert found.active == found.problems == ()
    assert found.waived[0].finding == finding()
    assert found.waived[0].waiver.justification == "profiler a=b (until 2027-03-31)"


def test_the_last_day_counts_and_the_next_does_not() -> None:
    annotation = {PREFIX + "res-mem": "why until=2027-01-15"}
    assert outcome(evaluation(finding()), annotation).active == ()
    late = outcome(evaluation(finding()), annotation, today=TODAY + datetime.timedelta(days=1))
    assert names(late.active) == ["res-mem"]
    assert names(late.problems) == ["waiver-expired"]
    assert "2027-01-15" in late.problems[0].message


def test_a_waiver_of_one_container_leaves_the_others() -> None:
    found = outcome(
        evaluation(finding(container="a"), finding(container="b", index=1)),
        {PREFIX + "res-mem.a": "why until=2027-03-31"},
    )
    assert [each.container for each in found.active] == ["b"]
    assert [each.finding.container for each in found.waived] == ["a"]
    assert found.problems == ()


def test_a_template_waiver_reaches_the_template_only() -> None:
    inside, outside = finding(), finding(path=("spec", "replicas"), container=None, anchor="/spec")
    annotation = {PREFIX + "res-mem": "why until=2027-03-31"}
    by_template = outcome(evaluation(inside, outside), template=annotation)
    assert by_template.active == (outside,)
    assert outcome(evaluation(inside, outside), annotation).active == ()


def test_an_unused_waiver_is_a_finding_on_its_annotation() -> None:
    annotation = {PREFIX + "res-mem.gone": "why until=2027-03-31"}
    found = outcome(evaluation(finding()), template=annotation)
    assert names(found.active) == ["res-mem"]
    (problem,) = found.problems
    assert problem.name == "waiver-unused"
    key = PREFIX + "res-mem.gone"
    assert problem.path == ("spec", "template", "metadata", "annotations", key)
    assert problem.object == DEPLOYMENT


@pytest.mark.parametrize(
    ("key", "in_template", "where"),
    [
        ("res-mem.gone", False, "in a container gone"),
        ("res-mem.gone", True, "in a container gone"),
        ("gpu-pin", True, "in this pod template"),
        ("gpu-pin", False, "here"),
    ],
)
def test_an_unused_waiver_says_where_it_looked(key: str, in_template: bool, where: str) -> None:
    annotation = {PREFIX + key: "why until=2027-03-31"}
    found = evaluation(finding())
    done = outcome(found, template=annotation) if in_template else outcome(found, annotation)
    (problem,) = done.problems
    assert problem.detail["where"] == where


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"not_evaluated": "too large"}, {}),
        ({"unknowns": (Unknown("res-mem", DEPLOYMENT, "no context"),)}, {}),
        ({}, {"enabled": {"gpu-pin", "waiver-unused"}}),
        ({}, {"enabled": {"res-mem"}}),
    ],
)
def test_a_waiver_is_not_called_unused_where_nobody_could_tell(
    changes: dict[str, Any], rules: dict[str, Any]
) -> None:
    annotation = {PREFIX + "res-mem": "why until=2027-03-31"}
    assert outcome(evaluation(**changes), annotation, **rules).problems == ()


def test_admission_heeds_only_what_is_self_waivable() -> None:
    annotations = {
        PREFIX + "res-mem": "why until=2027-03-31",
        PREFIX + "gpu-pin": "why until=2027-03-31",
    }
    pin = finding(GPU_PIN, None)
    found = outcome(evaluation(finding(), pin), annotations, self_waivable_only=True)
    assert found.active == (finding(),)
    assert [each.finding.name for each in found.waived] == ["gpu-pin"]
    assert [each.finding.name for each in found.unheeded] == ["res-mem"]
    assert found.problems == ()


def test_a_pods_own_annotations_are_read_once() -> None:
    pod = {"metadata": {"annotations": {PREFIX + "res-mem": "nope"}}, "spec": {}}
    where = waivers.sources(pod, [(("metadata",), ("spec",))])
    found = waivers.apply(evaluation(), where, WaiverRules(CATALOGUE, TODAY))
    assert names(found.problems) == ["waiver-invalid"]
    assert found.problems[0].anchor == f"pod/metadata/annotations/{PREFIX}res-mem"


def test_more_waivers_than_the_bound_are_refused() -> None:
    annotations = {f"{PREFIX}res-mem.c{n}": "why until=2027-03-31" for n in range(1000)}
    found = outcome(evaluation(), annotations)
    assert names(found.problems).count("waiver-invalid") == 1
    assert len(found.problems) == waivers.MAX_WAIVERS + 1


@pytest.mark.parametrize(
    "metadata", [None, [], "x", {"annotations": []}, {"annotations": {3: "x"}}]
)
def test_odd_metadata_holds_no_waivers(metadata: Any) -> None:
    where = waivers.sources({"metadata": metadata}, TEMPLATES)
    assert waivers.apply(evaluation(finding()), where, WaiverRules(CATALOGUE, TODAY)).waived == ()


def test_control_characters_of_a_waiver_do_not_reach_a_terminal() -> None:
    found = outcome(evaluation(), {PREFIX + "a\x1b[31m": "why until=2027-03-31"})
    assert found.problems[0].message.isprintable()


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6),
    st.dictionaries(
        st.sampled_from(["res-mem", "res-mem.a", "res-mem.b", "res-mem.z", "gpu-pin"]),
        st.sampled_from(["x until=2027-01-14", "x until=2027-01-15", "x"]),
    ),
)
def test_every_finding_is_active_or_waived_and_only_by_a_valid_waiver(
    containers: list[str | None], annotations: dict[str, str]
) -> None:
    findings = [finding(container=name, index=n) for n, name in enumerate(containers)]
    found = outcome(evaluation(*findings), {PREFIX + k: v for k, v in annotations.items()})
    valid = {k for k, v in annotations.items() if v.endswith("01-15")}
    covered = [f for f in findings if valid & {"res-mem", f"res-mem.{f.container}"}]
    assert [each.finding for each in found.waived] == covered
    assert list(found.active) == [f for f in findings if f not in covered]
    used = {k for k in valid if any(k in ("res-mem", f"res-mem.{f.container}") for f in findings)}
    assert names(found.problems).count("waiver-unused") == len(valid - used)
