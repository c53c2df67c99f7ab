"""Profiles as users choose them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from karb_guard.invariants.roots import builtin_root
from tests.support.cli import CLEAN, POD, Done, karb_guard


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "clean.yaml").write_text(CLEAN)
    return tmp_path


def lint(where: Path, *arguments: str) -> Done:
    return karb_guard("lint", *arguments, "--format", "json", cwd=where)


def found(done: Done) -> dict[str, str]:
    """Short name -> severity."""
    findings = json.loads(done.out)["findings"]
    return {finding["name"]: finding["severity"] for finding in findings}


def test_standard_is_what_is_without_a_profile(here: Path) -> None:
    assert lint(here, "pod.yaml", "--profile", "standard").out == lint(here, "pod.yaml").out


def test_the_baseline_warns_of_a_floating_tag_and_passes(here: Path) -> None:
    done = lint(here, "pod.yaml", "--profile", "baseline")
    assert done.code == 0
    assert found(done) == {"img-tag": "warning"}


def test_strict_fails_on_what_is_a_warning_elsewhere(here: Path) -> None:
    assert lint(here, "clean.yaml").code == 0
    done = lint(here, "clean.yaml", "--profile", "strict")
    assert done.code == 1
    assert found(done)["pss-restricted"] == "error"


def test_the_paper_asks_for_the_paper_s_invariants_alone(here: Path) -> None:
    done = lint(here, "pod.yaml", "--profile", "paper", "--format", "sarif", "--output", "s.json")
    assert done.code == 1
    log = json.loads((here / "s.json").read_text())
    rules = {rule["name"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert {"np-ingress-deny", "slo-required", "gpu-pin"} <= rules
    assert not {"waiver-unused", "waiver-expired"} & rules


def test_the_configuration_names_a_profile_and_the_command_line_another(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("profile: baseline\n")
    assert found(lint(here, "pod.yaml")) == {"img-tag": "warning"}
    assert found(lint(here, "pod.yaml", "--profile", "standard"))["img-tag"] == "error"


def test_what_is_selected_by_name_beats_the_profile_s_set_but_keeps_its_severity(
    here: Path,
) -> None:
    done = lint(here, "pod.yaml", "--profile", "baseline", "--select", "images,pss-restricted")
    assert set(found(done)) == {"img-digest", "img-tag", "pss-restricted"}
    assert found(done)["img-tag"] == "warning"


def test_ignore_severity_and_params_of_the_configuration_win(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("profile: baseline\nseverity: {images: error}\n")
    assert found(lint(here, "pod.yaml")) == {"img-tag": "error"}
    assert found(lint(here, "pod.yaml", "--ignore", "img-tag")) == {}


@pytest.mark.parametrize("where", ["command line", "configuration"])
def test_an_unknown_profile_is_refused_with_a_suggestion(where: str, here: Path) -> None:
    if where == "configuration":
        (here / "karb-guard.yaml").write_text("profile: pepper\n")
        done = lint(here, "pod.yaml")
    else:
        done = lint(here, "pod.yaml", "--profile", "pepper")
    assert done.code == 2
    assert "no profile is called 'pepper'; did you mean 'paper'?" in done.err


OWN = """- name: team
  description: What our team begins with.
  select: [img-registry]
  params: {KARB-IMG-001: {registries: [registry.example.com]}}
"""


@pytest.fixture
def own(here: Path) -> Path:
    """Policies of one's own: a profile, and the one invariant that a root must have."""
    folder = here / "mine"
    (folder / "images").mkdir(parents=True)
    made = karb_guard("new", "images/img-mine", "--policies", "mine", cwd=here)
    assert made.code == 0, made.err
    (folder / "profiles.yaml").write_text(OWN)
    return folder


def test_a_profile_of_ones_own_with_parameters(own: Path, here: Path) -> None:
    arguments = ("pod.yaml", "--policies", "mine", "--profile", "team")
    assert found(lint(here, *arguments)) == {"img-registry": "error"}
    allowed = ("--set", "img-registry.registries=[docker.io]")
    assert found(lint(here, *arguments, *allowed)) == {}
    (here / "karb-guard.yaml").write_text("params: {KARB-IMG-001: {registries: [quay.io]}}\n")
    assert lint(here, *arguments, *allowed).code == 0


def test_a_profile_that_names_nothing_is_refused_at_start_up(own: Path, here: Path) -> None:
    (own / "profiles.yaml").write_text(OWN.replace("[img-registry]", "[img-registy]"))
    done = lint(here, "pod.yaml", "--policies", "mine", "--profile", "team")
    assert done.code == 2
    assert "mine/profiles.yaml:1: [0].select: no invariant or category" in done.err
    assert "did you mean 'img-registry'?" in done.err


def test_the_policies_hold_the_profiles() -> None:
    assert (builtin_root() / "profiles.yaml").is_file()
