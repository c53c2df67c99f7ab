"""Which results of earlier scans a scan says nothing about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from karb_guard.model.audit import Audit, Missing, NamespaceSummary
from karb_guard.reports.unread import Unread
from tests.support.sample_audit import audit

ASKED = audit(0).report.invariants[0].name
APPS = ("apps", "Deployment")


def scan(*missing: Missing, namespaces: tuple[str, ...] = ("a", "b", "")) -> Audit:
    sampled = audit(0)
    report = replace(sampled.report, findings=[], problems=[], unknowns=[])
    summaries = {name: NamespaceSummary(name) for name in namespaces}
    return replace(sampled, missing=missing, namespaces=summaries, report=report)


def result(
    namespace: str = "a",
    api_version: str = "apps/v1",
    kind: str = "Deployment",
    policy: str = ASKED,
) -> dict[str, Any]:
    reference = {"apiVersion": api_version, "kind": kind, "name": "llm"}
    if namespace:
        reference["namespace"] = namespace
    return {"policy": policy, "resources": [reference]}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (result(), "deployments.apps"),
        (result("b"), None),
        (result(api_version="apps/v2"), "deployments.apps"),
        (result(api_version="other.io/v1"), None),
        (result(kind="StatefulSet"), None),
        (result(policy="switched-off"), None),
    ],
)
def test_a_kind_is_hidden_where_it_was_not_listed(found: dict[str, Any], why: str | None) -> None:
    unread = Unread(scan(Missing("deployments.apps", "no", (), APPS, "a")))
    assert not unread.loses_nothing
    assert unread.why(found) == why


def test_of_what_is_not_known_everything_is_hidden() -> None:
    assert Unread(scan(Missing("something", "no"))).why(result("b", kind="Pod")) == "something"


def test_a_whole_scan_loses_nothing() -> None:
    unread = Unread(scan())
    assert unread.loses_nothing
    assert unread.why(result()) is None


@pytest.mark.parametrize(
    ("found", "inside"),
    [
        (result("a"), True),
        (result("elsewhere"), False),
        (result("", "v1", "Namespace") | {"resources": [{"kind": "Namespace", "name": "a"}]}, True),
        (result("", "v1", "Namespace"), False),
        (result("", "rbac.authorization.k8s.io/v1", "ClusterRole"), False),
    ],
)
def test_a_scan_of_one_namespace_sees_it_and_what_is_in_it(
    found: dict[str, Any], inside: bool
) -> None:
    assert Unread(scan(namespaces=("a",))).in_scope(found) is inside
