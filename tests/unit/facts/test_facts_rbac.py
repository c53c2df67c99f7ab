"""The ``rbac`` of the input document: effective rules with the fields they come from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard import facts, workloads
from karb_guard.facts.rbac import MAX_RULES, rbac_facts
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

API = "rbac.authorization.k8s.io"
READS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
SETTINGS = FactSettings()

Json = dict[str, Any]


def obj(kind: str, name: str, namespace: str | None = None, **fields: Any) -> Json:
    metadata = {"name": name, **fields.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, **fields}


def binding(role: str = "reader", namespace: str | None = None, **fields: Any) -> Json:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    ref = {"apiGroup": API, "kind": "ClusterRole", "name": role}
    subject = {"kind": "ServiceAccount", "name": "llm", "namespace": "ai"}
    return obj(kind, "b", namespace, **{"roleRef": ref, "subjects": [subject], **fields})


def described(judged: Json, *others: Json) -> Json:
    found = rbac_facts(judged, SETTINGS, Inventory([judged, *others]).rbac)
    assert found is not None
    return found


def test_other_kinds_have_none() -> None:
    assert rbac_facts(obj("Pod", "p"), SETTINGS) is None
    assert rbac_facts({**obj("Role", "r"), "apiVersion": "example.com/v1"}, SETTINGS) is None


def test_own_rules_stand_where_they_are_written() -> None:
    found = described(obj("Role", "r", "ai", rules=[READS, {**READS, "resourceNames": ["x"]}]))
    assert found["rules"][0] == {
        **READS,
        "resourceNames": [],
        "nonResourceURLs": [],
        "path": ["rules", 0],
        "from": None,
    }
    assert found["rules"][1]["path"] == ["rules", 1]
    assert found["unresolved"] is None
    assert not found["clusterWide"]


def test_aggregated_rules_stand_at_their_selector() -> None:
    selectors = [{"matchLabels": {"a": "x"}}, {"matchLabels": {"b": "y"}}]
    top = obj(
        "ClusterRole", "top", aggregationRule={"clusterRoleSelectors": selectors}, rules=[READS]
    )
    first = obj("ClusterRole", "one", metadata={"labels": {"a": "x"}}, rules=[READS])
    second = {**READS, "verbs": ["list"]}
    other = obj("ClusterRole", "two", metadata={"labels": {"b": "y"}}, rules=[second])
    found = described(top, first, other)
    assert [(r["verbs"], r["path"][2], r["from"]) for r in found["rules"]] == [
        (["get"], 0, "ClusterRole one"),
        (["list"], 1, "ClusterRole two"),
    ]
    assert found["clusterWide"]


def test_written_rules_count_while_aggregated_ones_are_not_known() -> None:
    selectors = [{"matchLabels": {"a": "x"}}]
    top = obj(
        "ClusterRole", "top", aggregationRule={"clusterRoleSelectors": selectors}, rules=[READS]
    )
    found = described(top)
    assert [rule["path"] for rule in found["rules"]] == [["rules", 0]]
    assert "clusterRoleSelectors[0]" in found["unresolved"]


def test_a_selector_that_the_api_server_refuses_hides_no_rules() -> None:
    expression = {"key": "a", "operator": "Is"}
    rule = {"clusterRoleSelectors": [{"matchExpressions": [expression]}]}
    found = described(obj("ClusterRole", "top", aggregationRule=rule, rules=[READS]))
    assert [each["verbs"] for each in found["rules"]] == [["get"]]
    assert "aggregationRule" in found["unresolved"]


def test_a_binding_has_the_rules_of_its_role() -> None:
    role = obj("ClusterRole", "reader", rules=[READS])
    found = described(binding(namespace="ai"), role)
    assert found["rules"][0]["path"] == ["roleRef", "name"]
    assert found["rules"][0]["from"] == "ClusterRole reader"
    assert found["roleRef"]["builtin"] is False
    assert found["subjects"][0]["text"] == "ServiceAccount ai/llm"
    assert found["unresolved"] is None


def test_a_role_that_is_not_here_is_unresolved() -> None:
    assert described(binding())["unresolved"] == "ClusterRole reader is not known here"


def test_without_an_inventory_the_roles_of_every_cluster_are_known() -> None:
    found = rbac_facts(binding("cluster-admin"), SETTINGS)
    assert found is not None
    assert found["roleRef"]["builtin"]
    assert found["rules"][0]["verbs"] == ["*"]


def test_the_service_account_of_a_role_binding_has_its_namespace() -> None:
    subject = {"kind": "ServiceAccount", "name": "llm"}
    found = described(binding(namespace="ai", subjects=[subject]))
    assert found["subjects"][0]["text"] == "ServiceAccount ai/llm"


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Group", "system:authenticated", True),
        ("Group", "system:unauthenticated", True),
        ("Group", "system:serviceaccounts", True),
        ("Group", "system:serviceaccounts:ai", True),
        ("Group", "system:masters", False),
        ("Group", "dev", False),
        ("User", "system:anonymous", True),
        ("User", "system:authenticated", False),
        ("ServiceAccount", "system:authenticated", False),
    ],
)
def test_crowds(kind: str, name: str, expected: bool) -> None:
    found = described(binding(subjects=[{"kind": kind, "name": name}]))
    assert found["subjects"][0]["everybody"] is expected


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("system:controller:x", {"kubernetes.io/bootstrapping": "rbac-defaults"}, True),
        ("edit", {"kubernetes.io/bootstrapping": "rbac-defaults"}, True),
        ("model-operator", {"kubernetes.io/bootstrapping": "rbac-defaults"}, False),
        ("edit", {}, False),
        ("system:controller:x", {"kubernetes.io/bootstrapping": "x"}, False),
    ],
)
def test_what_kubernetes_made_has_its_name_and_its_label(
    name: str, labels: Json, expected: bool
) -> None:
    found = described(obj("ClusterRole", name, metadata={"labels": labels}, rules=[]))
    assert found["builtin"] is expected


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        ("2027-03-31", "2027-03-31"),
        ("2028-02-29", "2028-02-29"),
        ("2027-02-29", None),
        ("2027-3-31", None),
        ("20270331", None),
        ("2027-W13-3", None),
        ("2027-03-31 ", None),
        ("٢٠٢٧-٠٣-٣١", None),
        ("", None),
    ],
)
def test_review_dates(raw: str, date: str | None) -> None:
    metadata = {"annotations": {"karb.dev/review-by": raw}}
    review = described(obj("Role", "r", metadata=metadata, rules=[]))["reviewBy"]
    assert (review["raw"], review["date"]) == (raw, date)


def test_the_prefix_of_the_review_s_key_is_configurable() -> None:
    role = obj("Role", "r", metadata={"annotations": {"ml.example.com/review-by": "2027-03-31"}})
    found = rbac_facts(role, FactSettings(slo_prefix="ml.example.com/"))
    assert found is not None
    assert found["reviewBy"]["date"] == "2027-03-31"
    assert described(role)["reviewBy"]["raw"] is None


def test_the_number_of_rules_is_bounded_and_said() -> None:
    found = described(obj("ClusterRole", "r", rules=[READS] * (MAX_RULES + 1)))
    assert len(found["rules"]) == MAX_RULES
    assert "more than" in found["unresolved"]


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
_EXPRESSION = st.fixed_dictionaries(
    {"key": st.just("a"), "operator": st.sampled_from(["In", "Exists", "Is", ""])},
    optional={"values": st.lists(st.text(max_size=2), max_size=2)},
)
_SELECTING = st.builds(
    lambda expression: {"clusterRoleSelectors": [{"matchExpressions": [expression]}]}, _EXPRESSION
)
_FIELDS = ("metadata", "rules", "aggregationRule", "subjects", "roleRef")


@given(
    st.sampled_from(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]),
    st.dictionaries(st.sampled_from(_FIELDS), st.one_of(_JSON, _SELECTING)),
)
def test_what_the_sanitizer_leaves_is_always_described(kind: str, fields: Json) -> None:
    judged = {"apiVersion": f"{API}/v1", "kind": kind, **fields}
    clean = facts.build(judged, workloads.resolve(judged)).object_view
    assert rbac_facts(clean, SETTINGS, Inventory([judged]).rbac) is not None
