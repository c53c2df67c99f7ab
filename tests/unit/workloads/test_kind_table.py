"""Every row of the kind table against an object of that kind."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.model.finding import Coverage
from karb_guard.model.path import format_path, walk
from karb_guard.workloads import TABLE, Form, Kind, Template, Workload, resolve
from karb_guard.workloads.patterns import EACH, VALUES, compile_pattern, follow

KINDS = Path(__file__).parent / "kinds"
GPU = "nvidia.com/gpu"


def file_name(row: Kind) -> str:
    return f"{row.kind.lower()}.{row.group}.yaml" if row.group else f"{row.kind.lower()}.yaml"


def load(row: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    text = (KINDS / file_name(row)).read_text()
    lines = [line.removeprefix("#")[1:] for line in text.splitlines() if line.startswith("#")]
    header: dict[str, Any] = yaml.safe_load("\n".join(lines))["fixture"]
    obj: dict[str, Any] = yaml.safe_load(text)
    return header, obj


def described(template: Template) -> dict[str, Any]:
    return {
        "path": format_path(template.path),
        "metadata": format_path(template.metadata_path),
        "containers": {
            format_path(c.path): c.role + (" open" if c.open else "") for c in template.containers
        },
    }


def resolved(row: Kind) -> tuple[dict[str, Any], dict[str, Any], Workload]:
    header, obj = load(row)
    return header, obj, resolve(obj)


every_row = pytest.mark.parametrize("row", TABLE, ids=file_name)


def test_each_row_has_a_fixture_and_each_fixture_a_row() -> None:
    assert {path.name for path in KINDS.iterdir()} == {file_name(row) for row in TABLE}


def test_no_two_rows_describe_one_kind() -> None:
    assert len({(row.group, row.kind) for row in TABLE}) == len(TABLE)


@every_row
def test_fixture_is_of_its_row(row: Kind) -> None:
    _, obj = load(row)
    assert obj["apiVersion"] in [f"{row.group}/{v}".removeprefix("/") for v in row.versions]
    assert obj["kind"] == row.kind


@every_row
def test_kind_is_known_with_the_columns_of_its_row(row: Kind) -> None:
    _, _, workload = resolved(row)
    assert workload.coverage is Coverage.KNOWN
    assert workload.version_known
    assert not workload.misfits
    assert (workload.group, workload.kind) == (row.group, row.kind)
    assert (workload.role, workload.injects, workload.operator) == (
        row.role,
        row.injects,
        row.operator,
    )


@every_row
def test_templates_and_containers_stand_where_the_fixture_says(row: Kind) -> None:
    header, _, workload = resolved(row)
    expected = [{k: v for k, v in t.items() if k != "labels"} for t in header["templates"]]
    assert [described(template) for template in workload.templates] == expected


@every_row
def test_pods_carry_the_labels_that_the_fixture_says(row: Kind) -> None:
    header, obj, workload = resolved(row)
    for expected, template in zip(header["templates"], workload.templates, strict=True):
        if "labels" in expected:
            assert template.labels == expected["labels"]
        for key, value in template.labels.items():
            assert walk(obj, template.label_path(key)) == (value, len(template.label_path(key)))


@every_row
def test_every_container_path_leads_to_that_container(row: Kind) -> None:
    _, obj, workload = resolved(row)
    for template in workload.templates:
        for container in template.containers:
            value, depth = walk(obj, container.path)
            assert depth == len(container.path)
            if row.locations[0].form is Form.POD_SPEC:
                assert value is container.spec


@every_row
def test_every_field_of_a_container_leads_to_where_it_is_written(row: Kind) -> None:
    _, obj, workload = resolved(row)
    for template in workload.templates:
        for container in template.containers:
            given = {"name"} if "name" not in walk(obj, container.path)[0] else set()
            for field in container.spec.keys() - given:
                path = container.written((field,))
                assert walk(obj, path)[1] == len(path), path
                assert workload.written((*container.path, field)) == path


@every_row
def test_every_field_of_a_pod_spec_leads_to_where_it_is_written(row: Kind) -> None:
    _, obj, workload = resolved(row)
    made = {"restartPolicy", "securityContext"}
    for template in workload.templates:
        for field in template.spec.keys() - made:
            path = template.written((field,))
            assert walk(obj, path)[1] == len(path), path
            assert workload.written((*template.path, field)) == path


@every_row
def test_the_gpu_limit_is_seen_and_its_path_leads_to_the_written_amount(row: Kind) -> None:
    _, obj, workload = resolved(row)
    seen = 0
    for template in workload.templates:
        for container in template.containers:
            limits = container.spec.get("resources", {}).get("limits", {})
            if GPU in limits:
                relative = ("resources", "limits", GPU)
                path = workload.written(container.path + relative)
                assert path == container.written(relative)
                amount, depth = walk(obj, path)
                # KubeAI writes it into the name of a profile: `nvidia-gpu-l4:2`.
                written = amount.rpartition(":")[2] if row.kind == "Model" else amount
                assert (str(written), depth) == (str(limits[GPU]), len(path))
                seen += 1
    assert seen > 0


@every_row
def test_resolving_leaves_the_object_alone(row: Kind) -> None:
    _, obj = load(row)
    before = copy.deepcopy(obj)
    resolve(obj)
    assert obj == before


@every_row
def test_an_unnamed_version_is_read_like_the_named_ones_and_says_so(row: Kind) -> None:
    header, obj = load(row)
    group = f"{row.group}/" if row.group else ""
    workload = resolve({**obj, "apiVersion": f"{group}v9"})
    assert not workload.version_known
    assert workload.coverage is Coverage.KNOWN
    paths = [format_path(template.path) for template in workload.templates]
    assert paths == [template["path"] for template in header["templates"]]


@every_row
def test_every_location_is_reached_by_its_fixture(row: Kind) -> None:
    """A pattern with a typing error finds nothing, and no other test would notice."""
    _, obj = load(row)
    for location in row.locations:
        if not location.versions:  # test_dynamo.py has one object a version
            assert list(follow(obj, compile_pattern(location.pattern), [])), location.pattern


@every_row
def test_replica_patterns_use_the_wildcards_of_their_location(row: Kind) -> None:
    def wildcards(pattern: str) -> list[tuple[str, ...]]:
        steps = compile_pattern(pattern)
        return [steps[: i + 1] for i, step in enumerate(steps) if step in (EACH, VALUES)]

    for location in row.locations:
        for pattern in filter(None, (location.replicas, location.size)):
            own = wildcards(location.pattern)
            assert wildcards(pattern) == own[: len(wildcards(pattern))]


def test_every_form_has_a_row() -> None:
    assert {location.form for row in TABLE for location in row.locations} == set(Form)
