"""Kinds outside the table, objects of any shape, bounds and cost."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from karb_guard.model.finding import Coverage
from karb_guard.model.path import format_path, walk
from karb_guard.workloads import MAX_TEMPLATES, Workload, resolve
from karb_guard.workloads.discovery import MAX_DEPTH, MAX_VISITED

FIXTURES = [
    yaml.safe_load(p.read_text()) for p in sorted((Path(__file__).parent / "kinds").iterdir())
]


def thing(spec: Any, api_version: str = "example.org/v1", kind: str = "Thing") -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def paths(workload: Workload) -> list[str]:
    return [format_path(template.path) for template in workload.templates]


class TestUnknownKinds:
    def test_map_with_containers_is_found_and_said_to_be_found(self) -> None:
        pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
        workload = resolve(thing({"groups": [{"template": pod}]}))
        assert workload.coverage is Coverage.DISCOVERED
        assert paths(workload) == ["spec.groups[0].template.spec"]
        assert workload.templates[0].labels == {"a": "b"}
        assert workload.operator

    def test_finds_come_in_the_objects_order(self) -> None:
        spec: dict[str, Any] = {"containers": [{}]}
        workload = resolve(thing({"a": spec, "b": [spec, spec], "c": spec}))
        assert paths(workload) == ["spec.a", "spec.b[0]", "spec.b[1]", "spec.c"]

    def test_pod_spec_inside_another_map_with_containers_is_found(self) -> None:
        workload = resolve(thing({"containers": [{}], "worker": {"containers": [{}]}}))
        assert paths(workload) == ["spec", "spec.worker"]

    def test_kind_without_such_a_map_is_unknown(self) -> None:
        workload = resolve(thing({"containers": ["a", "b"], "size": 3}))
        assert workload.coverage is Coverage.UNKNOWN
        assert workload.templates == ()

    def test_status_is_not_intent(self) -> None:
        obj = {**thing({}), "status": {"pod": {"containers": [{}]}}}
        assert resolve(obj).coverage is Coverage.UNKNOWN

    def test_mistyped_built_in_kind_is_not_taken_for_a_kind_without_pods(self) -> None:
        spec: dict[str, Any] = {"template": {"spec": {"containers": [{}]}}}
        assert resolve(thing(spec, "apps/v1", "Deploymnt")).coverage is Coverage.DISCOVERED
        assert resolve(thing({}, "apps/v1", "Deploymnt")).coverage is Coverage.UNKNOWN

    def test_list_is_walked_not_passed_over(self) -> None:
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{}]}}
        workload = resolve({"apiVersion": "v1", "kind": "List", "items": [pod]})
        assert paths(workload) == ["items[0].spec"]

    def test_unknown_version_that_the_row_finds_nothing_in_is_walked(self) -> None:
        old = thing({"default": {"containers": [{}]}}, "serving.kserve.io/v1alpha2")
        old["kind"] = "InferenceService"
        workload = resolve(old)
        assert not workload.version_known
        assert workload.coverage is Coverage.DISCOVERED
        assert paths(workload) == ["spec.default"]

    def test_unknown_version_without_any_template_is_not_called_known(self) -> None:
        old = thing({"default": {"predictor": {}}}, "serving.kserve.io/v1alpha2")
        old["kind"] = "InferenceService"
        assert resolve(old).coverage is Coverage.UNKNOWN


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("kyverno.io/v1", "ClusterPolicy"),
        ("apps/v1", "ControllerRevision"),
    ],
)
def test_kinds_without_pods_are_known_and_not_walked(api_version: str, kind: str) -> None:
    obj = thing({"schema": {"containers": [{"name": "c"}]}}, api_version, kind)
    workload = resolve(obj)
    assert workload.coverage is Coverage.KNOWN
    assert workload.templates == ()


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, True])
@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_object_without_a_proper_kind_is_walked(field: str, value: Any) -> None:
    obj = {**thing({"containers": [{}]}), field: value}
    assert resolve(obj).coverage is Coverage.DISCOVERED


class TestMisfits:
    @pytest.mark.parametrize(
        ("spec", "where", "expected", "got"),
        [
            ("x", "spec", "object", "string"),
            ({"template": []}, "spec.template", "object", "array"),
            ({"template": {"spec": 5}}, "spec.template.spec", "object", "number"),
            (
                {"template": {"spec": {"containers": {}}}},
                "spec.template.spec.containers",
                "array",
                "object",
            ),
            (
                {"template": {"spec": {"containers": [None]}}},
                "spec.template.spec.containers[0]",
                "object",
                "null",
            ),
            (
                {"template": {"metadata": "x", "spec": {}}},
                "spec.template.metadata",
                "object",
                "string",
            ),
            (
                {"template": {"metadata": {"labels": True}, "spec": {}}},
                "spec.template.metadata.labels",
                "object",
                "boolean",
            ),
        ],
    )
    def test_wrong_type_is_named(self, spec: Any, where: str, expected: str, got: str) -> None:
        workload = resolve(thing(spec, "apps/v1", "Deployment"))
        assert [(format_path(m.path), m.expected, m.got) for m in workload.misfits] == [
            (where, expected, got)
        ]

    def test_null_is_missing(self) -> None:
        for spec in (None, {"template": None}, {"template": {"spec": None}}):
            workload = resolve(thing(spec, "apps/v1", "Deployment"))
            assert (workload.templates, workload.misfits) == ((), ())

    def test_good_elements_beside_a_misfit_are_read(self) -> None:
        tasks = [{"template": {"spec": {"containers": []}}}, "x", {"template": {"spec": {}}}]
        workload = resolve(thing({"tasks": tasks}, "batch.volcano.sh/v1alpha1", "Job"))
        assert paths(workload) == ["spec.tasks[0].template.spec", "spec.tasks[2].template.spec"]
        assert [format_path(m.path) for m in workload.misfits] == ["spec.tasks[1]"]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["containers", "spec", "template", "metadata", "name", "labels", "model"]
            )
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [p for key, item in items for p in [(*path, key), *spots(item, (*path, key))]]


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_objects_of_any_shape_are_resolved_and_left_alone(data: st.DataObject) -> None:
    obj = copy.deepcopy(data.draw(st.sampled_from(FIXTURES)))
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(spots(obj)))
        holder = walk(obj, tuple(parents))[0]
        if isinstance(holder, (dict, list)):
            holder[last] = data.draw(junk)
    before = copy.deepcopy(obj)
    workload = resolve(obj)
    assert repr(obj) == repr(before)
    for template in workload.templates:
        assert template.labels is not None
        assert template.annotations is not None
        for container in template.containers:
            assert isinstance(walk(obj, container.path)[0], dict)
            assert walk(obj, container.path)[1] == len(container.path)
            for field in container.spec:
                assert workload.written((*container.path, field))[0] in obj


class TestBounds:
    def test_more_templates_than_the_limit_are_cut_and_said_to_be(self) -> None:
        task: dict[str, Any] = {"template": {"spec": {"containers": []}}}
        at_limit = thing({"tasks": [task] * MAX_TEMPLATES}, "batch.volcano.sh/v1alpha1", "Job")
        assert not resolve(at_limit).truncated
        at_limit["spec"]["tasks"].append(task)
        workload = resolve(at_limit)
        assert workload.truncated
        assert len(workload.templates) == MAX_TEMPLATES

    def test_walk_stops_at_its_depth_and_says_so(self) -> None:
        value: Any = {"containers": [{}]}
        for _ in range(MAX_DEPTH - 1):
            value = {"x": value}
        assert len(resolve(thing(value)).templates) == 1
        deeper = resolve(thing({"x": value}))
        assert (deeper.templates, deeper.truncated) == ((), True)

    def test_very_deep_object_does_not_exhaust_the_stack(self) -> None:
        value: Any = {}
        for _ in range(50_000):
            value = [value]
        assert resolve(thing(value)).truncated

    def test_walk_stops_after_so_many_values(self) -> None:
        assert resolve(thing([{} for _ in range(MAX_VISITED)])).truncated


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_resolving_takes_microseconds(kind: str) -> None:
    """The budget is 10 microseconds; the test allows ten times that for a busy machine."""
    obj = next(f for f in FIXTURES if f["kind"] == kind)
    best = min(_time(obj) for _ in range(5))
    assert best < 100e-6


def _time(obj: dict[str, Any], rounds: int = 200) -> float:
    start = time.process_time()
    for _ in range(rounds):
        resolve(obj)
    return (time.process_time() - start) / rounds
