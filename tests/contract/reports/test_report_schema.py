"""The published schema of the JSON report, held against real reports both ways."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from karb_guard.lint import tally
from karb_guard.model.finding import Severity
from karb_guard.reports import Format, render
from karb_guard.reports.json_report import SCHEMA_VERSION
from tests.support.cli import POD, REPOSITORY, karb_guard
from tests.support.sample_report import clean, sample

SCHEMA: dict[str, Any] = json.loads(
    (REPOSITORY / "docs" / "reference" / "report.schema.json").read_text()
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report with everything in it: findings, waived ones, problems, left out, undecided."""
    here = tmp_path_factory.mktemp("real")
    waiver = 'annotations: {waive.karb.dev/img-tag: "x until=2999-12-31"}'
    files = {
        "pod.yaml": POD,
        "waived.yaml": POD.replace("shop}", f"shop, {waiver}}}"),
        "broken.yaml": "{{ x }}\n",
        "large.yaml": POD.replace("nginx:latest", "x" * (4 << 20)),
        "widget.yaml": "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n",
        "values.yaml": "a: 1\n",
        "empty.yaml": "",
        "drop.yaml": "",
    }
    for name, text in files.items():
        (here / name).write_text(text)
    arguments = ("--format", "json", "--exclude", "drop.yaml")
    done = karb_guard("lint", ".", "missing.yaml", *arguments, cwd=here)
    report: dict[str, Any] = json.loads(done.out)
    return report


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schemaVersion"]["const"] == SCHEMA_VERSION
    assert SCHEMA["$id"].endswith(f"-{SCHEMA_VERSION}.json")


@pytest.mark.parametrize("make", [sample, clean])
def test_the_samples_fit_the_schema(make: Any) -> None:
    VALIDATOR.validate(json.loads(render(make(), Format.JSON)))


def test_a_real_report_fits_the_schema(real: dict[str, Any]) -> None:
    VALIDATOR.validate(real)


def test_the_real_report_shows_every_part_of_the_schema(real: dict[str, Any]) -> None:
    for part in ("findings", "problems", "undecided", "leftOut"):
        assert real[part], f"{part} is empty: the schema's words for it are untested"
    assert {p["kind"] for p in real["problems"]} == {"unparsed", "not-evaluated"}
    assert {f["waived"] is None for f in real["findings"]} == {True, False}
    assert all(value for key, value in real["coverage"].items() if key != "discovered")


def _keys(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every key of every mapping."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k), *_keys(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value[:1]) for p in _keys(v, (*path, i))]
    return []


def test_the_schema_refuses_a_report_without_any_of_its_keys(real: dict[str, Any]) -> None:
    for path in _keys(real):
        if "unknownKinds" in path[:-1]:
            continue
        broken = copy.deepcopy(real)
        at: Any = broken
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
        assert not VALIDATOR.is_valid(broken), f"{path} may be missing"


def test_the_schema_refuses_keys_that_it_does_not_know(real: dict[str, Any]) -> None:
    for path in [(), ("findings", 0), ("problems", 0), ("coverage",), ("leftOut", 0)]:
        broken = copy.deepcopy(real)
        at: Any = broken
        for key in path:
            at = at[key]
        at["surprise"] = 1
        assert not VALIDATOR.is_valid(broken), path


def test_the_closed_words_are_those_of_the_code() -> None:
    finding = SCHEMA["$defs"]["finding"]["properties"]
    assert set(finding["severity"]["enum"]) == {severity.value for severity in Severity}
    kinds = set(SCHEMA["$defs"]["problem"]["properties"]["kind"]["enum"])
    assert kinds == {"unparsed", "not-evaluated", tally.NOTHING}


def test_the_schema_s_file_is_named_in_the_documentation() -> None:
    text = (Path(REPOSITORY) / "docs" / "lint.md").read_text()
    assert "reference/report.schema.json" in text
