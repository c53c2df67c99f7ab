"""Field paths: printing, walking, and anchors that survive reordered lists."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from karb_guard.model.path import anchor_of, format_path, walk


def test_a_path_prints_as_people_write_it() -> None:
    path = ("spec", "containers", 0, "resources", "limits", "nvidia.com/gpu")
    assert format_path(path) == 'spec.containers[0].resources.limits["nvidia.com/gpu"]'
    assert format_path(()) == ""


def test_walking_stops_at_the_deepest_value_that_exists() -> None:
    obj = {"spec": {"containers": [{"name": "a"}]}}
    assert walk(obj, ("spec", "containers", 0, "name")) == ("a", 4)
    assert walk(obj, ("spec", "containers", 0, "resources", "limits")) == ({"name": "a"}, 3)
    assert walk(obj, ("spec", "containers", 7)) == ([{"name": "a"}], 2)
    assert walk(obj, ("spec", "containers", "name")) == ([{"name": "a"}], 2)


def test_anchors_name_list_elements_by_key_or_content() -> None:
    obj = {
        "containers": [{"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP"}]}],
        "tolerations": [{"operator": "Exists"}],
    }
    assert anchor_of(obj, ("containers", 0, "image")) == "/containers[name=a]/image"
    port = ("containers", 0, "ports", 0, "hostPort")
    assert anchor_of(obj, port).endswith("/ports[containerPort=80,protocol=TCP]/hostPort")
    assert anchor_of(obj, ("tolerations", 0)) == '/tolerations[{"operator":"Exists"}]'


ELEMENTS = st.lists(
    st.fixed_dictionaries({"key": st.text(max_size=4), "effect": st.sampled_from(["a", "b"])}),
    min_size=1,
    max_size=6,
)


@given(ELEMENTS, st.randoms(use_true_random=False))
def test_reordering_a_list_changes_no_anchor(elements, rng: random.Random) -> None:
    shuffled = list(elements)
    rng.shuffle(shuffled)

    def anchors(items: list[dict[str, str]]) -> list[str]:
        return sorted(
            anchor_of({"tolerations": items}, ("tolerations", i)) for i in range(len(items))
        )

    assert anchors(elements) == anchors(shuffled)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=3), c, max_size=3),
        max_leaves=10,
    ),
    st.lists(st.text(max_size=3) | st.integers(-2, 3), max_size=5),
)
def test_no_shape_of_object_makes_an_anchor_raise(value, path) -> None:
    anchor_of(value, tuple(path))
    walk(value, tuple(path))
    format_path(tuple(path))
