"""A Namespace is judged by its own labels and name, whoever makes the name up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from karb_guard.inventory.context import labels_of
from tests.support.guard_rig import guard

BY_NAME = "stages: {namespaces: [{match: 'team-*', default: enforce}]}"
SELECT = ["pss-ns-label"]


def namespace(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


NAMED = namespace(name="team-a")
GENERATED = namespace(generateName="team-", name="team-x7k2p")
UNNAMED = namespace(generateName="team-")


@pytest.mark.parametrize(
    ("obj", "said"), [(NAMED, "team-a"), (NAMED, ""), (GENERATED, ""), (UNNAMED, "")]
)
def test_the_stage_of_its_name_counts(tmp_path: Path, obj: dict[str, Any], said: str) -> None:
    decision = guard(tmp_path, SELECT, BY_NAME)(obj, name=said, namespace=said)
    assert not decision.allowed
    assert "pss-ns-label" in decision.message


@pytest.mark.parametrize("prefix", ["other-", "team", "x-team-"])
def test_another_name_is_no_match(tmp_path: Path, prefix: str) -> None:
    obj = namespace(generateName=prefix)
    assert guard(tmp_path, SELECT, BY_NAME)(obj, name="", namespace="").allowed


@pytest.mark.parametrize("said", ["team-a", ""])
@pytest.mark.parametrize("names", [{"name": "team-a"}, {"generateName": "team-"}, {}])
def test_its_own_label_counts(tmp_path: Path, names: dict[str, str], said: str) -> None:
    obj = namespace(labels={"karb.dev/stage": "enforce"}, **names)
    decision = guard(tmp_path, SELECT, "{}")(obj, name=said, namespace=said)
    assert not decision.allowed


@pytest.mark.parametrize("metadata", [{}, {"name": 7}, {"generateName": ["x"]}])
def test_one_without_a_readable_name_is_no_crash(tmp_path: Path, metadata: dict[str, Any]) -> None:
    assert guard(tmp_path, SELECT, BY_NAME)(namespace(**metadata), name="", namespace="").allowed


@pytest.mark.parametrize("labels", [[], "x", {"karb.dev/stage": {"a": 1}}])
def test_labels_that_are_none_are_no_crash(tmp_path: Path, labels: Any) -> None:
    obj = namespace(name="other", labels=labels)
    guard(tmp_path, SELECT, BY_NAME)(obj, name="other", namespace="other")


def test_a_label_that_is_nested_without_end_is_not_printed() -> None:
    """A fuzzer found it: to print it takes a level of recursion for each of its own."""
    nested: Any = 1
    for _ in range(2000):
        nested = {"spec": nested}
    assert labels_of(namespace(labels={"a": nested, "b": "c"})) == {"b": "c"}


def test_the_namespace_of_other_objects_is_what_the_request_says(tmp_path: Path) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "team-a"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    decision = guard(tmp_path, ["rbac-wild"], BY_NAME)(role, namespace="")
    assert decision.allowed
    assert decision.warnings
