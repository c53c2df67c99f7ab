"""Finding the bundle: shipped, cached or compiled; never one that is older than its sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from karb_guard.engine import bundles, opa_command
from karb_guard.engine.bundle import WASM_FILE, CompiledBundle, load_bundle
from karb_guard.engine.bundles import bundle_for
from karb_guard.engine.interface import EngineError
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.toolchain import find_opa
from tests.support.small_policies import OWNER, invariant, write


class Registry:
    """Stands in for reading metadata: these tests are about files, not about metadata."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads: list[list[Path]] = []
        monkeypatch.setattr("karb_guard.invariants.source.read", self.read)

    def read(self, roots: list[Path]) -> Catalogue:
        self.reads.append(list(roots))
        folders = sorted({path.parent.name for r in roots for path in r.glob("demo/*/policy.rego")})
        members = [invariant(name.replace("_", "-"), i) for i, name in enumerate(folders, 1)]
        return Catalogue(tuple(members))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    opa = find_opa()  # before the cache moves: building it takes a minute
    monkeypatch.setattr(opa_command, "find_opa", lambda: opa)
    monkeypatch.setenv("KARB_GUARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bundles, "SHIPPED_BUNDLE", tmp_path / "_bundle")
    own = write(tmp_path / "policies", {"owner": OWNER})
    monkeypatch.setattr(bundles, "builtin_root", lambda: own)
    return own


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(monkeypatch)


def test_the_second_call_finds_the_first_ones_bundle(root: Path, registry: Registry) -> None:
    first, second = bundle_for(), bundle_for()
    assert first == second
    assert registry.reads == [[root]]


def test_a_changed_policy_is_compiled_anew(root: Path, registry: Registry) -> None:
    before = bundle_for()
    policy = root / "demo" / "owner" / "policy.rego"
    policy.write_text(policy.read_text().replace('"owner", "path"', '"other", "path"'))
    after = bundle_for()
    assert after.catalogue.revision != before.catalogue.revision
    assert after.wasm() != before.wasm()
    assert len(registry.reads) == 2


def test_a_changed_library_is_compiled_anew(root: Path, registry: Registry) -> None:
    before = bundle_for()
    (root / "lib" / "x.rego").write_text("package karb.lib.x\none := 1\n")
    assert bundle_for().catalogue.source_hash != before.catalogue.source_hash


def test_a_changed_test_or_fixture_changes_nothing(root: Path, registry: Registry) -> None:
    bundle_for()
    (root / "demo" / "owner" / "policy_test.rego").write_text("package karb.demo.owner_test\n")
    bundle_for()
    assert len(registry.reads) == 1


def test_a_users_root_joins_our_own(root: Path, registry: Registry, tmp_path: Path) -> None:
    theirs = write(tmp_path / "theirs", {"team": OWNER})
    bundle = bundle_for([theirs])
    assert bundle.catalogue.groups["pods"].invariants == ("owner", "team")
    assert bundle_for() != bundle


def test_users_rego_may_use_host_builtins_and_ours_may_not(
    root: Path, registry: Registry, tmp_path: Path
) -> None:
    words = OWNER.replace("if {", 'if {\n\tsprintf("%d", [1]) != ""')
    theirs = write(tmp_path / "theirs", {"words": words})
    calls = bundle_for([theirs]).catalogue.host_calls
    assert [call.source for call in calls] == ["theirs/demo/words/policy.rego"]
    write(root, {"owner": words})
    with pytest.raises(EngineError, match="sprintf"):
        bundle_for()


def _ship(bundle: CompiledBundle) -> None:
    shutil.copytree(bundle.directory, bundles.SHIPPED_BUNDLE)


def test_a_shipped_bundle_that_fits_is_used(root: Path, registry: Registry) -> None:
    _ship(bundle_for())
    assert bundle_for().directory == bundles.SHIPPED_BUNDLE


def test_a_shipped_bundle_that_is_older_than_its_sources_is_not_used(
    root: Path, registry: Registry
) -> None:
    _ship(bundle_for())
    write(root, {"owner": OWNER.replace("labels.owner", "labels.team")})
    fresh = bundle_for()
    assert fresh.directory != bundles.SHIPPED_BUNDLE
    assert len(registry.reads) == 2


def test_a_bundle_of_another_compiler_or_opa_is_not_used(
    root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ship(bundle_for())
    monkeypatch.setattr(bundles, "compiler_version", lambda: "0000000000000000")
    assert bundle_for().directory != bundles.SHIPPED_BUNDLE


@pytest.mark.parametrize("text", ["", "{", '{"format": 0}'])
def test_a_damaged_catalogue_is_compiled_anew(root: Path, registry: Registry, text: str) -> None:
    before = bundle_for()
    (before.directory / "catalogue.json").write_text(text)
    assert bundle_for() == before


def test_a_cache_that_others_may_write_is_refused_with_the_remedy(
    root: Path, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "cache" / "bundles").mkdir(parents=True)
    (tmp_path / "cache" / "bundles").chmod(0o777)
    with pytest.raises(EngineError, match="KARB_GUARD_CACHE"):
        bundle_for()


def _remove(wasm: Path) -> None:
    wasm.unlink()


def _overwrite(wasm: Path) -> None:
    wasm.write_bytes(wasm.read_bytes()[:-1] + b"\xff")


damaged = pytest.mark.parametrize("damage", [_remove, _overwrite])


@damaged
def test_a_damaged_module_in_the_cache_is_compiled_anew_when_it_is_loaded(
    root: Path, registry: Registry, damage: Callable[[Path], None]
) -> None:
    whole = bundle_for().wasm()
    bundle = bundle_for()
    damage(bundle.directory / WASM_FILE)
    assert bundle.wasm() == whole
    assert len(registry.reads) == 2
    assert bundle_for().wasm() == whole
    assert len(registry.reads) == 2


@damaged
def test_a_damaged_module_that_was_shipped_is_replaced_by_one_in_the_cache(
    root: Path, registry: Registry, damage: Callable[[Path], None]
) -> None:
    whole = bundle_for()
    _ship(whole)
    damage(bundles.SHIPPED_BUNDLE / WASM_FILE)
    assert bundle_for().wasm() == whole.wasm()
    assert len(registry.reads) == 1


def test_a_module_that_cannot_be_mended_is_an_error(
    root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_for()
    (bundle.directory / WASM_FILE).unlink()
    monkeypatch.setattr(bundles, "_compile", lambda roots, directory: load_bundle(directory))
    with pytest.raises(EngineError, match="cannot be read"):
        bundle.wasm()
