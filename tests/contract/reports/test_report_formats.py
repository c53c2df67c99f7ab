"""Each report format: golden output, and what its consumers demand of it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from karb_guard.reports import Format, render
from karb_guard.reports.sarif import fingerprint
from tests.support.sample_report import clean, sample
from tests.support.sarif_schema import SchemaUnavailableError, sarif_schema

SUFFIX = {
    Format.TEXT: "txt",
    Format.GITHUB: "txt",
    Format.JUNIT: "xml",
    Format.CSV: "csv",
    Format.MARKDOWN: "md",
}
GOLDEN = [form for form in Format if form is not Format.HTML]
"""A page is held by what a browser sees of it, not by its style sheet."""


def _text(report, form):
    """Golden files are read as text: CSV's ends of lines have a test of their own."""
    return render(report, form).replace("\r\n", "\n")


@pytest.mark.parametrize("form", GOLDEN, ids=lambda form: form.value)
def test_every_format_prints_the_sample_as_its_golden_file_says(form, golden):
    golden(f"report-{form.value}.{SUFFIX.get(form, 'json')}", _text(sample(), form))


@pytest.mark.parametrize("form", GOLDEN, ids=lambda form: form.value)
def test_every_format_prints_a_clean_report_as_its_golden_file_says(form, golden):
    golden(f"clean-{form.value}.{SUFFIX.get(form, 'json')}", _text(clean(), form))


@pytest.mark.parametrize("make", [sample, clean])
def test_sarif_validates_against_the_oasis_schema(make):
    try:
        schema = sarif_schema()
    except SchemaUnavailableError as reason:
        pytest.skip(str(reason))
    jsonschema.Draft7Validator(schema).validate(json.loads(render(make(), Format.SARIF)))


def test_the_sarif_schema_would_catch_a_broken_log():
    try:
        schema = sarif_schema()
    except SchemaUnavailableError as reason:
        pytest.skip(str(reason))
    log = json.loads(render(sample(), Format.SARIF))
    log["runs"][0]["results"][0]["level"] = "terrible"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(log)


def test_sarif_keeps_waived_findings_as_suppressions_with_their_reason():
    log = json.loads(render(sample(), Format.SARIF))
    suppressed = [r for r in log["runs"][0]["results"] if "suppressions" in r]
    assert [r["suppressions"][0]["justification"] for r in suppressed] == [
        "shared nodes until Q1, a=b"
    ]


def test_a_sarif_fingerprint_depends_on_the_identity_only():
    first, second, third = (found.finding for found in sample().findings)
    assert fingerprint(first) == fingerprint(second), "same identity, other message and index"
    assert fingerprint(first) != fingerprint(third)


def test_junit_totals_match_its_cases():
    root = ET.fromstring(render(sample(), Format.JUNIT))  # noqa: S314 - our own output
    cases = list(root.iter("testcase"))
    assert root.get("tests") == str(len(cases)) == "4"
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("2", "1", "1")


def test_junit_survives_characters_that_xml_can_not_hold():
    report = sample()
    found = report.findings[2]
    odd = found.finding._replace(message="bell \x07 and surrogate \ud800 here")
    object.__setattr__(found, "finding", odd)
    ET.fromstring(render(report, Format.JUNIT))  # noqa: S314 - our own output


def test_github_escapes_what_workflow_commands_would_read():
    lines = render(sample(), Format.GITHUB).splitlines()
    assert any("file=k8s/with space%2Cand%3Acolon.yaml" in line for line in lines)
    assert any("accelerator%0Asecond line" in line for line in lines)


def test_text_never_passes_a_terminal_sequence_on():
    report = sample()
    found = report.findings[0]
    hostile = found.region._replace(text="key: \x1b[31mred\x07")
    object.__setattr__(found, "region", hostile)
    assert "\x1b" not in render(report, Format.TEXT)


def test_text_puts_the_caret_under_the_field():
    lines = render(sample(), Format.TEXT).splitlines()
    source = next(i for i, line in enumerate(lines) if line.startswith("  24 | "))
    assert lines[source + 1].index("^") == lines[source].index("- {")
