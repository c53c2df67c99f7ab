"""Every fixture, judged by the whole catalogue: exactly what its header says, both ways."""

from __future__ import annotations

import pytest

from karb_guard.invariants.fixtures import Fixture
from karb_guard.invariants.templates import names
from karb_guard.model.invariant import PODS_GROUP
from karb_guard.model.path import format_path
from tests.support.judging import catalogue, document_of, fixture_id, fixtures, judge

PYTHON_WAIVERS = {"waiver-expired", "waiver-invalid", "waiver-unused"}
"""Raised by the decision, after evaluation: tests/policies/test_waiver_fixtures.py."""

REPLICATED = {
    "av-pdb",
    "av-spread",
    "av-rollout",
    "av-scaler",
    "av-warm",
    "cost-idle",
    "st-pvc-mode",
}
"""They ask about replicas, and a Pod has none: it can only pass."""

EVALUATED = [f for f in fixtures() if f.invariant.name not in PYTHON_WAIVERS]
MORE_WITH_CONTEXT = {"rc-approved"}
"""They decide without their context, too; what it shows comes on top (a class that is missing)."""

BUILT_IN = ("apps/v1", "batch/v1", "v1")


@pytest.mark.parametrize("fixture", EVALUATED, ids=fixture_id)
def test_a_fixture_gives_exactly_the_findings_of_its_header(fixture: Fixture) -> None:
    evaluation = judge(fixture)
    assert evaluation.not_evaluated is None
    own = [f for f in evaluation.findings if f.name == fixture.invariant.name]
    found = sorted((f.check, format_path(f.path)) for f in own)
    assert found == sorted((e.check, e.path) for e in fixture.header.findings)
    others = {f.name for f in evaluation.findings} - {fixture.invariant.name}
    needless = {name for name in others if catalogue().by_name[name].demanding}
    assert others - needless == set(fixture.header.also), "breaks others than `also:` lists"


@pytest.mark.parametrize("fixture", EVALUATED, ids=fixture_id)
def test_a_fixture_s_findings_are_on_the_line_of_the_field(fixture: Fixture) -> None:
    document = document_of(fixture)
    own = [f for f in judge(fixture).findings if f.name == fixture.invariant.name]
    lines = {format_path(f.path): document.position(f.path).line for f in own}
    for expected in fixture.header.findings:
        if expected.line is not None:
            assert lines[expected.path] == expected.line


@pytest.mark.parametrize("fixture", EVALUATED, ids=fixture_id)
def test_a_policy_gives_every_value_that_its_message_names(fixture: Fixture) -> None:
    for finding in judge(fixture).findings:
        template = catalogue().by_name[finding.name].checks[finding.check]
        assert set(names(template)) <= set(finding.detail), template


@pytest.mark.parametrize("fixture", [f for f in EVALUATED if f.context], ids=fixture_id)
def test_without_its_context_a_fixture_is_undecided(fixture: Fixture) -> None:
    evaluation = judge(fixture, context=False)
    assert not [f for f in evaluation.findings if f.name == fixture.invariant.name]
    if fixture.invariant.name in MORE_WITH_CONTEXT:
        assert fixture.invariant.name not in {u.name for u in evaluation.unknowns}
    elif fixture.fails:  # a passing one may pass because the invariant doesn't apply to its kind
        assert fixture.invariant.name in {u.name for u in evaluation.unknowns}


@pytest.mark.parametrize("invariant", list(catalogue()), ids=lambda i: i.name)
def test_every_invariant_shows_a_line_in_at_least_one_fail_fixture(invariant) -> None:
    own = [f for f in fixtures() if f.invariant is invariant and f.fails]
    assert any(e.line is not None for f in own for e in f.header.findings)


@pytest.mark.parametrize(
    "invariant",
    [i for i in catalogue() if PODS_GROUP in i.match and i.evaluator == "rego"],
    ids=lambda i: i.name,
)
@pytest.mark.parametrize("fails", [True, False], ids=["fail", "pass"])
def test_every_pod_invariant_has_fixtures_of_all_three_sorts(invariant, fails: bool) -> None:
    own = [
        document_of(f).object for f in fixtures() if f.invariant is invariant and f.fails is fails
    ]
    pods = [o for o in own if o["kind"] == "Pod"]
    controllers = [o for o in own if o["kind"] != "Pod" and o["apiVersion"] in BUILT_IN]
    custom = [o for o in own if o["apiVersion"] not in BUILT_IN]
    assert pods or (fails and invariant.name in REPLICATED), "no Pod"
    assert controllers, "no built-in controller"
    assert custom, "no custom resource"


@pytest.mark.parametrize(
    "invariant", [i for i in catalogue() if i.evaluator == "rego"], ids=lambda i: i.name
)
def test_every_check_of_an_invariant_has_a_fail_fixture(invariant) -> None:
    shown = {e.check for f in fixtures() if f.invariant is invariant for e in f.header.findings}
    assert shown == set(invariant.checks)
