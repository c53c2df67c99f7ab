"""What users get for ``examples/``, in every format: golden files that one flag regenerates."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema
import pytest

from karb_guard.reports import Format
from tests.support.cli import REPOSITORY, karb_guard
from tests.support.sarif_schema import SchemaUnavailableError, sarif_schema

SUFFIX = {
    Format.TEXT: "txt",
    Format.GITHUB: "txt",
    Format.JUNIT: "xml",
    Format.CSV: "csv",
    Format.MARKDOWN: "md",
}
FORMS = [form for form in Format if form is not Format.HTML]
"""The page is looked at in a browser, by a test of its own."""
CONFIGURED = ("--config", "examples/karb-guard.yaml")
NAMES = (
    "gpu-tol-leak,gpu-tol-wild,gpu-pin,img-registry,img-tag,malformed,np-ingress-deny,"
    "np-egress-deny,pss-baseline,pss-restricted,rc-approved,res-gpu-shape,res-mem,res-cpu-req,"
    "slo-required,owner"
)
"""What golden files show: an invariant that is added later needs no new ones."""
ARGUMENTS = (*CONFIGURED, "--select", NAMES)


def printed(path: str, form: Format, *arguments: str) -> str:
    done = karb_guard("lint", path, *ARGUMENTS, "--format", form.value, *arguments, cwd=REPOSITORY)
    assert done.code == (1 if path == "examples/bad" else 0), done.out + done.err
    return done.out


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form.value))
def test_the_bad_example_in_every_format(form: Format, golden: Callable[[str, str], None]) -> None:
    text = printed("examples/bad", form).replace("\r\n", "\n")  # CSV's own line ends
    golden(f"lint-bad-{form.value}.{SUFFIX.get(form, 'json')}", text)


def test_the_bad_example_with_remedies(golden: Callable[[str, str], None]) -> None:
    golden("lint-bad-verbose.txt", printed("examples/bad", Format.TEXT, "--verbose"))


def test_the_good_example_is_clean(golden: Callable[[str, str], None]) -> None:
    golden("lint-good-text.txt", printed("examples/good", Format.TEXT))
    done = karb_guard("lint", "examples/good", *CONFIGURED, "--fail-on", "info", cwd=REPOSITORY)
    assert done.code == 0, "with every invariant there is"


@pytest.mark.parametrize("path", ["examples/bad", "examples/good"])
def test_real_sarif_validates_against_the_oasis_schema(path: str) -> None:
    try:
        schema = sarif_schema()
    except SchemaUnavailableError as reason:
        pytest.skip(str(reason))
    log = json.loads(printed(path, Format.SARIF))
    jsonschema.Draft7Validator(schema).validate(log)


def test_every_sarif_rule_explains_itself() -> None:
    done = karb_guard("lint", "examples/bad", *CONFIGURED, "--format", "sarif", cwd=REPOSITORY)
    log = json.loads(done.out)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    listed = json.loads(karb_guard("list", "--json", cwd=REPOSITORY).out)
    assert {rule["id"] for rule in rules} == {i["id"] for i in listed if not i["opt_in"]}
    for rule in rules:
        assert rule["help"]["markdown"]
        assert 0 < float(rule["properties"]["security-severity"]) <= 10


def test_the_formats_agree_on_what_was_found() -> None:
    report = json.loads(printed("examples/bad", Format.JSON))
    sarif = json.loads(printed("examples/bad", Format.SARIF))["runs"][0]["results"]
    places = [(f["id"], f["line"], f["column"]) for f in report["findings"]]
    regions = [(r["ruleId"], r["locations"][0]["physicalLocation"]["region"]) for r in sarif]
    assert places == [(i, r["startLine"], r["startColumn"]) for i, r in regions]
    text = printed("examples/bad", Format.TEXT)
    github = printed("examples/bad", Format.GITHUB)
    junit = printed("examples/bad", Format.JUNIT)
    for finding in report["findings"]:
        assert finding["message"] in text
        assert f"line={finding['line']}," in github
    assert junit.count("<testcase") == len(report["findings"])


def test_findings_of_one_identity_have_one_fingerprint() -> None:
    sarif = json.loads(printed("examples/bad", Format.SARIF))["runs"][0]["results"]
    prints = [r["partialFingerprints"]["karbGuardIdentity/v1"] for r in sarif]
    assert len(set(prints)) == len(prints), "no two findings of the example are the same"
