"""Adding an invariant is adding a folder; a folder that is wrong stops the start and is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from karb_guard.invariants import pages
from karb_guard.invariants.roots import builtin_root
from karb_guard.invariants.source import read
from tests.support.cli import POD, karb_guard
from tests.support.own_policies import scaffold

NAME = "demo-message"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A root of one's own with one invariant, and a pod that breaks it."""
    scaffold(tmp_path / "own", f"demo/{NAME}")
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path / "own"


def folder(own: Path) -> Path:
    return own / "demo" / "demo_message"


def test_a_new_invariant_is_in_lint(own: Path) -> None:
    arguments = ("lint", "pod.yaml", "--policies", "own", "--select", NAME, "--format", "json")
    done = karb_guard(*arguments, cwd=own.parent)
    assert [f["name"] for f in json.loads(done.out)["findings"]] == [NAME], done.err
    fixture = folder(own) / "fixtures" / "pass" / "pod-logs.yaml"
    passes = karb_guard("lint", fixture, *arguments[2:], cwd=own.parent)
    assert json.loads(passes.out)["findings"] == []


def test_a_new_invariant_is_in_list_and_explained(own: Path) -> None:
    listed = karb_guard("list", "--policies", "own", cwd=own.parent)
    assert NAME in listed.out
    assert "gpu-pin" in listed.out, "karb-guard's own stay"
    assert NAME not in karb_guard("list", cwd=own.parent).out
    explained = karb_guard("explain", NAME, "--policies", "own", cwd=own.parent)
    assert "Example that fails" in explained.out


def test_a_new_invariant_gets_a_page(own: Path) -> None:
    roots = [builtin_root(), own]
    rendered = pages.render(read(roots), roots)
    assert f"catalogue/{NAME}.md" in rendered
    assert NAME in rendered["catalogue/index.md"]


def test_a_new_invariant_takes_parameters_severity_and_waivers(own: Path) -> None:
    base = ("lint", "pod.yaml", "--policies", "own", "--select", f"{NAME},waivers")
    relaxed = karb_guard(*base, "--set", f"{NAME}.policy=File", cwd=own.parent)
    assert "no findings" in relaxed.out
    (own.parent / "config.yaml").write_text(f"policies: [own]\nseverity: {{{NAME}: error}}\n")
    configured = ("lint", "pod.yaml", "--select", NAME, "--config", "config.yaml")
    assert karb_guard(*configured, cwd=own.parent).code == 1
    waiver = f'annotations: {{waive.karb.dev/{NAME}: "x until=2999-12-31"}}'
    (own.parent / "pod.yaml").write_text(POD.replace("shop}", f"shop, {waiver}}}"))
    assert "(1 waived)" in karb_guard(*base, cwd=own.parent).out


def test_a_scaffolded_folder_passes_policy_test_and_build(own: Path) -> None:
    tested = karb_guard("policy", "test", own)
    assert tested.code == 0, tested.err
    assert "PASS" in tested.out
    assert "invariants compiled into" in karb_guard("policy", "build", own).out


def test_a_second_invariant_gets_the_next_id(own: Path) -> None:
    scaffold(own, "demo/demo-second")
    ids = [
        line.split()[0]
        for line in karb_guard("list", "demo", "--policies", own).out.splitlines()[1:]
    ]
    assert len(set(ids)) == 2


def rename_package(own: Path) -> None:
    edit(folder(own) / "policy.rego", "package karb.demo.demo_message", "package karb.demo.other")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def copy_id(own: Path) -> None:
    other = scaffold(own, "demo/demo-second")
    for line in (folder(own) / "policy.rego").read_text().splitlines():
        if line.startswith("#   id:"):
            (mine,) = [
                theirs
                for theirs in (other / "policy.rego").read_text().splitlines()
                if theirs.startswith("#   id:")
            ]
            edit(other / "policy.rego", mine, line)


BREAKS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a duplicate id": (copy_id, ["demo_second/policy.rego", "is the id of", "free number"]),
    "the id of one of karb-guard's own": (
        lambda own: edit(folder(own) / "policy.rego", "KARB-DEMO-001", "KARB-GPU-001"),
        ["demo_message/policy.rego", "KARB-GPU-001"],
    ),
    "a wrong package": (rename_package, ["demo_message/policy.rego", "karb.demo.other"]),
    "an unknown metadata key": (
        lambda own: edit(folder(own) / "policy.rego", "#   severity:", "#   severety:"),
        ["demo_message/policy.rego", "severety", "did you mean 'severity'?"],
    ),
    "no fail fixture": (
        lambda own: shutil.rmtree(folder(own) / "fixtures" / "fail"),
        ["own/demo/demo_message: fixtures/fail: no fail fixture"],
    ),
    "no pass fixture": (
        lambda own: (folder(own) / "fixtures" / "pass" / "pod-logs.yaml").unlink(),
        ["own/demo/demo_message: fixtures/pass: no pass fixture"],
    ),
    "no test": (
        lambda own: (folder(own) / "policy_test.rego").unlink(),
        ["own/demo/demo_message", "policy_test.rego"],
    ),
    "no policy": (
        lambda own: (folder(own) / "policy.rego").unlink(),
        ["own/demo/demo_message", "policy.rego"],
    ),
    "a file that doesn't belong there": (
        lambda own: (folder(own) / "fixtures" / "fail" / "notes.txt").write_text("x"),
        ["demo_message/fixtures/fail/notes.txt"],
    ),
    "Rego that doesn't parse": (
        lambda own: edit(folder(own) / "policy.rego", "violations contains", "violations contain"),
        ["demo_message/policy.rego"],
    ),
}


@pytest.mark.parametrize("cached", [False, True], ids=["at first", "after a good start"])
@pytest.mark.parametrize(("destroy", "words"), BREAKS.values(), ids=list(BREAKS))
def test_a_bad_folder_stops_the_start_and_is_named(
    cached: bool, destroy: Callable[[Path], object], words: list[str], own: Path
) -> None:
    arguments = ("lint", "pod.yaml", "--policies", "own")
    if cached:
        assert karb_guard(*arguments, cwd=own.parent).code == 1
    destroy(own)
    done = karb_guard(*arguments, cwd=own.parent)
    assert done.code == 2, done.out
    assert done.out == ""
    assert all(word in done.err for word in words), done.err
    assert karb_guard("list", "--policies", "own", cwd=own.parent).code == 2


def test_a_root_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    done = karb_guard("list", "--policies", "own", cwd=tmp_path)
    assert done.code == 2
    assert "own: holds no invariant" in done.err
