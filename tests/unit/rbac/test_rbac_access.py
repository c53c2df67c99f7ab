"""What users may do: against a brute-force model, and the corners one by one."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from karb_guard.rbac import (
    Request,
    ResourceRequest,
    Rule,
    UrlRequest,
    User,
    allowed,
    allows,
    grants_for,
    index_of,
    service_account,
)
from tests.support import rbac_model
from tests.support.rbac_objects import API, rbac_objects, requests, users

Json = dict[str, Any]


@settings(max_examples=500, deadline=None)
@given(rbac_objects(), st.lists(st.tuples(users(), requests()), min_size=8, max_size=16))
def test_it_agrees_with_the_model(objects: list[Json], asked: list[tuple[User, Request]]) -> None:
    index = index_of(objects)
    for user, request in asked:
        ours = allowed(index, user, request)
        assert ours is rbac_model.allowed(objects, user, request), (user, request)
        event("allowed" if ours else "denied")


@given(rbac_objects(), users(), st.randoms(use_true_random=False))
def test_the_order_of_objects_does_not_matter(
    objects: list[Json], user: User, shuffle: random.Random
) -> None:
    other = list(objects)
    shuffle.shuffle(other)
    for namespace in ("", "karb-a"):
        held = {grant.rule for grant in grants_for(index_of(objects), user, namespace)}
        assert held == {grant.rule for grant in grants_for(index_of(other), user, namespace)}


def obj(kind: str, name: str, namespace: str | None = None, **fields: Any) -> Json:
    metadata: Json = {"name": name, "labels": fields.pop("labels", {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, **fields}


def binding(
    subject: Json, role: str = "reader", namespace: str | None = None, kind: str = "ClusterRole"
) -> Json:
    name = "RoleBinding" if namespace else "ClusterRoleBinding"
    ref = {"apiGroup": API, "kind": kind, "name": role}
    return obj(name, "b", namespace, roleRef=ref, subjects=[subject])


READS = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
READER = obj("ClusterRole", "reader", rules=READS)
JO = User("jo", frozenset({"dev", "system:authenticated"}))
GET = ResourceRequest("get", "pods", name="llm", namespace="ai")


def may(objects: list[Json], user: User = JO, request: Request = GET) -> bool:
    return allowed(index_of(objects), user, request)


class TestBindings:
    def test_a_role_alone_gives_nothing(self) -> None:
        assert not may([READER])

    def test_a_cluster_role_binding_holds_in_every_namespace(self) -> None:
        objects = [READER, binding({"kind": "User", "name": "jo"})]
        assert may(objects)
        assert may(objects, request=ResourceRequest("get", "pods"))

    def test_a_role_binding_of_a_cluster_role_holds_in_its_namespace_alone(self) -> None:
        objects = [READER, binding({"kind": "User", "name": "jo"}, namespace="ai")]
        assert may(objects)
        assert not may(objects, request=ResourceRequest("get", "pods", namespace="web"))
        assert not may(objects, request=ResourceRequest("get", "pods"))

    def test_a_role_of_another_namespace_is_another_role(self) -> None:
        role = obj("Role", "reader", "web", rules=READS)
        subject = {"kind": "User", "name": "jo"}
        assert not may([role, binding(subject, namespace="ai", kind="Role")])

    def test_a_group_gives_it_to_its_members(self) -> None:
        assert may([READER, binding({"kind": "Group", "name": "dev"})])
        assert may([READER, binding({"kind": "Group", "name": "system:authenticated"})])
        assert not may([READER, binding({"kind": "Group", "name": "ops"})])
        assert not may([READER, binding({"kind": "User", "name": "dev"})])

    def test_all_service_accounts_of_a_namespace(self) -> None:
        crowd = {"kind": "Group", "name": "system:serviceaccounts:ai"}
        objects = [READER, binding(crowd)]
        assert may(objects, service_account("ai", "llm"))
        assert not may(objects, service_account("web", "llm"))

    def test_a_service_account_without_a_namespace_is_the_bindings(self) -> None:
        subject = {"kind": "ServiceAccount", "name": "llm"}
        assert may([READER, binding(subject, namespace="ai")], service_account("ai", "llm"))
        assert not may([READER, binding(subject)], service_account("ai", "llm"))

    def test_the_service_account_of_another_namespace(self) -> None:
        subject = {"kind": "ServiceAccount", "name": "llm", "namespace": "web"}
        objects = [READER, binding(subject, namespace="ai")]
        assert may(objects, service_account("web", "llm"))
        assert not may(objects, service_account("ai", "llm"))

    def test_a_user_may_be_named_as_a_service_account_is(self) -> None:
        objects = [READER, binding({"kind": "User", "name": "system:serviceaccount:ai:llm"})]
        assert may(objects, service_account("ai", "llm"))

    def test_system_masters_may_do_everything(self) -> None:
        assert may([], User("root", frozenset({"system:masters"})))

    def test_a_binding_to_no_role_gives_nothing(self) -> None:
        assert not may([binding({"kind": "User", "name": "jo"}, role="absent")])

    def test_every_cluster_has_cluster_admin(self) -> None:
        objects = [binding({"kind": "User", "name": "jo"}, role="cluster-admin")]
        assert may(objects, request=UrlRequest("get", "/metrics"))

    def test_edit_reads_secrets_and_view_does_not(self) -> None:
        secrets = ResourceRequest("list", "secrets", namespace="ai")
        subject = {"kind": "User", "name": "jo"}
        assert may([binding(subject, role="edit", namespace="ai")], request=secrets)
        assert may([binding(subject, role="admin", namespace="ai")], request=secrets)
        assert not may([binding(subject, role="view", namespace="ai")], request=secrets)


def rule(**fields: tuple[str, ...]) -> Rule:
    full = {"verbs": ("get",), "api_groups": ("",), "resources": ("pods",), **fields}
    return Rule(**full)


class TestMatching:
    @pytest.mark.parametrize(
        ("written", "resource", "subresource", "expected"),
        [
            ("pods", "pods", "", True),
            ("pods", "pods", "exec", False),
            ("pods/exec", "pods", "exec", True),
            ("pods/exec", "pods", "", False),
            ("*/exec", "pods", "exec", True),
            ("*/exec", "pods", "attach", False),
            ("*/exec", "exec", "", False),
            ("pods/*", "pods", "exec", False),
            ("*", "pods", "exec", True),
            ("*", "pods", "", True),
            ("userextras/scopes", "userextras", "scopes", True),
        ],
    )
    def test_resources(self, written: str, resource: str, subresource: str, expected: bool) -> None:
        request = ResourceRequest("get", resource, subresource=subresource)
        assert allows(rule(resources=(written,)), request) is expected

    def test_names_bind_a_rule_to_requests_that_name_them(self) -> None:
        named = rule(resource_names=("llm",), verbs=("get", "list"))
        assert allows(named, ResourceRequest("get", "pods", name="llm"))
        assert not allows(named, ResourceRequest("get", "pods", name="web"))
        assert not allows(named, ResourceRequest("list", "pods"))

    def test_a_star_is_no_name(self) -> None:
        named = rule(resource_names=("*",))
        assert not allows(named, ResourceRequest("get", "pods", name="llm"))

    def test_the_core_group_is_empty(self) -> None:
        assert not allows(rule(api_groups=("apps",)), ResourceRequest("get", "pods"))
        assert allows(rule(api_groups=("*",)), ResourceRequest("get", "pods", "apps"))
        assert not allows(rule(api_groups=()), ResourceRequest("get", "pods"))

    @pytest.mark.parametrize(
        ("written", "path", "expected"),
        [
            ("*", "/metrics", True),
            ("/metrics", "/metrics", True),
            ("/metrics", "/metrics/a", False),
            ("/metrics*", "/metricsfoo", True),
            ("/metrics/*", "/metrics", False),
            ("/metrics/**", "/metrics/a/b", True),
            ("/*/a", "/x/a", False),
        ],
    )
    def test_urls(self, written: str, path: str, expected: bool) -> None:
        one = Rule(verbs=("get",), non_resource_urls=(written,))
        assert allows(one, UrlRequest("get", path)) is expected

    def test_urls_are_no_resources(self) -> None:
        everything = Rule(verbs=("*",), api_groups=("*",), resources=("*",))
        assert not allows(everything, UrlRequest("get", "/metrics"))
        assert not allows(Rule(("*",), non_resource_urls=("*",)), GET)


def crowd(count: int) -> list[Json]:
    """``count`` ClusterRoles of one part each, roles over them, and a binding each."""
    made: list[Json] = []
    for i in range(count):
        selector = {"matchLabels": {"part": str(i)}}
        made += [
            obj("ClusterRole", f"part-{i}", rules=READS, labels={"part": str(i), "all": "x"}),
            obj("ClusterRole", f"r{i}", aggregationRule={"clusterRoleSelectors": [selector]}),
            {
                **binding({"kind": "User", "name": f"u{i}"}, role=f"r{i}"),
                "metadata": {"name": f"b{i}"},
            },
        ]
    return made


def _seconds(count: int) -> float:
    objects = crowd(count)
    best = 9.0
    for _ in range(3):
        started = time.process_time()
        index = index_of(objects)
        assert all(allowed(index, User(f"u{i}"), GET) for i in range(count))
        best = min(best, time.process_time() - started)
    return best


def test_time_grows_with_the_number_of_objects_not_its_square() -> None:
    small, large = _seconds(300), _seconds(3_000)
    assert large < small * 30, f"{small:.3f} s for 900 objects, {large:.3f} s for 9,000"
