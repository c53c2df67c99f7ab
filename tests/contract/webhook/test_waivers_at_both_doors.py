"""One Waiver, two doors: lint and the webhook waive the same findings of the same object."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from karb_guard.decisions import waiver_objects, waivers
from karb_guard.lint.waiver_documents import WaiverDocuments
from tests.support.webhook_rig import CATALOGUE, TODAY, LimitEvaluator, pod
from webhook.objects import WAIVERS, ClusterObjects

NAMES = {i.id: i.name for i in CATALOGUE.values()} | {name: name for name in CATALOGUE}
DAYS = [datetime.timedelta(days=n) for n in (-1, 0, 1, 90, 91)]
WORKLOADS: list[dict[str, Any]] = [
    {"kind": "Pod"},
    {"kind": "Pod", "name": "llm"},
    {"kind": "Pod", "name": "other"},
    {"kind": "Deployment"},
    {"selector": {"matchLabels": {"app": "llm"}}},
    {"selector": {"matchLabels": {"app": "x"}}},
    {},
]


@pytest.mark.parametrize("after", DAYS, ids=str)
@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
@pytest.mark.parametrize("container", [None, "a", "c"])
def test_both_doors_waive_alike(
    after: datetime.timedelta, workload: dict[str, Any], container: str | None
) -> None:
    obj = pod("a", "b", labels={"app": "llm"})
    spec = {
        "invariant": "res-mem",
        "workload": workload,
        "reason": "r",
        "owner": "o",
        "until": (TODAY + after).isoformat(),
        **({"container": container} if container else {}),
    }
    document = {
        "apiVersion": "karb.dev/v1alpha1",
        "kind": "Waiver",
        "metadata": {"name": "w", "namespace": "inference"},
        "spec": spec,
    }
    evaluation = LimitEvaluator().evaluate(obj, "inference", {})
    lifetimes = waiver_objects.Lifetimes(NAMES, TODAY, unwaivable=waivers.ABOUT_WAIVERS)
    at_lint = WaiverDocuments([document], lifetimes).reach(obj, evaluation)

    watched = ClusterObjects()
    watched.take(WAIVERS, {("inference", "w"): waiver_objects.project(document)})
    granted = watched.waivers("inference", NAMES, TODAY, lifetimes.max_days)
    assert granted is not None
    at_admission = waivers.Reach(granted, waiver_objects.subject_of(obj, evaluation))

    rules = waivers.WaiverRules(CATALOGUE, TODAY)
    first = waivers.apply(evaluation, (), rules, at_lint)
    second = waivers.apply(evaluation, (), rules, at_admission)
    assert first == second
    counts = 0 <= after.days <= 90 and workload in (WORKLOADS[0], WORKLOADS[1], WORKLOADS[4])
    wanted = {"a", "b"} & ({container} if container else {"a", "b"}) if counts else set()
    assert {w.finding.container for w in first.waived} == wanted
