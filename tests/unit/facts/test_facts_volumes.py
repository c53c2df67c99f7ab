from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard import facts, workloads
from karb_guard.facts.settings import FactSettings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def view(volumes: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "a"}], "volumes": volumes}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    return facts.build(obj, workloads.resolve(obj), FactSettings()).pods[0]


def test_scratch_volumes_have_their_place_and_size() -> None:
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
    ]
    assert view(volumes)["emptyDirs"] == [
        {
            "name": "shm",
            "path": ["spec", "volumes", 1, "emptyDir"],
            "medium": "Memory",
            "sizeLimit": 8 * 2**30 * 1000,
            "raw": "8Gi",
        }
    ]


@pytest.mark.parametrize(
    ("source", "size", "raw"),
    [
        ({}, None, None),
        ({"sizeLimit": None}, None, None),
        ({"sizeLimit": "0"}, None, "0"),
        ({"sizeLimit": 1024}, 1_024_000, "1024"),
        ({"sizeLimit": "much"}, None, None),
        ({"medium": ""}, None, None),
    ],
)
def test_what_bounds_nothing(source: dict[str, Any], size: int | None, raw: str | None) -> None:
    (found,) = view([{"name": "tmp", "emptyDir": source}])["emptyDirs"]
    assert (found["medium"], found["sizeLimit"], found["raw"]) == ("", size, raw)


def test_a_volume_without_a_source_is_scratch() -> None:
    assert [found["name"] for found in view([{"name": "tmp"}])["emptyDirs"]] == ["tmp"]


def test_pods_without_scratch_volumes_have_no_such_key() -> None:
    assert "emptyDirs" not in view([{"name": "a", "configMap": {"name": "a"}}])
    assert "emptyDirs" not in view(None)


@given(JSON)
def test_volumes_of_any_shape_are_survived(volumes: Any) -> None:
    view(volumes)
