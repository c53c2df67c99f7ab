"""Waiver annotations through the lint door, as authors of manifests write them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import karb_guard

TODAY = datetime.datetime.now(datetime.UTC).date()
"""The command line takes the real day; dates here are relative to it, far from midnight's edge."""
SOON = TODAY + datetime.timedelta(days=30)
LONG_AGO = TODAY - datetime.timedelta(days=30)
ONLY = ("--select", "img-tag,waivers")


def deployment(*, own: str = "", template: str = "") -> str:
    """Two containers with a floating tag each; annotations as flow mappings."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {{{own}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata:
      labels: {{app: web}}
      annotations: {{{template}}}
    spec:
      containers:
      - {{name: web, image: "nginx:latest"}}
      - {{name: proxy, image: "envoy:latest"}}
"""


def waiver(text: str, until: datetime.date | str = SOON, name: str = "img-tag") -> str:
    return f'waive.karb.dev/{name}: "{text} until={until}"'


def lint(directory: Path, text: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    (directory / "x.yaml").write_text(text)
    done = karb_guard("lint", "x.yaml", "--format", "json", *ONLY, *arguments, cwd=directory)
    findings: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return done.code, findings


def outcome(findings: list[dict[str, Any]]) -> set[tuple[str, str | None, bool]]:
    return {(f["name"], f["container"], f["waived"] is not None) for f in findings}


def test_without_a_waiver_both_containers_are_findings(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment())
    assert code == 1
    assert outcome(findings) == {("img-tag", "web", False), ("img-tag", "proxy", False)}


@pytest.mark.parametrize("where", ["own", "template"])
@pytest.mark.parametrize("name", ["img-tag", "KARB-IMG-002"])
def test_a_waiver_covers_the_whole_object(where: str, name: str, tmp_path: Path) -> None:
    text = deployment(**{where: waiver("mirrors move the tag", name=name)})
    code, findings = lint(tmp_path, text)
    assert code == 0
    assert outcome(findings) == {("img-tag", "web", True), ("img-tag", "proxy", True)}


def test_a_waiver_of_one_container_leaves_the_other(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment(own=waiver("upstream", name="img-tag.proxy")))
    assert code == 1
    assert outcome(findings) == {("img-tag", "web", False), ("img-tag", "proxy", True)}


@pytest.mark.parametrize("reason", ["a=b, c=d", "until=2020-01-01 was too early", "ünï: 'x' #1"])
def test_a_reason_may_hold_anything_and_is_reported(reason: str, tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment(own=waiver(reason)))
    assert code == 0
    assert all(finding["waived"] == f"{reason} (until {SOON})" for finding in findings)


def test_an_expired_waiver_is_a_finding_and_covers_nothing(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment(own=waiver("was fine", LONG_AGO)))
    assert code == 1
    assert outcome(findings) == {
        ("img-tag", "web", False),
        ("img-tag", "proxy", False),
        ("waiver-expired", None, False),
    }
    (expired,) = [f for f in findings if f["name"] == "waiver-expired"]
    assert expired["line"] == 6
    assert str(LONG_AGO) in expired["message"]


def test_the_last_day_counts(tmp_path: Path) -> None:
    tomorrow = TODAY + datetime.timedelta(days=1)
    assert lint(tmp_path, deployment(own=waiver("today", tomorrow)))[0] == 0


UNUSED = {
    "an invariant that isn't broken": waiver("x", name="waived-nothing").replace(
        "waived-nothing", "gpu-pin"
    ),
    "a container that isn't there": waiver("x", name="img-tag.sidecar"),
}


@pytest.mark.parametrize("annotation", UNUSED.values(), ids=list(UNUSED))
def test_a_waiver_that_covers_nothing_is_a_finding(annotation: str, tmp_path: Path) -> None:
    _, findings = lint(tmp_path, deployment(own=annotation), "--select", "gpu-pin")
    assert [f["line"] for f in findings if f["name"] == "waiver-unused"] == [6]


def test_a_waiver_of_what_is_not_evaluated_is_not_called_unused(tmp_path: Path) -> None:
    _, findings = lint(tmp_path, deployment(own=waiver("x", name="gpu-pin")))
    assert "waiver-unused" not in {f["name"] for f in findings}


INVALID = {
    "no day": ('waive.karb.dev/img-tag: "because"', "until=YYYY-MM-DD"),
    "no reason": (f'waive.karb.dev/img-tag: "until={SOON}"', "reason"),
    "a day that isn't one": (waiver("x", "2027-02-30"), "2027-02-30"),
    "an unknown invariant": (waiver("x", name="img-tga"), "img-tga"),
    "a number": ("waive.karb.dev/img-tag: 5", "string"),
    "a waiver of waivers": (waiver("x", name="waiver-expired"), "can't be waived"),
}


@pytest.mark.parametrize(("annotation", "words"), INVALID.values(), ids=list(INVALID))
def test_an_unreadable_waiver_is_a_finding(annotation: str, words: str, tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment(own=annotation))
    assert code == 1
    (invalid,) = [f for f in findings if f["name"] == "waiver-invalid"]
    assert words in invalid["message"]
    assert outcome(findings) >= {("img-tag", "web", False), ("img-tag", "proxy", False)}


def test_waived_findings_stay_visible(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(deployment(own=waiver("mirrors move the tag")))
    plain = karb_guard("lint", "x.yaml", *ONLY, cwd=tmp_path).out
    assert "img-tag" not in plain
    assert "no findings (2 waived)" in plain
    verbose = karb_guard("lint", "x.yaml", *ONLY, "--verbose", cwd=tmp_path).out
    assert f"waived: mirrors move the tag (until {SOON})" in verbose
    sarif = json.loads(karb_guard("lint", "x.yaml", *ONLY, "--format", "sarif", cwd=tmp_path).out)
    results = sarif["runs"][0]["results"]
    assert {r["suppressions"][0]["justification"] for r in results} == {
        f"mirrors move the tag (until {SOON})"
    }
    assert (
        'skipped="2"' in karb_guard("lint", "x.yaml", *ONLY, "--format", "junit", cwd=tmp_path).out
    )


def test_a_configured_severity_holds_for_findings_about_waivers(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "karb-guard.yaml").write_text("severity: {waiver-expired: info, images: info}\n")
    code, findings = lint(tmp_path, deployment(own=waiver("was fine", LONG_AGO)))
    assert code == 0
    assert {f["severity"] for f in findings} == {"info"}
