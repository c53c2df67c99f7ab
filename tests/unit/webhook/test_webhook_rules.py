"""Which requests are sent here, and through which webhook."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.decisions.admission import DENIABLE_KINDS
from karb_guard.workloads import TABLE
from karb_guard.workloads.plural import plural
from tests.support.judging import catalogue
from webhook import rules
from webhook.rules import CUSTOM, DOORS, NEVER, PODS, POLICIES, WORKLOADS, RegistrationOptions


def sent(wanted: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str, str]]:
    """(webhook, group, resource) of every rule."""
    return [
        (door, group, resource)
        for door, found in wanted.items()
        for rule in found
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]


def test_every_kind_that_an_invariant_matches_is_sent_here_but_those_a_cluster_lives_by() -> None:
    resources = {(group, resource) for _, group, resource in sent(rules.rules(matched()))}
    for kind in matched() - NEVER - {"pods"}:
        group, _, name = kind.rpartition("/")
        assert (group, plural(name)) in resources, kind
    for row in TABLE:
        assert (row.group, plural(row.kind)) in resources


def matched() -> set[str]:
    return {kind for invariant in catalogue() for kind in invariant.match}


def test_nothing_a_cluster_lives_by_is_ever_sent_here() -> None:
    asked = {*matched(), *NEVER, "coordination.k8s.io/Lease", "/Node", "/Event"}
    resources = {resource for _, _, resource in sent(rules.rules(asked))}
    assert not resources & {"nodes", "nodes/status", "leases", "events", "pods/status", "*"}


def test_no_object_is_sent_twice() -> None:
    pairs = [(group, resource) for _, group, resource in sent(rules.rules(matched()))]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    ("kind", "door"),
    [
        ("/Pod", PODS),
        ("apps/Deployment", WORKLOADS),
        ("ray.io/RayCluster", CUSTOM),
        ("karpenter.sh/NodePool", CUSTOM),
        ("rbac.authorization.k8s.io/ClusterRole", POLICIES),
        ("networking.k8s.io/NetworkPolicy", POLICIES),
        ("/Service", POLICIES),
        ("serving.knative.dev/Service", CUSTOM),
    ],
)
def test_a_kind_has_its_webhook(kind: str, door: str) -> None:
    group, _, name = kind.rpartition("/")
    doors = [d for d, g, r in sent(rules.rules(matched())) if (g, r) == (group, plural(name))]
    assert doors == [door]


def test_only_pods_and_workloads_may_fail_unless_someone_says_so() -> None:
    def policies(**changes: Any) -> dict[str, str]:
        options = RegistrationOptions("https://a.example/validate", **changes)
        return {door: options.failure_policy_of(door) for door in DOORS}

    assert set(policies().values()) == {"Ignore"}
    failing = policies(failure_policy="Fail")
    assert [door for door, policy in failing.items() if policy == "Fail"] == [PODS, WORKLOADS]
    assert policies(failure_policies={POLICIES: "Fail"})[POLICIES] == "Fail"


def test_kinds_of_ones_own_invariants_widen_the_registration() -> None:
    options = RegistrationOptions("https://a.example/validate", kinds=frozenset(matched()))
    template = rules.configuration(options, b"")
    assert rules.widened(template, matched()) == template
    own = {"networking.k8s.io/Ingress", "team.example/Widget", "/Node"}
    found = rules.widened(template, matched() | own)
    before = sent({w["name"]: w["rules"] for w in template["webhooks"]})
    after = sent({w["name"]: w["rules"] for w in found["webhooks"]})
    assert sorted(set(after) - set(before)) == [
        (CUSTOM, "team.example", "widgets"),
        (POLICIES, "networking.k8s.io", "ingresses"),
    ]
    assert rules.widened(found, matched() | own) == found


def test_every_kind_of_kubernetes_itself_that_comes_here_can_be_denied() -> None:
    kinds = (matched() | {f"{row.group}/{row.kind}" for row in TABLE}) - NEVER - {"pods"}
    of_its_own = {kind for kind in kinds if kind.rpartition("/")[0] in rules.BUILT_IN_GROUPS}
    assert of_its_own == DENIABLE_KINDS
