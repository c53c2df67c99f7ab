"""Adopting lint in an old repository: what was there is known, what comes is new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import CLEAN, POD, Done, karb_guard

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: two, namespace: shop}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
      - name: one
        image: nginx:latest
        resources: {limits: {memory: 64Mi}}
      - name: two
        image: redis
        resources: {limits: {memory: 64Mi}}
"""
TAG = ("--select", "img-tag")
FILE = "baseline.json"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A repository with three errors that its baseline knows."""
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "two.yaml").write_text(DEPLOYMENT)
    done = lint(tmp_path, "pod.yaml", "two.yaml", "--write-baseline", FILE)
    assert done.code == 0, done.out + done.err
    assert f"baseline {FILE}: 3 findings known" in done.out
    return tmp_path


def lint(where: Path, *arguments: str) -> Done:
    return karb_guard("lint", *arguments, *TAG, cwd=where)


def against(where: Path, *paths: str, form: str = "json", options: tuple[str, ...] = ()) -> Done:
    return lint(where, *paths, "--baseline", FILE, "--format", form, *options)


def states(done: Done) -> list[str]:
    return [finding["baselineState"] for finding in json.loads(done.out)["findings"]]


def entries(where: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((where / FILE).read_text())["findings"]
    return found


def test_known_findings_pass_and_are_not_shown(old: Path) -> None:
    done = against(old, "pod.yaml", "two.yaml", form="text")
    assert done.code == 0
    assert "img-tag" not in done.out
    assert "no findings (3 known)" in done.out


def test_known_findings_are_shown_on_request(old: Path) -> None:
    done = against(old, "pod.yaml", form="text", options=("--verbose",))
    assert done.code == 0
    assert "pod.yaml:7:5: Pod shop/web" in done.out
    assert "known: it is in the baseline" in done.out


def test_moved_lines_reordered_lists_and_renamed_files_stay_known(old: Path) -> None:
    (old / "pod.yaml").rename(old / "renamed.yaml")
    one, two = DEPLOYMENT.index("      - name: one"), DEPLOYMENT.index("      - name: two")
    swapped = DEPLOYMENT[:one] + DEPLOYMENT[two:] + DEPLOYMENT[one:two]
    (old / "two.yaml").write_text("# moved\n\n" + swapped)
    done = against(old, "renamed.yaml", "two.yaml")
    assert done.code == 0
    assert states(done) == ["unchanged"] * 3


def test_a_new_finding_counts_and_is_the_only_one_shown(old: Path) -> None:
    (old / "new.yaml").write_text(POD.replace("name: web, name", "name: other, name"))
    done = against(old, "pod.yaml", "two.yaml", "new.yaml", form="text")
    assert done.code == 1
    assert "new.yaml:7:5: Pod shop/other" in done.out
    assert "pod.yaml:7" not in done.out
    assert "1 error (3 known)" in done.out


def test_a_second_instance_of_a_known_finding_is_new(old: Path) -> None:
    (old / "copy.yaml").write_text(POD)
    done = against(old, "pod.yaml", "copy.yaml", "two.yaml")
    assert done.code == 1
    assert states(done) == ["unchanged", "new", "unchanged", "unchanged"]


def test_another_floating_tag_is_another_finding(old: Path) -> None:
    (old / "pod.yaml").write_text(POD.replace("nginx:latest", "nginx:stable"))
    assert states(against(old, "pod.yaml")) == ["new"]


def test_every_format_tells_known_from_new(old: Path) -> None:
    (old / "new.yaml").write_text(POD.replace("name: web, name", "name: other, name"))
    paths = ("pod.yaml", "new.yaml", "two.yaml")
    log = json.loads(against(old, *paths, form="sarif").out)
    results = log["runs"][0]["results"]
    assert [result["baselineState"] for result in results] == [
        "unchanged",
        "new",
        "unchanged",
        "unchanged",
    ]
    junit = against(old, *paths, form="junit").out
    assert junit.count("<skipped ") == 3
    assert junit.count("<failure ") == 1
    github = against(old, *paths, form="github").out
    assert github.count("::error ") == 1


def test_without_a_baseline_no_format_has_a_state(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    assert states(lint(tmp_path, "pod.yaml", "--format", "json")) == [None]
    sarif = lint(tmp_path, "pod.yaml", "--format", "sarif").out
    assert "baselineState" not in sarif


def test_entries_that_no_longer_occur_are_said_and_dropped_on_request(old: Path) -> None:
    (old / "pod.yaml").write_text(CLEAN)
    (old / "two.yaml").unlink()
    paths = ("pod.yaml",)
    done = against(old, *paths, form="text")
    assert done.code == 0
    assert f"baseline {FILE}: 1 entry no longer found" in done.out
    assert f"baseline {FILE}: 2 entries about objects that are not in this input" in done.out
    assert "img-tag" not in done.out
    verbose = against(old, *paths, form="text", options=("--verbose",))
    assert "KARB-IMG-002" in verbose.out
    assert len(entries(old)) == 3
    shrunk = lint(old, *paths, "--baseline", FILE, "--write-baseline", FILE)
    assert shrunk.code == 0
    assert entries(old) == []


def test_shrinking_never_adds(old: Path) -> None:
    before = (old / FILE).read_bytes()
    (old / "new.yaml").write_text(POD.replace("name: web, name", "name: other, name"))
    paths = ("pod.yaml", "two.yaml", "new.yaml")
    done = lint(old, *paths, "--baseline", FILE, "--write-baseline", FILE)
    assert done.code == 1
    assert (old / FILE).read_bytes() == before


def test_entries_of_invariants_that_were_not_asked_are_kept(old: Path) -> None:
    before = (old / FILE).read_bytes()
    arguments = ("--baseline", FILE, "--write-baseline", FILE, "--select", "res-mem")
    done = karb_guard("lint", "pod.yaml", "two.yaml", *arguments, cwd=old)
    assert "no longer" not in done.out
    assert (old / FILE).read_bytes() == before


def test_the_file_is_the_same_whatever_the_order_of_the_input(old: Path) -> None:
    before = (old / FILE).read_bytes()
    lint(old, "two.yaml", "pod.yaml", "--write-baseline", FILE)
    assert (old / FILE).read_bytes() == before
    assert b"yaml" not in before
    assert b"line" not in before


def test_an_input_that_can_t_be_read_writes_no_baseline(old: Path) -> None:
    before = (old / FILE).read_bytes()
    (old / "broken.yaml").write_text("a: [\n")
    done = lint(old, "broken.yaml", "--write-baseline", FILE)
    assert done.code == 2
    assert f"{FILE} is not written: not everything could be checked" in done.err
    both = lint(old, "broken.yaml", "--baseline", FILE, "--write-baseline", FILE)
    assert both.code == 2
    assert "no longer" not in both.out
    assert (old / FILE).read_bytes() == before


def test_waived_findings_are_left_to_their_waivers(tmp_path: Path) -> None:
    waiver = 'annotations: {waive.karb.dev/img-tag: "known until=2999-01-01"}'
    text = POD.replace("namespace: shop}", f"namespace: shop, {waiver}}}")
    (tmp_path / "pod.yaml").write_text(text)
    lint(tmp_path, "pod.yaml", "--write-baseline", FILE)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{}", '{"schemaVersion": "9.0", "findings": []}'])
def test_an_unreadable_baseline_is_bad_usage(text: str, old: Path) -> None:
    (old / FILE).write_text(text)
    done = against(old, "pod.yaml")
    assert done.code == 2
    assert done.err.startswith(f"karb-guard: --baseline {FILE}: ")
    assert "--write-baseline" in done.err


def test_a_baseline_that_is_not_there_is_bad_usage(old: Path) -> None:
    done = lint(old, "pod.yaml", "--baseline", "nope.json")
    assert done.code == 2
    assert "--baseline nope.json: can't be read: No such file or directory" in done.err
