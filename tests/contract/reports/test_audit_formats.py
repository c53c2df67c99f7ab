"""An audit in each format, and what the consumers of each demand of it."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

from karb_guard.model.finding import ObjectRef
from karb_guard.model.report import Report
from karb_guard.model.stage import Stage
from karb_guard.reports import Format, render, render_audit
from karb_guard.reports.audit_json import SCHEMA_VERSION
from karb_guard.reports.csv_report import COLUMNS, neutral
from karb_guard.reports.html.markup import tag
from karb_guard.reports.markdown import MAX_CHARACTERS, escaped
from karb_guard.reports.prices import PriceTable
from tests.support.cli import REPOSITORY, karb_guard
from tests.support.sample_audit import audit, catalogue, finding
from tests.support.sample_report import LEAK, PIN, sample
from tests.support.sarif_schema import SchemaUnavailableError, sarif_schema

REFERENCE = REPOSITORY / "docs" / "reference"
SCHEMA: dict[str, Any] = json.loads((REFERENCE / "audit.schema.json").read_text())
REPORT_SCHEMA: dict[str, Any] = json.loads((REFERENCE / "report.schema.json").read_text())
REGISTRY: Registry[Any] = Registry().with_resource(
    REPORT_SCHEMA["$id"], Resource.from_contents(REPORT_SCHEMA)
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, registry=REGISTRY)
PRICES = PriceTable({"NVIDIA-L4": Decimal("0.7")}, "EUR")
SMALL = audit(12, namespaces=3, workloads=3, invariants=(LEAK, PIN))
SUFFIX = {"json": "json", "sarif": "json", "junit": "xml", "csv": "csv", "markdown": "md"}


def staged() -> dict[str, Any]:
    """A real document with everything in it."""
    first, *others = SMALL.namespaces.items()
    summary = replace(first[1], stages={"gpu-pin": Stage.WARN})
    sampled = replace(SMALL, namespaces={first[0]: summary, **dict(others)})
    document: dict[str, Any] = json.loads(render_audit(sampled, Format.JSON, prices=PRICES))
    return document


@pytest.mark.parametrize("name", ["text", "csv", "markdown", "github"])
def test_an_audit_prints_as_its_golden_file_says(name: str, golden: Any) -> None:
    text = render_audit(SMALL, Format(name), prices=PRICES)
    # Golden files are read as text: what ends a line has a test of its own.
    golden(f"audit-{name}.{SUFFIX.get(name, 'txt')}", text.replace("\r\n", "\n"))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schemaVersion"]["const"] == SCHEMA_VERSION
    assert SCHEMA["$id"].endswith(f"-{SCHEMA_VERSION}.json")
    assert "reference/audit.schema.json" in (REPOSITORY / "docs" / "reports.md").read_text()


def test_the_json_fits_its_schema_and_is_the_same_without_prices() -> None:
    VALIDATOR.validate(staged())
    document = json.loads(render_audit(SMALL, Format.JSON))
    VALIDATOR.validate(document)
    assert document["gpus"]["withFindings"]["cost"] is None


def test_the_schema_refuses_a_document_without_any_of_its_keys() -> None:
    whole = staged()
    for path in _keys(whole):
        if "report" in path[:-1] or "stages" in path[:-1]:
            continue
        broken = copy.deepcopy(whole)
        at: Any = broken
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
        assert not VALIDATOR.is_valid(broken), f"{path} may be missing"


def test_the_schema_refuses_what_the_report_s_refuses() -> None:
    broken = staged()
    broken["report"]["findings"][0]["severity"] = "terrible"
    assert not VALIDATOR.is_valid(broken)


def _keys(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k), *_keys(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value[:1]) for p in _keys(v, (*path, i))]
    return []


def test_what_could_not_be_read_is_in_every_format() -> None:
    for form in Format:
        text = render_audit(SMALL, form)
        assert "refused to list them (403)" in text.replace("\\", ""), form


def test_the_sarif_of_an_audit_validates() -> None:
    try:
        schema = sarif_schema()
    except SchemaUnavailableError as reason:
        pytest.skip(str(reason))
    log = json.loads(render_audit(SMALL, Format.SARIF))
    jsonschema.Draft7Validator(schema).validate(log)
    assert log["runs"][0]["invocations"][0]["exitCode"] == 2


# CSV


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_a_row_for_everything() -> None:
    states = [row["state"] for row in rows(render_audit(SMALL, Format.CSV))]
    report = SMALL.report
    assert states.count("open") == len(report.open_findings)
    assert states.count("waived") == len(report.findings) - len(report.open_findings) > 0
    assert states.count("undecided") == len(report.unknowns)
    assert states.count("problem") == len(report.problems)
    assert states.count("missing") == len(SMALL.missing)


def test_csv_is_that_of_rfc_4180() -> None:
    text = render(sample(), Format.CSV)
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert text.endswith("\r\n")
    assert {len(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)} == {
        len(COLUMNS)
    }


@given(st.text())
def test_no_cell_is_a_formula_and_none_is_lost(cell: str) -> None:
    safe = neutral(cell)
    assert not safe.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert safe.removeprefix("'").endswith(
        cell.replace("\x00", "\ufffd").strip("\ufeff").lstrip("'")
    )


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\ufeff=1"])
def test_formulas_are_neutralised_wherever_they_come_from(cell: str) -> None:
    report = _saying(cell)
    assert all(
        row["message"] == f"'{cell.strip(chr(0xFEFF))}" for row in rows(render(report, Format.CSV))
    )


def _saying(message: str, count: int = 1) -> Report:
    owner = ObjectRef("apps/v1", "Deployment", "chat", "a")
    found = [finding(catalogue()[30], owner, message=message)] * count
    return replace(audit(0).report, findings=found, unknowns=[], problems=[])


# Markdown


def test_markdown_fits_in_a_comment_and_says_what_it_leaves_out() -> None:
    large = audit(5_000, namespaces=300)
    text = render_audit(large, Format.MARKDOWN)
    assert len(text) <= MAX_CHARACTERS
    shown = sum(
        line.startswith(("| 🔴", "| 🟡", "| 🔵")) and "<br>at " in line
        for line in text.splitlines()
    )
    assert shown > 50
    rest = len(large.report.open_findings) - shown
    assert f"{rest} findings more; `--format json` or `csv` has all." in text


def test_markdown_fits_whatever_the_names_are() -> None:
    for hostile in ("|`<script>@[](" * 500, "&" * 9_000, "\n" * 9_000 + "@"):
        text = render(_saying(hostile, count=2_000), Format.MARKDOWN)
        assert len(text) <= MAX_CHARACTERS


@given(st.text())
def test_markdown_text_can_not_leave_its_cell(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[|`<>\[\]@]", shown)
    assert "@" not in shown, "nobody is mentioned"


# HTML


@given(st.text(), st.text())
def test_no_text_becomes_markup(content: str, value: str) -> None:
    element = tag("p", content, title=value)
    match = re.fullmatch(r'<p title(="[^"<>]*")?>([^<>]*)</p>', element, re.DOTALL)
    assert match


def test_lint_prints_the_formats_for_people_and_tables(tmp_path: Any) -> None:
    for form, start in (
        ("csv", "state,"),
        ("markdown", "## karb-guard"),
        ("html", "<!DOCTYPE html>"),
    ):
        done = karb_guard("lint", str(REPOSITORY / "examples" / "paper"), "--format", form)
        assert done.out.startswith(start), form
