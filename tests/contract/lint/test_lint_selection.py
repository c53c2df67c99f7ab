"""What is evaluated: ``--select``, ``--ignore``, ``--set`` and the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import POD, karb_guard

GPU_POD = """apiVersion: v1
kind: Pod
metadata: {name: llm, namespace: inference}
spec:
  tolerations:
  - {operator: Exists}
  containers:
  - name: server
    image: example.com/a/b:latest
    resources: {limits: {nvidia.com/gpu: 1}}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory of its own repository, so that no configuration above it counts."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pod.yaml").write_text(GPU_POD)
    return tmp_path


def found(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    done = karb_guard("lint", "pod.yaml", "--format", "json", *arguments, cwd=directory)
    assert done.code in {0, 1}, done.err
    findings: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return findings


def names(directory: Path, *arguments: str) -> set[str]:
    return {finding["name"] for finding in found(directory, *arguments)}


def test_everything_is_evaluated_by_default(here: Path) -> None:
    assert {"img-tag", "res-mem", "gpu-tol-wild", "pss-restricted"} <= names(here)


SELECTIONS = {
    "a short name": (["img-tag"], {"img-tag"}),
    "an id": (["KARB-IMG-002"], {"img-tag"}),
    "an id in small letters": (["karb-img-002"], {"img-tag"}),
    "a category": (["resources"], {"res-mem", "res-cpu-req", "res-priority"}),
    "commas": (["img-tag,res-mem"], {"img-tag", "res-mem"}),
    "commas and blanks": (["img-tag, res-mem"], {"img-tag", "res-mem"}),
    "several options": (["img-tag", "--select", "res-mem"], {"img-tag", "res-mem"}),
    "without a part": (["resources", "--ignore", "res-mem"], {"res-cpu-req", "res-priority"}),
}


@pytest.mark.parametrize(("arguments", "expected"), SELECTIONS.values(), ids=list(SELECTIONS))
def test_select_takes_ids_names_and_categories(
    arguments: list[str], expected: set[str], here: Path
) -> None:
    assert names(here, "--select", *arguments) == expected


@pytest.mark.parametrize("named", ["img-tag", "KARB-IMG-002", "images"])
def test_ignore_takes_ids_names_and_categories(named: str, here: Path) -> None:
    gone = {"img-tag", "img-digest"} if named == "images" else {"img-tag"}
    assert names(here, "--ignore", named) == names(here) - gone


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("img-tga", "img-tag"), ("resource", "resources"), ("KARB-IMG-02", "KARB-IMG-002")],
)
def test_a_misspelt_name_is_refused_with_a_suggestion(wrong: str, meant: str, here: Path) -> None:
    for option in ("--select", "--ignore"):
        done = karb_guard("lint", "pod.yaml", option, wrong, cwd=here)
        assert done.code == 2
        assert f"did you mean '{meant}'?" in done.err


def test_every_misspelt_name_is_told_at_once(here: Path) -> None:
    done = karb_guard("lint", "pod.yaml", "--select", "img-tga,res-men", cwd=here)
    assert "'img-tga'" in done.err
    assert "'res-men'" in done.err


def test_set_gives_a_parameter_its_value(here: Path) -> None:
    only = ["--select", "img-registry"]
    assert names(here, *only, "--set", "img-registry.registries=[registry.example.org]") == {
        "img-registry"
    }
    assert names(here, *only, "--set", "img-registry.registries=[example.com]") == set()


def test_set_takes_a_value_with_an_equals_sign(here: Path) -> None:
    annotated = GPU_POD.replace("inference}", "inference, annotations: {device=a: any}}")
    (here / "pod.yaml").write_text(annotated)
    only = ["--select", "gpu-pin"]
    assert names(here, *only) == {"gpu-pin"}
    assert names(here, *only, "--set", "gpu-pin.annotations=[device=a]") == set()
    assert names(here, *only, "--set", "gpu-pin.annotations=[device=b]") == {"gpu-pin"}


def test_set_refuses_a_value_of_the_wrong_type_and_says_how(here: Path) -> None:
    done = karb_guard("lint", "pod.yaml", "--set", "img-registry.registries=example.com", cwd=here)
    assert done.code == 2
    assert "img-registry.registries" in done.err
    assert "such as [example.com]" in done.err


def test_set_suggests_invariants_and_parameters(here: Path) -> None:
    done = karb_guard(
        *("lint", "pod.yaml", "--set", "img-registri.registries=[a]"),
        *("--set", "img-registry.registry=[a]"),
        cwd=here,
    )
    assert "did you mean 'img-registry'?" in done.err
    assert "did you mean 'registries'?" in done.err


def test_the_configuration_is_found_upwards(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("select: [img-tag]\nseverity: {img-tag: warning}\n")
    below = here / "deep" / "below"
    below.mkdir(parents=True)
    (below / "pod.yaml").write_text(GPU_POD)
    assert [(f["name"], f["severity"]) for f in found(below)] == [("img-tag", "warning")]
    assert names(below, "--select", "res-mem") == {"res-mem"}, "the option replaces the key"


def test_the_configuration_may_stand_in_pyproject(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.karb-guard]\nignore = ["pss-restricted"]\n')
    assert names(here) == names_without_configuration(here) - {"pss-restricted"}


def names_without_configuration(directory: Path) -> set[str]:
    empty = directory / "empty-config.yaml"
    empty.write_text("{}\n")
    return names(directory, "--config", str(empty))


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / "karb-guard.yaml").write_text("select: [img-tag]\n")
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "pod.yaml").write_text(GPU_POD)
    assert "res-mem" in names(repository)


def test_an_unknown_key_is_refused_with_file_line_and_suggestion(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("select: [img-tag]\nfailon: warning\n")
    done = karb_guard("lint", "pod.yaml", cwd=here)
    assert done.code == 2
    assert "karb-guard.yaml:2" in done.err
    assert "did you mean 'failOn'?" in done.err


def test_an_unknown_invariant_in_the_configuration_is_refused(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("ignore: [img-tga]\n")
    done = karb_guard("lint", "pod.yaml", cwd=here)
    assert done.code == 2
    assert "did you mean 'img-tag'?" in done.err


def test_fail_on_of_the_configuration_counts_unless_the_option_says_else(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("failOn: warning\nselect: [pss-restricted]\n")
    assert karb_guard("lint", "pod.yaml", cwd=here).code == 1
    assert karb_guard("lint", "pod.yaml", "--fail-on", "error", cwd=here).code == 0


def test_a_lower_severity_lowers_the_exit_code(here: Path) -> None:
    (here / "pod.yaml").write_text(POD)
    assert karb_guard("lint", "pod.yaml", cwd=here).code == 1
    (here / "karb-guard.yaml").write_text("severity: {images: info}\n")
    assert karb_guard("lint", "pod.yaml", cwd=here).code == 0
