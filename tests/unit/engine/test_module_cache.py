"""The cache of machine code: used when whole and private, never trusted otherwise."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import wasmtime

from karb_guard.engine.wasm import modules
from karb_guard.engine.wasm.modules import load_module

WASM = bytes(wasmtime.wat2wasm('(module (func (export "one") (result i32) i32.const 1))'))
TWO = bytes(wasmtime.wat2wasm('(module (func (export "one") (result i32) i32.const 2))'))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KARB_GUARD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "modules"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every module that was compiled, not loaded."""
    seen: list[bytes] = []
    real = wasmtime.Module

    class Counting(real):  # type: ignore[misc, valid-type]
        def __init__(self, engine: wasmtime.Engine, wasm: bytes) -> None:
            seen.append(wasm)
            super().__init__(engine, wasm)

    monkeypatch.setattr(wasmtime, "Module", Counting)
    return seen


def _run(wasm: bytes) -> int:
    loaded = load_module(wasm)
    store = wasmtime.Store(loaded.engine)
    store.set_epoch_deadline(1)
    one = wasmtime.Instance(store, loaded.module, []).exports(store)["one"]
    assert isinstance(one, wasmtime.Func)
    return int(one(store))


def _file(cache: Path) -> Path:
    [file] = cache.glob("*.cwasm")
    return file


def test_the_second_load_compiles_nothing(cache: Path, compilations: list[bytes]) -> None:
    assert [_run(WASM), _run(WASM)] == [1, 1]
    assert compilations == [WASM]
    assert cache.stat().st_mode & 0o777 == 0o700


def test_each_module_has_its_own_file(cache: Path, compilations: list[bytes]) -> None:
    assert [_run(WASM), _run(TWO), _run(WASM), _run(TWO)] == [1, 2, 1, 2]
    assert compilations == [WASM, TWO]
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "nonsense"])
def test_a_damaged_file_is_compiled_anew(cache: Path, compilations: list[bytes], harm: str) -> None:
    _run(WASM)
    file = _file(cache)
    content = file.read_bytes()
    middle = len(content) // 2
    harmed = {
        "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "cut": content[:middle],
        "empty": b"",
        "nonsense": b"x" * 100,
    }
    file.write_bytes(harmed[harm])
    assert _run(WASM) == 1
    assert compilations == [WASM, WASM]
    assert file.read_bytes() == content, "the damaged file must have been replaced"


def test_machine_code_of_another_wasmtime_is_compiled_anew(
    cache: Path, compilations: list[bytes]
) -> None:
    _run(WASM)
    code = b"\x7fELF of another release"
    _file(cache).write_bytes(hashlib.sha256(code).digest() + code)
    assert _run(WASM) == 1
    assert compilations == [WASM, WASM]


def test_the_key_names_the_release_of_wasmtime(
    cache: Path, compilations: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(WASM)
    monkeypatch.setattr(modules, "_wasmtime_release", lambda: "0.0.1")
    _run(WASM)
    assert compilations == [WASM, WASM]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_is_not_used(
    cache: Path, compilations: list[bytes], mode: int
) -> None:
    cache.mkdir(parents=True)
    cache.chmod(mode)
    assert [_run(WASM), _run(WASM)] == [1, 1]
    assert compilations == [WASM, WASM]
    assert list(cache.iterdir()) == []


def test_a_file_that_others_may_write_is_not_loaded(cache: Path, compilations: list[bytes]) -> None:
    _run(WASM)
    _file(cache).chmod(0o666)
    assert _run(WASM) == 1
    assert compilations == [WASM, WASM]


def test_a_link_is_not_followed(cache: Path, compilations: list[bytes], tmp_path: Path) -> None:
    _run(TWO)
    elsewhere = tmp_path / "elsewhere"
    _file(cache).rename(elsewhere)
    _run(WASM)
    file = _file(cache)
    file.unlink()
    file.symlink_to(elsewhere)
    assert _run(WASM) == 1
    assert compilations == [TWO, WASM, WASM]


def test_without_a_place_to_write_it_works_without_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[bytes]
) -> None:
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("KARB_GUARD_CACHE", str(tmp_path / "file"))
    assert [_run(WASM), _run(WASM)] == [1, 1]
    assert compilations == [WASM, WASM]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_someone_else_is_not_used(cache: Path, compilations: list[bytes]) -> None:
    cache.mkdir(parents=True, mode=0o700)
    os.chown(cache, 12345, 12345)
    assert [_run(WASM), _run(WASM)] == [1, 1]
    assert compilations == [WASM, WASM]
