"""The layer of each invariant, and the score: what they say, and that they can't mislead."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import LocatedFinding, Report
from karb_guard.reports.digest import digest
from karb_guard.reports.layers import BY_CATEGORY, BY_NAME, Layer, layer_of
from karb_guard.reports.score import Score, score
from tests.support.sample_audit import audit, catalogue, finding

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
INVARIANTS = {invariant.name: invariant for invariant in catalogue()}


def test_every_category_of_the_catalogue_has_a_layer() -> None:
    assert set(BY_CATEGORY) == {invariant.category for invariant in catalogue()}


def test_the_exceptions_are_invariants_and_exceptions() -> None:
    for name, layer in BY_NAME.items():
        assert BY_CATEGORY[INVARIANTS[name].category] is not layer, f"{name} needs no exception"


def test_every_layer_has_invariants() -> None:
    assert {layer_of(invariant) for invariant in catalogue()} == set(Layer)


def test_a_category_of_one_s_own_is_governance() -> None:
    own = replace(INVARIANTS["gpu-pin"], name="our-rule", category="ours")
    assert layer_of(own) is Layer.GOVERNANCE


@pytest.mark.parametrize(
    ("objects", "worst", "value"),
    [
        (0, [], None),
        (10, [], 100),
        (10, [ERROR], 90),
        (10, [WARNING], 95),
        (10, [INFO], 99),
        (4, [ERROR, WARNING], 62),
        (3, [ERROR] * 3, 0),
        (2, [INFO] * 3, 90),
    ],
)
def test_the_score_is_the_percentage_of_points_left(
    objects: int, worst: list[Severity], value: int | None
) -> None:
    assert score(objects, worst).value == value


def test_a_hundred_means_no_open_finding() -> None:
    assert Score(1_000_000, 1).value == 99


def test_mending_anything_never_lowers_any_score() -> None:
    sampled = audit(60, namespaces=6, workloads=5)
    dice = random.Random(1)  # noqa: S311 - the same order at every run
    found = [f for f in sampled.report.findings if f.is_open]
    dice.shuffle(found)
    before = digest(sampled.report, sampled)
    while found:
        found.pop()
        report = replace(sampled.report, findings=list(found))
        after = digest(report, replace(sampled, report=report))
        assert _value(after.score) >= _value(before.score)
        for layer in Layer:
            assert _value(after.layers[layer]) >= _value(before.layers[layer])
        old = {row.name: row.score for row in before.namespaces}
        assert all(_value(row.score) >= _value(old[row.name]) for row in after.namespaces)
        before = after
    assert before.score.value == 100


def _value(found: Score) -> int:
    return -1 if found.value is None else found.value


def report_of(*found: LocatedFinding, judged: set[ObjectRef]) -> Report:
    return replace(
        audit(0).report, findings=list(found), judged=frozenset(judged), unknowns=[], problems=[]
    )


def test_a_layer_counts_the_objects_that_its_invariants_ask_something_of() -> None:
    workload = ObjectRef("apps/v1", "Deployment", "chat", "a")
    custom = ObjectRef("example.com/v1", "ModelServer", "chat", "a")
    role = ObjectRef("rbac.authorization.k8s.io/v1", "Role", "reader", "a")
    config = ObjectRef("v1", "ConfigMap", "settings", "a")
    leak = finding(INVARIANTS["gpu-tol-leak"], workload)
    found = digest(report_of(leak, judged={workload, custom, role, config}))
    assert found.layers[Layer.SERVING] == Score(2, 10), "a Role has no part in serving"
    assert found.layers[Layer.GOVERNANCE] == Score(3, 0)
    assert found.score == Score(3, 10), "nothing asks anything of a ConfigMap"


def test_waived_findings_take_nothing() -> None:
    workload = ObjectRef("apps/v1", "Deployment", "chat", "a")
    leak = replace(finding(INVARIANTS["gpu-tol-leak"], workload), waived="known until=2030-01-01")
    found = digest(report_of(leak, judged={workload}))
    assert (found.score.value, len(found.waived), found.counts.total) == (100, 1, 0)


def test_actions_come_in_the_order_of_their_effect() -> None:
    owners = [ObjectRef("apps/v1", "Deployment", f"w{i}", "a") for i in range(5)]
    error, warning = INVARIANTS["gpu-tol-leak"], INVARIANTS["gpu-pin"]
    found = [finding(error, owners[0])] * 4
    found += [finding(warning, owner) for owner in owners[:3]]
    actions = digest(report_of(*found, judged=set(owners))).actions
    assert [(a.name, a.effect, a.findings, len(a.owners)) for a in actions] == [
        ("gpu-pin", 15, 3, 3),
        ("gpu-tol-leak", 10, 4, 1),
    ]


def test_gpu_hours_are_those_of_owners_with_open_findings() -> None:
    sampled = audit(80)
    found = digest(sampled.report, sampled)
    owners = {f.finding.owner for f in sampled.report.open_findings}
    assert found.gpus.total == sum(sampled.gpus.get(owner, 0) for owner in owners)
    assert found.gpus.hours == 24 * found.gpus.total
    assert found.all_gpus == sum(sampled.gpus.values())
    assert sum(row.gpus.total for row in found.namespaces) == found.gpus.total
