"""From findings and stages to allow or deny, and the words that go with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions import messages
from karb_guard.decisions.admission import (
    DENIABLE_KINDS,
    AdmissionOptions,
    AdmissionPolicy,
    Decision,
    Judged,
    decide,
)
from karb_guard.decisions.stages import STAGE_LABEL, StagePolicy, StageRules
from karb_guard.decisions.waivers import WaiverOutcome
from karb_guard.model.finding import Coverage, Finding, ObjectRef, Unknown
from karb_guard.model.stage import Stage
from tests.support.decision_rig import (
    CATALOGUE,
    DEPLOYMENT,
    GPU_PIN,
    NET,
    RES_MEM,
    evaluation,
    finding,
    request,
)


def judged(*findings: Finding, **changes: Any) -> Judged:
    return Judged(evaluation(*findings, **changes), WaiverOutcome(findings))


def decision(
    now: Judged,
    before: Judged | None = None,
    stage: Stage = Stage.ENFORCE,
    labels: dict[str, str] | None = None,
    options: AdmissionOptions | None = None,
    **changes: Any,
) -> Decision:
    stages = StagePolicy(list(CATALOGUE.values()), StageRules(default=stage))
    policy = AdmissionPolicy(
        stages.for_namespace("inference", labels or {}),
        CATALOGUE,
        frozenset(CATALOGUE),
        options or AdmissionOptions(),
    )
    operation = "CREATE" if before is None else "UPDATE"
    return decide(request(operation, **changes), now, before, policy)


@pytest.mark.parametrize(
    ("stage", "allowed", "warned"),
    [
        (Stage.OFF, True, False),
        (Stage.AUDIT, True, False),
        (Stage.WARN, True, True),
        (Stage.ENFORCE, False, False),
    ],
)
def test_the_stage_decides_what_a_finding_does(stage: Stage, allowed: bool, warned: bool) -> None:
    found = decision(judged(finding()), stage=stage)
    assert found.allowed is allowed
    assert bool(found.warnings) is warned
    assert bool(found.message) is not allowed
    assert found.counts == ({} if stage is Stage.OFF else {("res-mem", stage): 1})
    if stage is Stage.OFF:
        assert "findings" not in found.audit_annotations
    else:
        assert found.audit_annotations["findings"] == f"{stage.value}: res-mem"
        assert found.audit_annotations["decided-by"] == (
            f"{stage.value} by configuration default: res-mem"
        )


@pytest.mark.parametrize("kind", sorted(DENIABLE_KINDS))
def test_pods_and_built_in_controllers_are_denied(kind: str) -> None:
    group, _, name = kind.partition("/")
    assert decision(judged(finding()), group=group, kind=name).allowed is False


@pytest.mark.parametrize("group", ["serving.kserve.io", "ray.io", "batch.volcano.sh"])
def test_custom_resources_only_warn_unless_asked(group: str) -> None:
    warned = decision(judged(finding()), group=group, kind="Job")
    assert warned.allowed
    assert "custom resources only warn" in warned.warnings[0]
    options = AdmissionOptions(deny_custom_resources=True)
    assert decision(judged(finding()), group=group, kind="Job", options=options).allowed is False


def test_an_update_keeps_what_was_wrong_and_adds_nothing() -> None:
    old = judged(finding(container="a"))
    assert decision(judged(finding(container="a")), old).allowed
    denied = decision(judged(finding(container="a"), finding(container="b", index=1)), old)
    assert denied.allowed is False
    assert "container b" in denied.message
    assert "container a" not in denied.message
    assert "there before this update" in denied.warnings[0]
    assert denied.audit_annotations["known-before"] == "res-mem"


def test_a_moved_finding_is_not_new() -> None:
    old = judged(finding(container="a"), finding(container="b", index=1))
    new = judged(finding(container="b", index=0), finding(container="a", index=1))
    assert decision(new, old).allowed


def test_an_old_object_without_a_verdict_excuses_nothing() -> None:
    old = judged(finding(), not_evaluated="deadline of 500 ms passed")
    denied = decision(judged(finding()), old)
    assert denied.allowed is False
    assert "stored object could not be judged (deadline" in denied.message
    assert "deadline" in denied.audit_annotations["stored-object-not-evaluated"]


def test_not_evaluated_is_denied_where_an_invariant_that_applies_is_enforced() -> None:
    denied = decision(judged(not_evaluated="1025 containers; at most 1024"))
    assert denied.allowed is False
    assert "1025 containers" in denied.message
    assert "res-mem" in denied.message
    assert NET.name not in denied.message, "it does not apply to a Deployment"
    assert denied.not_evaluated == "1025 containers; at most 1024"


@pytest.mark.parametrize("stage", [Stage.OFF, Stage.AUDIT, Stage.WARN])
def test_not_evaluated_warns_where_nothing_is_enforced(stage: Stage) -> None:
    found = decision(judged(not_evaluated="too large"), stage=stage)
    assert found.allowed
    assert "too large" in found.warnings[0]
    assert found.audit_annotations["not-evaluated"] == "too large"


def test_not_evaluated_denies_only_for_what_could_have_been_found() -> None:
    """An invariant about pods says nothing of a role."""
    group = "rbac.authorization.k8s.io"
    found = decision(judged(not_evaluated="too large"), group=group, kind="ClusterRole")
    assert found.allowed
    assert "too large" in found.warnings[0]
    group = "networking.k8s.io"
    found = decision(judged(not_evaluated="too large"), group=group, kind="NetworkPolicy")
    assert not found.allowed
    assert "enforced here: np-x" in found.message
    assert "res-mem" not in found.message


def test_not_evaluated_custom_resources_warn() -> None:
    found = decision(judged(not_evaluated="too large"), group="ray.io", kind="RayJob")
    assert found.allowed
    assert "too large" in found.warnings[0]


def test_one_enforced_invariant_is_enough_to_deny_without_a_verdict() -> None:
    label = {f"{STAGE_LABEL}.gpu-pin": "enforce"}
    found = decision(judged(not_evaluated="too large"), stage=Stage.AUDIT, labels=label)
    assert found.allowed is False
    assert "gpu-pin" in found.message
    assert "res-mem" not in found.message


def test_unknown_kinds_pass_and_say_so() -> None:
    found = decision(
        judged(coverage=Coverage.UNKNOWN), group="example.org", kind="Gadget", stage=Stage.ENFORCE
    )
    assert found.allowed
    assert found.audit_annotations == {
        "unknown-kind": "example.org/Gadget is not understood and was not judged"
    }


def test_a_denial_says_what_where_how_to_mend_and_who_decided() -> None:
    labels = {STAGE_LABEL: "enforce"}
    found = decision(judged(finding()), stage=Stage.AUDIT, labels=labels)
    head, line, tail = found.message.split("\n")
    assert head == "Deployment inference/llm: 1 finding of enforced invariants"
    assert line == (
        "- KARB-TEST-001 res-mem: container server has no memory limit"
        " | at spec.template.spec.containers[0].resources"
        " | to mend: Set a memory limit on every container."
        " | see https://kubernetes.io/docs/"
        " | enforced by namespace label karb.dev/stage=enforce"
    )
    assert "karb-guard explain" in tail


def test_the_link_may_lead_to_the_catalogue() -> None:
    options = AdmissionOptions(docs_url="https://docs.example.org/{name}#{id}")
    found = decision(judged(finding()), options=options)
    assert "https://docs.example.org/res-mem#KARB-TEST-001" in found.message


def test_a_pod_made_by_a_controller_names_it() -> None:
    pod = ObjectRef("v1", "Pod", "llm-1-x", "inference")
    made = finding(object=pod, owner=DEPLOYMENT)
    found = decision(judged(made, object=pod), group="", kind="Pod")
    assert "It is made by Deployment inference/llm" in found.message


def test_what_nobody_could_decide_is_in_the_audit_log() -> None:
    unknown = Unknown("np-x", DEPLOYMENT, "needs networkpolicies")
    found = decision(judged(unknowns=(unknown,)))
    assert found.allowed
    assert found.audit_annotations["undecided"] == "np-x: needs networkpolicies"


def test_ignored_labels_are_in_the_audit_log_and_not_in_the_authors_face() -> None:
    found = decision(judged(), labels={STAGE_LABEL: "yes"})
    assert "karb.dev/stage=yes is no stage" in found.audit_annotations["ignored-labels"]
    assert found.warnings == ()


def test_a_clean_object_says_little() -> None:
    assert decision(judged()) == Decision(True, audit_annotations={"decision": "allowed"})


TEXT = st.text(max_size=400)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=60), st.sampled_from(Stage))
def test_whatever_is_found_the_answer_stays_within_its_bounds(
    texts: list[tuple[str, str]], stage: Stage
) -> None:
    findings = [
        finding(
            (RES_MEM, GPU_PIN)[n % 2],
            container=f"c{n}",
            message=message,
            path=("spec", key),
            remediation=message * 3,
        )
        for n, (message, key) in enumerate(texts)
    ]
    found = decision(judged(*findings), stage=stage)
    assert len(found.message) <= messages.MAX_MESSAGE_CHARACTERS
    assert found.allowed is (stage is not Stage.ENFORCE)
    total = sum(map(len, found.warnings))
    assert total <= messages.MAX_WARNINGS_TOTAL
    assert all(text.isprintable() for text in found.warnings)
    assert all(line.isprintable() for line in found.message.split("\n"))
    for text in found.audit_annotations.values():
        assert len(text) <= messages.MAX_ANNOTATION_CHARACTERS
        assert text.isprintable()


def test_long_warnings_are_cut_as_the_api_server_would() -> None:
    findings = [finding(container=f"c{n}", message=f"{n} " + "x" * 400) for n in range(40)]
    found = decision(judged(*findings), stage=Stage.WARN)
    assert max(map(len, found.warnings)) <= messages.MAX_WARNING_CHARACTERS
    assert found.warnings[-1].startswith("and ")


def test_findings_that_do_not_fit_are_counted() -> None:
    findings = [finding(container=f"c{n}", message="x" * 400) for n in range(100)]
    found = decision(judged(*findings))
    assert "100 findings" in found.message
    assert found.message.count("\n- KARB") < 100
    assert "more; karb-guard lint lists them all" in found.message
