"""InvariantRollouts: what they say, which of two counts, and where they stand in the precedence."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions import rollouts
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.stages import StagePolicy, StageRules
from karb_guard.model.stage import Stage
from tests.support.decision_rig import CATALOGUE

OFF, AUDIT, WARN, ENFORCE = Stage
POLICY = StagePolicy(list(CATALOGUE.values()), StageRules(default=WARN))
NOW = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
GLASS = BreakGlass("alice", "why", NOW, NOW + datetime.timedelta(hours=1))


def rollout(
    spec: dict[str, Any], *reached: dict[str, Any], name: str = "res-mem", created: str = "2026"
) -> dict[str, Any]:
    return rollouts.project(
        {
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"invariant": "res-mem", **spec},
            "status": {"namespaces": list(reached)},
        }
    )


def compiled(*found: dict[str, Any]) -> rollouts.Rollouts:
    return rollouts.compiled(found, POLICY.names)


def said(
    found: rollouts.Rollouts, namespace: str = "team-a", labels: dict[str, str] | None = None
) -> tuple[Stage, str]:
    stages = POLICY.with_cluster(found).for_namespace(namespace, labels or {})
    decision = stages.of("res-mem")
    return decision.stage, decision.decided_by


def test_the_default_counts_where_no_entry_does() -> None:
    found = compiled(
        rollout({"stage": "audit", "namespaces": [{"name": "team-b", "stage": "enforce"}]})
    )
    assert said(found) == (AUDIT, "InvariantRollout res-mem spec.stage")
    assert said(found, "team-b") == (ENFORCE, "InvariantRollout res-mem spec.namespaces[0]")


def test_an_object_that_says_nothing_about_a_namespace_leaves_the_configuration() -> None:
    found = compiled(rollout({"namespaces": [{"name": "team-b", "stage": "enforce"}]}))
    assert said(found) == (WARN, "configuration default")


def test_a_name_beats_a_selector_and_the_first_selector_beats_the_next() -> None:
    entries = [
        {"selector": {"matchLabels": {"tier": "prod"}}, "stage": "enforce"},
        {"selector": {}, "stage": "audit"},
        {"name": "team-b", "stage": "off"},
    ]
    found = compiled(rollout({"namespaces": entries}))
    assert said(found, "team-a", {"tier": "prod"})[0] is ENFORCE
    assert said(found, "team-a", {"tier": "dev"})[0] is AUDIT
    assert said(found, "team-b", {"tier": "prod"})[0] is OFF


def test_labels_that_are_not_known_select_nothing_and_are_not_mixed_up_with_none() -> None:
    entries = [{"selector": {"matchLabels": {"tier": "prod"}}, "stage": "enforce"}]
    policy = POLICY.with_cluster(compiled(rollout({"namespaces": entries})))
    for labels, stage in ((None, WARN), ({"tier": "prod"}, ENFORCE), (None, WARN), ({}, WARN)):
        assert policy.for_namespace("team-a", labels).of("res-mem").stage is stage


def test_a_cluster_scoped_object_is_in_no_namespace_that_a_selector_could_select() -> None:
    found = compiled(rollout({"namespaces": [{"selector": {}, "stage": "enforce"}]}))
    assert said(found, "")[0] is WARN


def test_the_older_of_two_counts_and_the_other_is_told() -> None:
    young = rollout({"stage": "enforce"}, name="a", created="2026-02-01T00:00:00Z")
    old = rollout({"invariant": "KARB-TEST-001", "stage": "off"}, name="b", created="2026-01-01")
    for order in ((young, old), (old, young)):
        found = compiled(*order)
        assert said(found)[0] is OFF
        assert [(p.name, p.cause) for p in found.problems] == [("a", "duplicate")]
        assert "InvariantRollout a: res-mem has an older one, b" in str(found.problems[0])


@pytest.mark.parametrize(
    ("spec", "cause", "message"),
    [
        ({"invariant": "res-memory"}, "invariant", "spec.invariant=res-memory names no invariant"),
        ({"invariant": None}, "spec", "spec.invariant is missing"),
        ({"stage": "deny"}, "spec", "spec.stage='deny' is no stage"),
        ({"namespaces": [{"stage": "warn"}]}, "spec", "needs one of name and selector"),
        (
            {"namespaces": [{"name": "a", "selector": {}, "stage": "warn"}]},
            "spec",
            "needs one of name and selector",
        ),
        ({"namespaces": [{"name": "a"}]}, "spec", "spec.namespaces[0].stage='None' is no stage"),
        (
            {"namespaces": [{"selector": {"matchLabels": [1]}, "stage": "warn"}]},
            "spec",
            "spec.namespaces[0].selector: an object is needed",
        ),
        ({"namespaces": {}}, None, ""),
        ({"namespaces": [{"name": "a", "stage": "warn"}] * 201}, "spec", "at most 200"),
    ],
)
def test_what_is_not_heeded_is_told(spec: dict[str, Any], cause: str | None, message: str) -> None:
    found = compiled(rollout(spec))
    if cause is None:
        assert not found.problems
        return
    (problem,) = found.problems
    assert problem.cause == cause
    assert message in str(problem)
    assert not found


@pytest.mark.parametrize(
    ("target", "reached", "stage", "by"),
    [
        ("enforce", None, AUDIT, "status (no entry yet)"),
        ("enforce", "warn", WARN, "status.namespaces[team-a]"),
        ("enforce", "enforce", ENFORCE, "spec.namespaces[0]"),
        ("warn", "enforce", WARN, "spec.namespaces[0]"),  # lowered: at once
        ("off", None, OFF, "spec.namespaces[0]"),
    ],
)
def test_with_gates_status_counts_up_to_what_spec_says(
    target: str, reached: str | None, stage: Stage, by: str
) -> None:
    status = [{"name": "team-a", "stage": reached, "since": "2026-01-01T00:00:00Z"}]
    spec = {"gates": {}, "namespaces": [{"name": "team-a", "stage": target}]}
    found = compiled(rollout(spec, *(status if reached else ())))
    assert said(found) == (stage, f"InvariantRollout res-mem {by}")


def test_the_time_of_enforcement_comes_from_status() -> None:
    since = "2026-01-01T00:00:00Z"
    spec = {"namespaces": [{"name": "team-a", "stage": "enforce"}]}
    status = {"name": "team-a", "stage": "enforce", "since": since}
    for gates in ({}, {"gates": {}}):
        found = compiled(rollout({**spec, **gates}, status))
        decision = POLICY.with_cluster(found).for_namespace("team-a", {}).of("res-mem")
        assert decision.since == since


@pytest.mark.parametrize(
    "rubbish", [None, {}, [1, None, {}, {"name": 1, "stage": "warn"}, {"name": "x", "stage": []}]]
)
def test_a_status_that_cant_be_read_is_as_if_absent(rubbish: Any) -> None:
    projection = rollouts.project(
        {
            "metadata": {"name": "x"},
            "spec": {"invariant": "res-mem", "stage": "enforce", "gates": {}},
            "status": {"namespaces": rubbish},
        }
    )
    assert said(compiled(projection))[0] is AUDIT


stage_or_none = st.sampled_from([None, *Stage])


@given(
    severity_stage=st.sampled_from(list(Stage)),
    configured=stage_or_none,
    configured_here=stage_or_none,
    rollout_default=stage_or_none,
    rollout_here=stage_or_none,
    label_all=stage_or_none,
    label_one=stage_or_none,
    may_loosen=st.booleans(),
    broken=st.booleans(),
)
def test_precedence_against_the_table(  # noqa: PLR0917 - one argument a source of stages
    severity_stage: Stage,
    configured: Stage | None,
    configured_here: Stage | None,
    rollout_default: Stage | None,
    rollout_here: Stage | None,
    label_all: Stage | None,
    label_one: Stage | None,
    may_loosen: bool,
    broken: bool,
) -> None:
    invariant = CATALOGUE["res-mem"]
    policy = StagePolicy(
        list(CATALOGUE.values()),
        StageRules({"res-mem": configured} if configured else {}),
        [("team-a", StageRules(default=configured_here))],
        severities={invariant.severity: severity_stage},
        labels_may_loosen=may_loosen,
    )
    spec: dict[str, Any] = {"stage": rollout_default.value} if rollout_default else {}
    if rollout_here:
        spec["namespaces"] = [{"name": "team-a", "stage": rollout_here.value}]
    labels = {"karb.dev/stage": label_all.value} if label_all else {}
    labels |= {"karb.dev/stage.res-mem": label_one.value} if label_one else {}
    policy = policy.with_cluster(
        rollouts.compiled([rollout(spec)], policy.names), GLASS if broken else None
    )
    decision = policy.for_namespace("team-a", labels).of("res-mem")

    # From the weakest to the strongest; each line may replace what stands.
    wanted, by = severity_stage, "severity"
    for stage, word in (
        (configured, "configuration invariants"),
        (configured_here, "configuration namespaces"),
        (rollout_default, "InvariantRollout res-mem spec.stage"),
    ):
        if stage is not None:
            wanted, by = stage, word
    label = label_one or label_all
    if label is not None and (may_loosen or list(Stage).index(label) >= list(Stage).index(wanted)):
        wanted, by = label, "namespace label"
    if rollout_here is not None:
        wanted, by = rollout_here, "InvariantRollout res-mem spec.namespaces[0]"
    if broken and wanted is ENFORCE:
        wanted, by = WARN, "break-glass"
    assert (decision.stage, decision.decided_by[: len(by)]) == (wanted, by)


def test_break_glass_reaches_no_further_than_it_says() -> None:
    enforced = StagePolicy(list(CATALOGUE.values()), StageRules(default=ENFORCE))
    some = BreakGlass("a", "b", GLASS.since, GLASS.until, ("team-a",), ("KARB-TEST-001",))
    policy = enforced.with_cluster(break_glass=some)
    here = policy.for_namespace("team-a", {})
    assert here.of("res-mem").stage is WARN
    assert here.of("gpu-pin").stage is ENFORCE
    assert policy.for_namespace("team-b", {}).of("res-mem").stage is ENFORCE
    assert policy.for_namespace("", {}).of("res-mem").stage is ENFORCE
