"""Aggregated ClusterRoles: what they come to, and what can't be told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.rbac import Effective, RoleRef, index_of, parse_role
from karb_guard.rbac.index import MAX_AGGREGATED
from tests.support.rbac_objects import API

Json = dict[str, Any]


def role(name: str, verb: str | None = None, **labels: str) -> Json:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]}] if verb else []
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def aggregated(name: str, *selectors: Json, **labels: str) -> Json:
    return {**role(name, **labels), "aggregationRule": {"clusterRoleSelectors": list(selectors)}}


def label(**labels: str) -> Json:
    return {"matchLabels": labels}


def effective(name: str, *objects: Json) -> Effective:
    index = index_of(objects)
    found = index.role(RoleRef("ClusterRole", name), None)
    assert found is not None
    return index.effective(found)


def verbs(name: str, *objects: Json) -> list[str]:
    return [rule.verbs[0] for rule in effective(name, *objects).rules]


def test_selected_rules_are_gathered_by_name() -> None:
    top = aggregated("top", label(a="x"))
    assert verbs("top", top, role("b", "list", a="x"), role("a", "get", a="x")) == ["get", "list"]


def test_one_of_several_selectors_is_enough() -> None:
    top = aggregated("top", label(a="x"), label(b="y"))
    assert verbs("top", top, role("one", "get", a="x"), role("two", "list", b="y")) == [
        "get",
        "list",
    ]


def test_all_labels_of_one_selector_are_needed() -> None:
    top = aggregated("top", label(a="x", b="y"))
    assert verbs("top", top, role("one", "get", a="x")) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "a", "operator": "In", "values": ["x", "y"]}, ["x", "y"]),
        ({"key": "a", "operator": "NotIn", "values": ["x"]}, ["none", "y"]),
        ({"key": "a", "operator": "Exists"}, ["x", "y"]),
        ({"key": "a", "operator": "DoesNotExist"}, ["none"]),
    ],
)
def test_expressions(expression: Json, expected: list[str]) -> None:
    mine = {"key": "mine", "operator": "Exists"}
    top = aggregated("top", {"matchExpressions": [mine, expression]})
    others = [
        role("1", "x", mine="1", a="x"),
        role("2", "y", mine="1", a="y"),
        role("3", "none", mine="1"),
    ]
    assert sorted(verbs("top", top, *others)) == expected


def test_an_empty_selector_takes_everything_but_itself() -> None:
    found = effective("top", aggregated("top", {}), role("a", "get"))
    assert {"get", "*"} <= {verb for rule in found.rules for verb in rule.verbs}


def test_rules_come_through_nested_ones() -> None:
    middle = aggregated("middle", label(b="y"), a="x")
    assert verbs("top", aggregated("top", label(a="x")), middle, role("p", "get", b="y")) == ["get"]


def test_rules_written_into_an_aggregated_role_are_overwritten() -> None:
    top = {**aggregated("top", label(a="x")), "rules": role("w", "delete")["rules"]}
    assert verbs("top", top, role("p", "get", a="x")) == ["get"]


def test_a_circle_ends() -> None:
    first, second = aggregated("1", label(a="x"), b="y"), aggregated("2", label(b="y"), a="x")
    part = role("part", "get", a="x")
    assert verbs("1", first, second, part) == ["get"]
    assert verbs("2", first, second, part) == ["get"]


def test_equal_rules_are_kept_once_with_their_first_origin() -> None:
    top = aggregated("top", label(a="x"), label(b="y"))
    found = effective("top", top, role("one", "get", a="x"), role("two", "get", b="y"))
    assert [(b.role.name, b.selector) for b in found.brought] == [("one", 0)]


def test_a_selector_that_finds_nothing_leaves_it_open() -> None:
    found = effective("top", aggregated("top", label(a="x"), label(b="y")), role("p", "get", a="x"))
    assert len(found.rules) == 1
    assert found.unresolved is not None
    assert "clusterRoleSelectors[1] of top" in found.unresolved


def test_a_role_that_selects_only_itself_is_open() -> None:
    assert effective("top", aggregated("top", label(a="x"), a="x")).unresolved


def test_resolved_where_each_selector_finds_one() -> None:
    top = aggregated("top", label(a="x"))
    assert effective("top", top, role("p", "get", a="x")).unresolved is None


def test_a_role_of_ones_own_joins_the_default_ones() -> None:
    label_of_view = {f"{API}/aggregate-to-view": "true"}
    assert "spin" in verbs("edit", role("models", "spin", **label_of_view))


def test_the_number_of_roles_is_bounded() -> None:
    parts = [role(f"p{i}", "get", a="x") for i in range(MAX_AGGREGATED + 5)]
    found = effective("top", aggregated("top", label(a="x")), *parts)
    assert found.unresolved is not None
    assert "more than" in found.unresolved


def test_the_number_of_selectors_is_bounded() -> None:
    selectors = [
        {"matchExpressions": [{"key": f"k{i}", "operator": "DoesNotExist"}]}
        for i in range(MAX_AGGREGATED + 5)
    ]
    found = effective("top", aggregated("top", *selectors), role("p", "get"))
    assert found.unresolved is not None
    assert "more than" in found.unresolved


def test_the_last_of_one_name_counts() -> None:
    assert verbs("r", role("r", "get"), role("r", "list")) == ["list"]


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
_FIELDS = ("metadata", "rules", "aggregationRule", "subjects", "roleRef")


@given(
    st.sampled_from(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Pod"]),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)
def test_any_shape_of_object_is_read_or_passed_over(kind: str, fields: Json) -> None:
    index_of([{"apiVersion": f"{API}/v1", "kind": kind, **fields}])


@pytest.mark.parametrize(
    "field",
    [
        {"rules": "all"},
        {"rules": [{"verbs": "get"}]},
        {"rules": [{"verbs": [1]}]},
        {"aggregationRule": []},
        {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": 1}}]}},
        {
            "aggregationRule": {
                "clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "Is"}]}]
            }
        },
    ],
)
def test_what_the_api_server_refuses_grants_nothing(field: Json) -> None:
    assert parse_role({**role("r", "get"), **field}) is None
