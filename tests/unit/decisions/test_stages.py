"""The stage table: who decides, in which order, and what labels may do."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions.stages import (
    SEVERITY_STAGES,
    STAGE_LABEL,
    StagePolicy,
    StageRules,
)
from karb_guard.model.finding import Severity
from karb_guard.model.stage import Stage
from tests.support.decision_rig import APP_INFO, CATALOGUE, GPU_PIN, RES_MEM

INVARIANTS = list(CATALOGUE.values())
OFF, AUDIT, WARN, ENFORCE = Stage


def policy(**changes: Any) -> StagePolicy:
    return StagePolicy(INVARIANTS, **changes)


@pytest.mark.parametrize(
    ("rules", "stage", "by"),
    [
        ({}, WARN, "severity error"),
        ({"general": StageRules(default=AUDIT)}, AUDIT, "configuration default"),
        (
            {"general": StageRules(categories={"resources": ENFORCE}, default=AUDIT)},
            ENFORCE,
            "configuration categories.resources",
        ),
        (
            {"general": StageRules({"res-mem": AUDIT}, {"resources": ENFORCE}, WARN)},
            AUDIT,
            "configuration invariants.res-mem",
        ),
        (
            {"general": StageRules({"KARB-TEST-001": ENFORCE})},
            ENFORCE,
            "configuration invariants.KARB-TEST-001",
        ),
        (
            {
                "general": StageRules({"res-mem": ENFORCE}),
                "namespaces": [("inf*", StageRules(default=OFF))],
            },
            OFF,
            "configuration namespaces.inf*.default",
        ),
        (
            {
                "general": StageRules({"res-mem": ENFORCE}),
                "namespaces": [("other", StageRules(default=OFF))],
            },
            ENFORCE,
            "configuration invariants.res-mem",
        ),
        (
            {
                "namespaces": [
                    ("inference", StageRules({"gpu-pin": ENFORCE})),
                    ("*", StageRules(default=AUDIT)),
                    ("inference", StageRules(default=ENFORCE)),
                ]
            },
            AUDIT,
            "configuration namespaces.*.default",
        ),
    ],
)
def test_the_most_specific_configuration_decides(
    rules: dict[str, Any], stage: Stage, by: str
) -> None:
    decision = policy(**rules).for_namespace("inference", {}).of("res-mem")
    assert (decision.stage, decision.decided_by) == (stage, by)


def test_severity_decides_last() -> None:
    stages = policy().for_namespace("inference", {})
    for rule in (RES_MEM, GPU_PIN, APP_INFO):
        assert stages.of(rule.name).stage is SEVERITY_STAGES[rule.severity]
    stages = policy(severities={Severity.ERROR: ENFORCE}).for_namespace("x", {})
    assert stages.of("res-mem").stage is ENFORCE
    assert stages.of("gpu-pin").stage is WARN


def test_nothing_is_denied_without_being_asked_for() -> None:
    stages = policy().for_namespace("inference", {})
    assert all(decision.stage is not ENFORCE for decision in stages.decisions.values())


@pytest.mark.parametrize(("configured", "label"), list(itertools.product(Stage, Stage)))
def test_a_label_tightens_and_never_loosens(configured: Stage, label: Stage) -> None:
    stages = policy(general=StageRules(default=configured)).for_namespace(
        "inference", {STAGE_LABEL: label.value}
    )
    decision = stages.of("res-mem")
    assert decision.stage is max(configured, label, key=lambda stage: stage.rank)
    if label.rank >= configured.rank:
        assert decision.decided_by == f"namespace label karb.dev/stage={label.value}"
        assert not stages.problems
    else:
        assert decision.decided_by == "configuration default"
        assert [problem.cause for problem in stages.problems] == ["loosens"]


@pytest.mark.parametrize(("configured", "label"), list(itertools.product(Stage, Stage)))
def test_a_label_decides_alone_where_it_may_loosen(configured: Stage, label: Stage) -> None:
    rules = policy(general=StageRules(default=configured), labels_may_loosen=True)
    stages = rules.for_namespace("inference", {STAGE_LABEL: label.value})
    assert stages.of("res-mem").stage is label
    assert not stages.problems


@pytest.mark.parametrize("name", ["res-mem", "KARB-TEST-001"])
def test_the_label_of_an_invariant_beats_the_label_for_all(name: str) -> None:
    labels = {STAGE_LABEL: "enforce", f"{STAGE_LABEL}.{name}": "warn"}
    stages = policy(general=StageRules(default=AUDIT)).for_namespace("inference", labels)
    assert stages.of("res-mem").stage is WARN
    assert name in stages.of("res-mem").decided_by
    assert stages.of("gpu-pin").stage is ENFORCE


@pytest.mark.parametrize(
    ("labels", "cause"),
    [
        ({STAGE_LABEL: "Enforce"}, "value"),
        ({STAGE_LABEL: ""}, "value"),
        ({f"{STAGE_LABEL}.res-mem": "deny"}, "value"),
        ({f"{STAGE_LABEL}.no-such": "enforce"}, "invariant"),
    ],
)
def test_bad_labels_are_ignored_and_told(labels: dict[str, str], cause: str) -> None:
    stages = policy().for_namespace("inference", labels)
    assert stages.of("res-mem").stage is WARN
    assert [problem.cause for problem in stages.problems] == [cause]
    assert next(iter(labels)) in str(stages.problems[0])


def test_other_labels_mean_nothing() -> None:
    labels = {"karb.dev/stages": "enforce", "karb.dev/stage-x": "enforce", "stage": "enforce"}
    stages = policy().for_namespace("inference", labels)
    assert stages.of("res-mem").stage is WARN
    assert not stages.problems


def test_unknown_labels_leave_the_configuration_to_decide() -> None:
    rules = policy(namespaces=[("inference", StageRules(default=ENFORCE))])
    assert rules.for_namespace("inference", None).of("res-mem").stage is ENFORCE


def test_a_relabelled_namespace_is_resolved_anew() -> None:
    rules = policy(general=StageRules(default=AUDIT))
    assert rules.for_namespace("a", {STAGE_LABEL: "warn"}).of("res-mem").stage is WARN
    assert rules.for_namespace("a", {STAGE_LABEL: "enforce"}).of("res-mem").stage is ENFORCE
    assert rules.for_namespace("a", {}).of("res-mem").stage is AUDIT


RULES = st.builds(
    StageRules,
    st.dictionaries(
        st.sampled_from(["res-mem", "gpu-pin", "KARB-TEST-001"]), st.sampled_from(Stage)
    ),
    st.dictionaries(st.sampled_from(["resources", "gpu"]), st.sampled_from(Stage)),
    st.none() | st.sampled_from(Stage),
)
LABELS = st.dictionaries(
    st.sampled_from([STAGE_LABEL, f"{STAGE_LABEL}.res-mem", f"{STAGE_LABEL}.x", "a"]),
    st.sampled_from([*(s.value for s in Stage), "nonsense", ""]),
)


@given(RULES, st.lists(st.tuples(st.sampled_from(["a", "b", "*"]), RULES), max_size=3), LABELS)
def test_labels_never_loosen_whatever_the_configuration(
    general: StageRules, namespaces: list[tuple[str, StageRules]], labels: dict[str, str]
) -> None:
    rules = policy(general=general, namespaces=namespaces)
    plain, labelled = rules.for_namespace("a", {}), rules.for_namespace("a", labels)
    for name in CATALOGUE:
        assert labelled.of(name).stage.rank >= plain.of(name).stage.rank
