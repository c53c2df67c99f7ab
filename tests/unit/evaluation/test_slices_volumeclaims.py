"""``volumeclaims``: access modes of the claims that pods mount."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.volumeclaims import provide
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory

SETTINGS = FactSettings()

Json = dict[str, Any]


def pod(*names: str, namespace: str | None = "ai") -> Json:
    volumes: list[Json] = [
        {"name": f"v{i}", "persistentVolumeClaim": {"claimName": name}}
        for i, name in enumerate(names)
    ]
    volumes.append({"name": "tmp", "emptyDir": {}})
    metadata = {"name": "p", "namespace": namespace} if namespace else {"name": "p"}
    spec = {"containers": [{"name": "a"}], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def claim(name: str, *modes: str, namespace: str | None = "ai") -> Json:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    spec = {"accessModes": list(modes)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def provided(obj: Json, *others: Json) -> Any:
    inventory = Inventory([obj, *others])
    return provide(About(prepare(obj, SETTINGS, inventory, ()), inventory, SETTINGS, False))


def test_the_modes_of_what_is_mounted() -> None:
    claims = [claim("a", "ReadWriteOnce"), claim("b", "ReadWriteMany", "ReadOnlyMany")]
    assert provided(pod("a", "b"), *claims, claim("c", "ReadWriteOnce")) == {
        "a": {"accessModes": ["ReadWriteOnce"]},
        "b": {"accessModes": ["ReadOnlyMany", "ReadWriteMany"]},
    }


def test_what_is_not_visible_is_absent() -> None:
    assert provided(pod("a"), claim("a", "ReadWriteOnce", namespace="other")) == {}
    assert provided(pod("a"), claim("a")) == {}


def test_without_claims_there_is_nothing_to_say() -> None:
    assert provided(pod()) is None
    assert provided(claim("a", "ReadWriteOnce")) is None


@pytest.mark.parametrize(
    ("other", "expected"), [("ReadWriteOnce", {"accessModes": ["ReadWriteOnce"]}), ("X", None)]
)
def test_two_claims_of_one_name(other: str, expected: Json | None) -> None:
    claims = [claim("a", "ReadWriteOnce", namespace=None), claim("a", other, namespace=None)]
    assert provided(pod("a", namespace=None), *claims).get("a") == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["accessModes", "name", "namespace"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_objects_of_any_shape_are_survived(metadata: Any, spec: Any, modes: Any) -> None:
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    named = {"name": "a", "namespace": "ai"}
    for bad in ({"metadata": metadata, "spec": spec}, {"metadata": named, "spec": spec}):
        provided(pod("a"), {**kind, **bad})
    provided(pod("a"), {**kind, "metadata": named, "spec": {"accessModes": modes}})
