import time
from typing import Any

import orjson
import pytest

from karb_guard import workloads
from karb_guard.facts import limits


def pod(**spec: Any) -> dict[str, Any]:
    spec.setdefault("containers", [{"name": "a"}])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def reason(obj: dict[str, Any]) -> str | None:
    return limits.check(obj) or limits.check_workload(workloads.resolve(obj))


def nested(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = {"a": value}
    return value


def test_an_ordinary_pod_is_within_bounds() -> None:
    assert reason(pod()) is None


def test_depth_counts_maps_and_lists_and_names_the_field() -> None:
    assert limits.check({"spec": {"x": nested(limits.MAX_DEPTH - 2)}}) is None
    found = limits.check({"spec": {"x": nested(limits.MAX_DEPTH - 1)}})
    assert found == "spec.x is nested more than 100 levels deep"


def test_very_deep_objects_do_not_exhaust_the_stack() -> None:
    assert limits.check({"spec": nested(100_000)}) is not None


def test_values_are_bounded() -> None:
    assert limits.check({"spec": {"x": [0] * (limits.MAX_VALUES - 2)}}) is None
    found = limits.check({"spec": {"x": [0] * limits.MAX_VALUES}})
    assert found == "spec.x takes the object over 200,000 values"


def test_characters_of_keys_and_values_are_bounded() -> None:
    half = "k" * (limits.MAX_CHARACTERS // 2)
    assert limits.check({"data": {"x": half}}) is None
    found = limits.check({"data": {"x": {half: half}}})
    assert found == "data.x takes the object over 3,145,728 characters"


@pytest.mark.parametrize("levels", [1, 97, 98, 99, 100, 101, 253, 254, 300])
@pytest.mark.parametrize("inside", ["{}", "[]", "1", '"x"', '["x"]', '{"a": "b"}'])
@pytest.mark.parametrize(("opening", "closing"), [('{"a": ', "}"), ("[0, ", "]")])
def test_knowing_the_length_of_the_text_changes_no_verdict(
    levels: int, inside: str, opening: str, closing: str
) -> None:
    text = '{"spec": ' + opening * levels + inside + closing * levels + "}"
    obj = orjson.loads(text)
    assert limits.check(obj, len(text)) == limits.check(obj)


def test_text_that_looks_like_indentation_is_no_depth() -> None:
    assert limits.check({"spec": "\n" + " " * 500}, 520) is None


def test_a_long_text_is_walked() -> None:
    obj = {"spec": {"x": [0] * limits.MAX_VALUES}}
    assert limits.check(obj, len(orjson.dumps(obj))) == limits.check(obj) is not None


def test_an_alias_bomb_is_refused_at_once() -> None:
    value: Any = ["x"] * 10
    for _ in range(40):
        value = [value] * 10
    started = time.process_time()
    assert limits.check({"spec": {"bomb": value}}) is not None
    assert limits.check({"spec": {"strings": ["y" * 1_000_000] * 100_000}}) is not None
    assert time.process_time() - started < 2


def test_a_cyclic_object_is_refused() -> None:
    value: dict[str, Any] = {}
    value["again"] = value
    assert "levels deep" in str(limits.check({"spec": value}))


def test_half_a_surrogate_pair_is_refused_wherever_it_stands() -> None:
    for value in ("\ud800", {"\udfff": "x"}, ["\ud800"]):
        assert limits.check({"metadata": {"labels": value}}) is not None
    assert limits.check({"metadata": {"labels": {"a": "\U0001f600"}}}) is None


def test_keys_that_are_no_strings_and_huge_numbers_are_left_to_the_field_types() -> None:
    assert limits.check({"data": {1: "x", None: "y", 2.5: {True: 1}}, "n": 2**80}) is None


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"containers": [{"name": "a"}] * (limits.MAX_CONTAINERS + 1)}, "251 containers"),
        ({"volumes": [{}] * (limits.MAX_VOLUMES + 1)}, "spec.volumes has 1001"),
        ({"tolerations": [{}] * (limits.MAX_TOLERATIONS + 1)}, "spec.tolerations has 1001"),
        (
            {"containers": [{"name": "a"}, {"env": [{}] * (limits.MAX_ENV + 1)}]},
            "spec.containers[1].env has 2001",
        ),
        (
            {"containers": [{"name": "a"}, {"ports": [{}] * (limits.MAX_PORTS + 1)}]},
            "spec.containers[1].ports has 251 elements, more than 250",
        ),
    ],
)
def test_each_list_of_a_template_is_bounded(spec: dict[str, Any], field: str) -> None:
    assert field in str(reason(pod(**spec)))


def test_lists_at_their_bounds_pass() -> None:
    assert (
        reason(
            pod(
                containers=[
                    {"name": "a", "env": [{}] * limits.MAX_ENV, "ports": [{}] * limits.MAX_PORTS}
                ]
                + [{"name": "b"}] * (limits.MAX_CONTAINERS - 1),
                volumes=[{}] * limits.MAX_VOLUMES,
                tolerations=[{}] * limits.MAX_TOLERATIONS,
            )
        )
        is None
    )


def test_templates_are_bounded() -> None:
    job = {"template": {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}}
    for count, allowed in ((limits.MAX_TEMPLATES, True), (limits.MAX_TEMPLATES + 1, False)):
        obj = {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {"name": "j"},
            "spec": {"replicatedJobs": [job] * count},
        }
        assert (reason(obj) is None) == allowed
