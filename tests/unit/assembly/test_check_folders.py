"""What a cached bundle can't know: whether the folders of its policies are still whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from karb_guard.assembly import folders
from karb_guard.assembly.folders import check_folders
from karb_guard.invariants.catalogue import CatalogueError
from karb_guard.invariants.roots import builtin_root
from karb_guard.invariants.source import read
from tests.support.own_policies import scaffold


@pytest.fixture
def own(tmp_path: Path) -> Path:
    scaffold(tmp_path / "own", "demo/demo-message")
    return tmp_path / "own"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


CATALOGUE = read([builtin_root()])


def test_a_state_that_was_whole_is_not_looked_at_again(
    own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folders([own], CATALOGUE, cache)
    monkeypatch.setattr(folders, "_faults", lambda *_: pytest.fail("looked again"))
    check_folders([own], CATALOGUE, cache)


def test_without_a_cache_it_is(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folders([own], CATALOGUE)
    monkeypatch.setattr(folders, "_faults", lambda *_: iter([folders_problem()]))
    with pytest.raises(CatalogueError):
        check_folders([own], CATALOGUE)


def folders_problem() -> object:
    from karb_guard.invariants.problems import Problem

    return Problem("own", 0, "", "looked again")


def test_a_deleted_fixture_is_seen_after_a_good_look(own: Path, cache: Path) -> None:
    check_folders([own], CATALOGUE, cache)
    shutil.rmtree(own / "demo" / "demo_message" / "fixtures" / "fail")
    for _ in range(2):
        with pytest.raises(CatalogueError, match="no fail fixture"):
            check_folders([own], CATALOGUE, cache)


def test_a_test_file_that_was_emptied_is_seen(own: Path, cache: Path) -> None:
    check_folders([own], CATALOGUE, cache)
    (own / "demo" / "demo_message" / "policy_test.rego").write_text("package karb.demo.x\n")
    with pytest.raises(CatalogueError, match="test_"):
        check_folders([own], CATALOGUE, cache)


def test_a_change_of_the_same_size_is_seen_by_its_time(own: Path, cache: Path) -> None:
    check_folders([own], CATALOGUE, cache)
    test = own / "demo" / "demo_message" / "policy_test.rego"
    test.write_text(test.read_text().replace("test_", "tset_"))
    os.utime(test, ns=(1, 1))
    with pytest.raises(CatalogueError):
        check_folders([own], CATALOGUE, cache)


def test_only_the_last_state_is_kept(own: Path, cache: Path) -> None:
    check_folders([own], CATALOGUE, cache)
    (own / "README.md").write_text("x\n")
    check_folders([own], CATALOGUE, cache)
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_is_gone_does_no_harm(own: Path, tmp_path: Path) -> None:
    check_folders([own], CATALOGUE, tmp_path / "missing")
