"""Where manifests come from, what stands beside them, and where the report goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import CLEAN, IMAGE_LINE, POD, karb_guard

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
DENY_INGRESS = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
POD_JSON: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"containers": [{"name": "web", "image": "nginx:latest"}]},
}
TAG = ("--select", "img-tag")


def findings(done: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return found


def test_standard_input_is_read_and_named() -> None:
    done = karb_guard("lint", "-", *TAG, stdin=POD.encode())
    assert done.code == 1
    assert done.out.startswith(f"<stdin>:{IMAGE_LINE}:5: Pod shop/web")


def test_json_is_read_with_positions(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(POD_JSON, indent=2))
    done = karb_guard("lint", "x.json", *TAG, "--format", "json", cwd=tmp_path)
    (finding,) = findings(done)
    assert (finding["line"], finding["column"]) == (12, 9)
    assert finding["path"] == "spec.containers[0].image"


@pytest.mark.parametrize("as_yaml", [False, True])
def test_the_items_of_a_list_are_judged_one_by_one(as_yaml: bool, tmp_path: Path) -> None:
    if as_yaml:
        item = "".join(f"  {line}\n" for line in POD.splitlines())
        text = f"apiVersion: v1\nkind: List\nitems:\n- {item.lstrip()}- {item.lstrip()}"
    else:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [POD_JSON, POD_JSON]})
    (tmp_path / "x").write_text(text)
    done = karb_guard("lint", "x", *TAG, cwd=tmp_path)
    assert done.code == 1
    assert "2 documents checked" in done.out
    assert "2 errors" in done.out


def test_every_document_of_a_file_is_judged_at_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"{POD}---\n{CLEAN}---\n{POD}")
    done = karb_guard("lint", "x.yaml", *TAG, "--format", "json", cwd=tmp_path)
    length = POD.count("\n") + 1
    assert [f["line"] for f in findings(done)] == [IMAGE_LINE, IMAGE_LINE + 2 * length]


def test_directories_are_searched_and_files_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.yaml").write_text(POD)
    (tmp_path / "a" / "notes.txt").write_text("not: read\n")
    done = karb_guard("lint", "a", "a/x.yaml", ".", *TAG, cwd=tmp_path)
    assert "1 document checked, 0 of unknown kind, 0 unparsed" in done.out


def test_exclude_leaves_out_files_and_directories(tmp_path: Path) -> None:
    for name in ("keep.yaml", "drop.yaml", "testdata/x.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(POD)
    arguments = ("--exclude", "drop.yaml", "--exclude", "testdata")
    done = karb_guard("lint", ".", *TAG, *arguments, cwd=tmp_path)
    assert "keep.yaml" in done.out
    assert "1 document checked, 0 of unknown kind, 0 unparsed, 2 files left out" in done.out
    assert "left out: 1 x excluded by testdata" in done.out


def test_exclude_of_the_configuration_adds_to_the_option(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "karb-guard.yaml").write_text("exclude: [a.yaml, karb-guard.yaml]\n")
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text(POD)
    done = karb_guard("lint", ".", *TAG, "--exclude", "b.yaml", cwd=tmp_path)
    assert "1 document checked" in done.out
    assert "c.yaml:" in done.out


def test_related_objects_are_found_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(CLEAN)
    (tmp_path / "policy.yaml").write_text(DENY_INGRESS)
    only = ("--select", "np-ingress-deny")
    alone = karb_guard("lint", "pod.yaml", *only, cwd=tmp_path)
    assert alone.code == 0
    assert "np-ingress-deny: undecided for 1 object" in alone.out
    both = karb_guard("lint", "pod.yaml", "policy.yaml", *only, cwd=tmp_path)
    assert both.code == 0
    assert "undecided" not in both.out


def test_a_namespace_in_the_input_decides(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"{CLEAN}---\n{NAMESPACE}")
    done = karb_guard("lint", "x.yaml", "--select", "np-ingress-deny", cwd=tmp_path)
    assert done.code == 1
    assert "undecided" not in done.out


@pytest.mark.parametrize("configured", [False, True])
def test_complete_decides_that_what_is_missing_is_missing(configured: bool, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pod.yaml").write_text(CLEAN)
    (tmp_path / "karb-guard.yaml").write_text(f"complete: {str(configured).lower()}\n")
    option = () if configured else ("--complete",)
    done = karb_guard("lint", "pod.yaml", "--select", "np-ingress-deny", *option, cwd=tmp_path)
    assert done.code == 1
    assert "undecided" not in done.out


def test_what_stays_undecided_is_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(CLEAN)
    for form in ("text", "json", "sarif", "github"):
        arguments = ("--select", "np-ingress-deny", "--format", form)
        out = karb_guard("lint", "pod.yaml", *arguments, cwd=tmp_path).out
        assert "undecided" in out, form
        assert "np-ingress-deny" in out, form


def test_several_formats_go_to_several_files(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    done = karb_guard(
        *("lint", "pod.yaml", *TAG, "--format", "sarif", "--output", "out.sarif"),
        *("--format", "junit", "--output", "out.xml", "--format", "text"),
        cwd=tmp_path,
    )
    assert done.code == 1
    assert done.out.startswith("pod.yaml:")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "out.xml").read_text().startswith("<?xml")
    assert done.err == ""


def test_the_coverage_is_said_beside_data(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    arguments = ("lint", "pod.yaml", *TAG, "--format", "json")
    done = karb_guard(*arguments, "--output", "out.json", cwd=tmp_path)
    assert done.out == ""
    assert "1 document checked, 0 of unknown kind, 0 unparsed: 1 error" in done.err
    assert karb_guard(*arguments, "--quiet", cwd=tmp_path).err == ""


def test_a_second_output_needs_a_format_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    done = karb_guard("lint", "pod.yaml", "--output", "a", "--output", "b", cwd=tmp_path)
    assert done.code == 2
    assert "needs a --format of its own" in done.err


def test_paths_in_sarif_are_relative_to_where_the_user_stands(tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "with space" / "pod.yaml").write_text(POD)
    for path in ("with space", str(tmp_path / "with space")):
        done = karb_guard("lint", path, *TAG, "--format", "sarif", cwd=tmp_path)
        (result,) = json.loads(done.out)["runs"][0]["results"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "with%20space/pod.yaml"
        assert location["region"]["startLine"] == IMAGE_LINE
