"""Kustomizations through lint, built by the real kustomize and by kubectl."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import CLEAN, POD, Done, karb_guard
from tests.support.commands import path_with
from tests.support.controlplane import tool
from tests.support.kustomize import kustomize_path

BASE = {"base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": CLEAN}
OVERLAY = {
    "prod/kustomization.yaml": """namespace: prod
namePrefix: blue-
resources: [../base]
patches:
- path: image.yaml
""",
    "prod/image.yaml": """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: nginx:latest
""",
}
TAG = ("--select", "img-tag", "--format", "json")


@pytest.fixture(scope="module", params=["kustomize", "kubectl"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """An environment with one of the two commands that build kustomizations."""
    programs = {"kustomize": kustomize_path, "kubectl": lambda: tool("kubectl")}
    folder = tmp_path_factory.mktemp("bin")
    return path_with(folder, **{request.param: programs[request.param]()})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, {**BASE, **OVERLAY})


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def report(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_object_that_is_built_is_judged(tree: Path, command: dict[str, str]) -> None:
    done = karb_guard("lint", "prod", *TAG, cwd=tree, env=command)
    (finding,) = report(done)["findings"]
    assert done.code == 1
    assert finding["file"] == "prod/kustomization.yaml"
    assert finding["rendered"] is True
    assert finding["object"]["name"] == "blue-web"
    assert finding["object"]["namespace"] == "prod"


def test_a_base_is_judged_as_part_of_its_overlays(tree: Path, command: dict[str, str]) -> None:
    assert karb_guard("lint", "base", *TAG, cwd=tree, env=command).code == 0
    done = karb_guard("lint", ".", "--render", *TAG, cwd=tree, env=command)
    assert [finding["file"] for finding in report(done)["findings"]] == ["prod/kustomization.yaml"]
    assert report(done)["coverage"]["checked"] == 1


def test_objects_that_say_where_they_come_from_are_placed_there(
    tree: Path, command: dict[str, str]
) -> None:
    text = OVERLAY["prod/kustomization.yaml"] + "buildMetadata: [originAnnotations]\n"
    write(tree, {"prod/kustomization.yaml": text})
    done = karb_guard("lint", "prod", *TAG, cwd=tree, env=command)
    assert [finding["file"] for finding in report(done)["findings"]] == ["base/pod.yaml"]


def test_a_namespace_is_given_to_objects_without_one(tmp_path: Path, command) -> None:
    pod = POD.replace(", namespace: shop", "")
    write(tmp_path, {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": pod})
    done = karb_guard("lint", tmp_path, *TAG, "--namespace", "stage", env=command)
    assert [f["object"]["namespace"] for f in report(done)["findings"]] == ["stage"]


def test_manifests_beside_a_kustomization_are_not_lost(tree: Path, command) -> None:
    write(tree, {"prod/extra.yaml": POD})
    done = karb_guard("lint", "prod", *TAG, cwd=tree, env=command)
    assert {f["file"] for f in report(done)["findings"]} == {
        "prod/extra.yaml",
        "prod/kustomization.yaml",
    }


def test_a_build_that_fails_is_an_error_in_kustomize_s_words(tree: Path, command) -> None:
    (tree / "base" / "pod.yaml").unlink()
    done = karb_guard("lint", "prod", *TAG, cwd=tree, env=command)
    (problem,) = report(done)["problems"]
    assert done.code == 2
    assert problem["file"] == "prod/kustomization.yaml"
    assert "pod.yaml" in problem["message"]
    assert "kustomiz" in problem["message"].split("`")[1]


@pytest.mark.parametrize(
    "remote",
    [
        "https://127.0.0.1:1/pod.yaml",
        "https://127.0.0.1:1/a/b.git?ref=v1",
        "ssh://git@127.0.0.1:1/a/b.git",
    ],
)
def test_a_remote_base_is_an_error_and_not_fetched(remote: str, tmp_path: Path, command) -> None:
    write(tmp_path, {"kustomization.yaml": f"resources: ['{remote}']\n"})
    path = f"{command['PATH']}:/usr/bin:/bin"
    done = karb_guard("lint", tmp_path, *TAG, env={"PATH": path})
    assert done.code == 2
    (problem,) = report(done)["problems"]
    assert "fetches nothing" in problem["remedy"]


def test_a_deprecated_field_is_warned_of_and_drops_nothing(tree: Path, command) -> None:
    text = OVERLAY["prod/kustomization.yaml"] + "commonLabels: {team: a}\n"
    write(tree, {"prod/kustomization.yaml": text})
    done = karb_guard("lint", "prod", *TAG, cwd=tree, env=command)
    assert len(report(done)["findings"]) == 1
    notes = report(done)["notes"]
    assert any("commonLabels" in note for note in notes), notes
    place = "prod/kustomization.yaml: "
    said = tuple(f"{place}{words} says: " for words in ("kustomize build", "kubectl kustomize"))
    assert all(note.startswith(said) for note in notes)


def test_a_kustomization_that_builds_nothing_is_no_verdict(tmp_path: Path, command) -> None:
    write(tmp_path, {"kustomization.yaml": "resources: []\nnamespace: a\n"})
    done = karb_guard("lint", tmp_path, env=command)
    assert done.code == 2
    assert "kustomiz" in done.out


def test_a_missing_command_names_both_and_the_remedy(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = karb_guard("lint", "prod", cwd=tree, env={"PATH": str(tmp_path / "empty")})
    assert done.code == 2
    words = "prod/kustomization.yaml: unparsed: can't be rendered: neither `kustomize` nor"
    assert words in done.out
    assert "install kustomize" in done.out
