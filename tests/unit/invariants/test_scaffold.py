from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.fixtures import fixtures_of
from karb_guard.invariants.scaffold import ScaffoldError, new, next_id
from karb_guard.invariants.source import read, retired_ids
from karb_guard.toolchain.opa import find_opa


def opa(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(find_opa()), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_scaffolded_is_a_good_invariant(root):
    folder = new("gpu/gpu-fresh", root.path, read([root.path]))
    assert folder == root.path / "gpu/gpu_fresh"
    catalogue = read([root.path])
    invariant = catalogue.get("gpu-fresh")
    assert invariant.id == "KARB-GPU-002"
    assert [f.fails for f in fixtures_of(invariant, [root.path], catalogue)] == [False, True]


def test_what_is_scaffolded_passes_opa(root):
    folder = new("acme-corp/crash-reason", root.path, read([root.path]))
    for command in (["check", "--strict"], ["test"], ["fmt", "--list", "--fail"]):
        done = opa(*command, folder)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: 3/3" in opa("test", folder).stdout


def test_the_tests_of_a_scaffold_can_fail(root):
    folder = new("acme/crash-reason", root.path, read([root.path]))
    policy = folder / "policy.rego"
    policy.write_text(policy.read_text().replace("got != params.policy", "got == params.policy"))
    assert opa("test", folder).returncode != 0


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("gpu", "must be <category>/<name>"),
        ("gpu/a/b", "must be <category>/<name>"),
        ("/x", "must be <category>/<name>"),
        ("gpu/Bad", "'Bad' must be small letters"),
        ("gpu/a--b", "'a__b' must be small letters"),
        ("gpu/..", "'..' must be small letters"),
        ("../gpu", "'..' must be small letters"),
        ("gpu/1st", "'1st' must be small letters"),
        ("gpu/" + "x" * 51, "at most 50 characters"),
        ("lib/x", "'lib' holds what policies share"),
        ("acme/gpu-thing", "'gpu-thing' is taken by KARB-GPU-001"),
        ("acme/acme", "a category and an invariant can't share a name"),
        ("acme/gpu", "a category and an invariant can't share a name"),
        ("gpu-thing/x", "a category and an invariant can't share a name"),
    ],
)
def test_a_bad_or_taken_name_is_refused(root, token, words):
    before = sorted(root.path.rglob("*"))
    with pytest.raises(ScaffoldError) as caught:
        new(token, root.path, read([root.path]))
    assert words in str(caught.value)
    assert sorted(root.path.rglob("*")) == before


def test_an_existing_folder_is_left_alone(root):
    file = root.write("gpu/gpu_fresh/notes.txt", "mine")
    catalogue = Catalogue(())
    with pytest.raises(ScaffoldError, match="gpu_fresh exists already"):
        new("gpu/gpu-fresh", root.path, catalogue)
    assert [p.name for p in file.parent.iterdir()] == ["notes.txt"]


def test_a_root_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "policies").write_text("")
    with pytest.raises(ScaffoldError, match="name a folder that can be written"):
        new("gpu/x", tmp_path / "policies", Catalogue(()))


def test_ids_are_never_given_again(root):
    root.write("retired.yaml", "- {id: KARB-GPU-007, name: a, removed: 1.0.0, reason: r}\n")
    catalogue, retired = read([root.path]), retired_ids([root.path])
    assert next_id("gpu", catalogue, retired) == "KARB-GPU-008"
    assert next_id("gpu", catalogue) == "KARB-GPU-002"


def test_a_new_category_gets_a_code_of_its_own(root):
    catalogue = read([root.path])
    assert next_id("network", catalogue) == "KARB-NETWORK-001"
    root.add("other/net_x", id_="KARB-NETWORK-001")
    assert next_id("network", read([root.path])) == "KARB-NETWOR-001"
    assert next_id("g", catalogue) == "KARB-G1-001"


def test_a_full_category_is_refused(root):
    shutil.rmtree(root.path / "gpu")
    root.add("gpu/gpu_thing", id_="KARB-GPU-999")
    with pytest.raises(ScaffoldError, match="no number left"):
        next_id("gpu", read([root.path]))
