import copy
import datetime
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karb_guard import facts, workloads
from karb_guard.facts import limits
from karb_guard.facts.schema import sanitize
from karb_guard.facts.types import CUT, STRING_MAP, Malformed, check

CONTAINER = {
    "name": "server",
    "image": "r.io/a:1",
    "env": [{"name": "A", "value": "b"}],
    "ports": [{"containerPort": 80}],
    "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": 1}, "requests": {"memory": "1Gi"}},
    "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}},
    "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "llm", "labels": {"app": "llm"}},
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {
                "labels": {"app": "llm"},
                "annotations": {"karb.dev/slo-cold-start": "2m"},
            },
            "spec": {
                "containers": [CONTAINER],
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {
                                    "matchExpressions": [
                                        {"key": "a", "operator": "In", "values": ["b"]}
                                    ]
                                }
                            ]
                        }
                    }
                },
            },
        },
    },
}
SPEC = ("spec", "template", "spec")


def with_value(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    obj = copy.deepcopy(DEPLOYMENT)
    place: Any = obj
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return obj


def malformed(obj: dict[str, Any]) -> list[Malformed]:
    return list(sanitize(obj, workloads.resolve(obj)).malformed)


def test_a_well_formed_object_is_shared_and_not_copied() -> None:
    clean = sanitize(DEPLOYMENT, workloads.resolve(DEPLOYMENT))
    assert clean.malformed == ()
    assert clean.templates[0].spec is DEPLOYMENT["spec"]["template"]["spec"]  # type: ignore[index]
    assert clean.templates[0].containers[0] is CONTAINER


@pytest.mark.parametrize(
    ("path", "value", "expected", "got"),
    [
        (("containers", 0, "securityContext", "privileged"), "true", "a boolean", "a string"),
        (("containers", 0, "image"), 5, "a string", "a number"),
        (("containers", 0, "env", 0, "value"), 8080, "a string", "a number"),
        (("containers", 0, "env", 0), None, "an object", "null"),
        (("containers", 0, "ports", 0, "containerPort"), 2**31, "a 32-bit integer", "2147483648"),
        (("containers", 0, "ports", 0, "containerPort"), 80.5, "a 32-bit integer", "80.5"),
        (("containers", 0, "ports", 0, "containerPort"), True, "a 32-bit integer", "a boolean"),
        (
            ("containers", 0, "resources", "limits", "cpu"),
            "4 cores",
            "a quantity such as 500m or 16Gi",
            "'4 cores'",
        ),
        (
            ("containers", 0, "resources", "limits", "nvidia.com/gpu"),
            True,
            "a quantity such as 500m or 16Gi",
            "a boolean",
        ),
        (("containers", 0, "resources"), [], "an object", "an array"),
        (
            ("containers", 0, "readinessProbe", "httpGet", "port"),
            [],
            "a 32-bit integer or a string",
            "an array",
        ),
        (("tolerations",), {}, "an array", "an object"),
        (("tolerations", 0), "all", "an object", "a string"),
        (
            ("volumes", 0, "emptyDir", "sizeLimit"),
            "1GB",
            "a quantity such as 500m or 16Gi",
            "'1GB'",
        ),
        (("hostNetwork",), "yes", "a boolean", "a string"),
        (("nodeSelector",), {"gpu": True}, None, None),
        (("containers",), {}, "an array", "an object"),
        (("containers", 0), None, "an object", "null"),
        (("containers", 0, "unknownField"), float("nan"), "a JSON value", "nan"),
        (("unknownField",), datetime.date(2026, 1, 1), "a JSON value", "a YAML date"),
    ],
)
def test_a_wrong_type_is_named_with_its_path_and_cut_out(
    path: tuple[str | int, ...], value: Any, expected: str | None, got: str | None
) -> None:
    obj = with_value(SPEC + path, value)
    before = copy.deepcopy(obj)
    built = facts.build(obj, workloads.resolve(obj))
    where = SPEC + path + (("gpu",) if expected is None else ())
    assert list(built.malformed) == [Malformed(where, expected or "a string", got or "a boolean")]
    assert repr(obj) == repr(before)
    json.dumps([built.object_view, built.pods], allow_nan=False)


def test_what_is_cut_looks_unset_to_policies() -> None:
    obj = with_value((*SPEC, "containers", 0, "securityContext", "privileged"), "true")
    container = facts.build(obj, workloads.resolve(obj)).pods[0]["containers"][0]
    assert container["spec"]["securityContext"] == {"capabilities": {"drop": ["ALL"]}}


def test_a_bad_element_keeps_the_places_of_the_others() -> None:
    obj = with_value((*SPEC, "tolerations"), [None, {"operator": "Exists"}])
    found = facts.build(obj, workloads.resolve(obj)).pods[0]["tolerations"]
    assert [(each["index"], each["wild"]) for each in found] == [(0, False), (1, True)]
    obj = with_value((*SPEC, "containers"), ["x", CONTAINER])
    container = facts.build(obj, workloads.resolve(obj)).pods[0]["containers"]
    assert [each["path"][-1] for each in container] == [1]


@pytest.mark.parametrize(
    "path",
    [
        ("containers", 0, "securityContext"),
        ("tolerations",),
        ("containers", 0, "image"),
        ("affinity",),
    ],
)
def test_null_is_unset(path: tuple[str | int, ...]) -> None:
    obj = with_value(SPEC + path, None)
    built = facts.build(obj, workloads.resolve(obj))
    assert built.malformed == ()
    assert "null" not in json.dumps(built.pods[0]["containers"][0]["spec"])


def test_null_in_maps_is_the_zero_value_as_the_api_server_reads_it() -> None:
    assert check(STRING_MAP, {"a": None}, ()) == ({"a": ""}, [])
    obj = with_value((*SPEC, "containers", 0, "resources", "limits", "cpu"), None)
    built = facts.build(obj, workloads.resolve(obj))
    assert built.malformed == ()
    assert built.pods[0]["containers"][0]["limits"]["cpu"] == 0


def test_a_float_without_fraction_is_an_integer() -> None:
    obj = with_value(("spec", "replicas"), 2.0)
    built = facts.build(obj, workloads.resolve(obj))
    assert built.malformed == ()
    assert type(built.object_view["spec"]["replicas"]) is int


def test_label_values_and_keys_must_be_strings() -> None:
    obj = with_value(("spec", "template", "metadata", "labels"), {"ok": "v", "n": 1, 2: "x"})
    built = facts.build(obj, workloads.resolve(obj))
    labels = ("spec", "template", "metadata", "labels")
    assert set(built.malformed) == {
        Malformed((*labels, "n"), "a string", "a number"),
        Malformed((*labels, "2"), "a string as key", "a number"),
    }
    assert built.pods[0]["labels"] == {"ok": "v"}


def test_a_problem_of_shared_metadata_is_told_once() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"n": 1}},
        "spec": {"containers": [CONTAINER]},
    }
    assert malformed(pod) == [Malformed(("metadata", "labels", "n"), "a string", "a number")]


def test_the_object_view_has_no_template_no_status_and_no_bookkeeping() -> None:
    obj = copy.deepcopy(DEPLOYMENT)
    obj["status"] = {"replicas": 2}
    obj["metadata"] = {
        "name": "llm",
        "managedFields": [{}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"},
    }
    view = facts.build(obj, workloads.resolve(obj)).object_view
    assert view["metadata"] == {"name": "llm", "annotations": {"a": "b"}}
    assert "status" not in view
    assert "template" not in view["spec"]
    assert view["spec"]["replicas"] == 2


def test_a_map_that_holds_more_than_a_pod_spec_keeps_the_rest() -> None:
    obj = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "m"},
        "spec": {
            "predictor": {
                "minReplicas": 0,
                "tolerations": [],
                "model": {"modelFormat": {"name": "x"}},
            }
        },
    }
    before = copy.deepcopy(obj)
    view = facts.build(obj, workloads.resolve(obj)).object_view
    assert view["spec"]["predictor"]["minReplicas"] == 0
    assert "tolerations" not in view["spec"]["predictor"]
    assert obj == before


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.just(datetime.date(2026, 1, 1))
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=6,
)


def all_paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found += [p for key, item in items for p in all_paths(item, (*path, key))]
    return found


PATHS = [path for path in all_paths(DEPLOYMENT) if path[0] not in ("apiVersion", "kind")]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), junk), min_size=1, max_size=3))
def test_any_junk_gives_a_document_that_json_carries(changes: list[tuple[Any, Any]]) -> None:
    obj: Any = copy.deepcopy(DEPLOYMENT)
    for path, value in changes:
        place = obj
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    before = repr(obj)
    if limits.check(obj) is not None:  # lone surrogates
        return
    built = facts.build(obj, workloads.resolve(obj))
    assert repr(obj) == before
    orjson.dumps([built.object_view, built.workload, built.pods])
    json.dumps([built.object_view, built.workload, built.pods], allow_nan=False)
    for entry in built.malformed:
        assert entry.expected
        assert entry.got


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PATHS), junk)
def test_a_clean_object_is_clean(path: tuple[str | int, ...], value: Any) -> None:
    obj = with_value(path, value)
    clean = sanitize(obj, workloads.resolve(obj))
    for template in clean.templates:
        again = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"labels": template.labels, "annotations": template.annotations},
            "spec": {**template.spec, "containers": list(template.containers)},
        }
        assert malformed(again) == []


def test_a_value_that_is_no_map_at_all_is_cut_whole() -> None:
    assert check(STRING_MAP, [], ("a",)) == (CUT, [Malformed(("a",), "an object", "an array")])
