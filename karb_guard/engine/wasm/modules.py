"""Compiles a WebAssembly module to machine code once, and keeps the result in the user's cache.

Loading serialised machine code trusts it completely, so the cache is a private directory of this
user (or root), each file carries a hash of its content, and the key names everything that the
code depends on. Whatever doesn't fit is compiled anew; without a cache nothing is stored.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
from pathlib import Path
from typing import NamedTuple

import wasmtime

from karb_guard.engine.wasm.log import logger
from karb_guard.toolchain.cache import cache_dir, is_private, private_dir

_CONFIGURATION = "epoch-1"
"""Part of the key; changes with ``_engine`` below."""
_DIGEST_BYTES = 32
PAGE_BYTES = 64 * 1024


class LoadedModule(NamedTuple):
    """Machine code, ready to be instantiated, and the engine it belongs to."""

    engine: wasmtime.Engine
    module: wasmtime.Module
    data_pages: int = 0
    """Pages of 64 KiB to add to the imported memory's least size. `opa build` reckons that size
    before it appends the last data segments, which then may end beyond it. All segments are part
    of the module's bytes, so as many pages as those fill are enough."""


def load_module(wasm: bytes) -> LoadedModule:
    """The module of ``wasm``: from the cache where a trusted, whole file is, else compiled.

    Raises ``wasmtime.WasmtimeError`` for bytes that are no valid module.
    """
    engine = _engine()
    pages = len(wasm) // PAGE_BYTES + 1
    directory = private_dir(cache_dir() / "modules")
    if directory is None:
        return LoadedModule(engine, wasmtime.Module(engine, wasm), pages)
    file = directory / f"{_key(wasm)}.cwasm"
    cached = _load(engine, file)
    if cached is not None:
        return LoadedModule(engine, cached, pages)
    module = wasmtime.Module(engine, wasm)
    _store(module, file)
    return LoadedModule(engine, module, pages)


def _engine() -> wasmtime.Engine:
    configuration = wasmtime.Config()
    configuration.epoch_interruption = True  # the deadline; costs about a fifth (decision record)
    return wasmtime.Engine(configuration)


def _key(wasm: bytes) -> str:
    parts = [
        hashlib.sha256(wasm).hexdigest(),
        _wasmtime_release(),
        platform.system(),
        platform.machine(),
        _CONFIGURATION,
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _wasmtime_release() -> str:
    """The installed release, by the name of its metadata's folder.

    ``importlib.metadata`` says the same and takes a tenth of a linter's start to import.
    """
    found = list(Path(wasmtime.__file__).parent.parent.glob("wasmtime-*.dist-info"))
    if len(found) == 1:
        return found[0].name.removesuffix(".dist-info").removeprefix("wasmtime-")
    from importlib.metadata import version

    return version("wasmtime")


def _load(engine: wasmtime.Engine, file: Path) -> wasmtime.Module | None:
    if not is_private(file, stat.S_ISREG):
        return None
    try:
        content = file.read_bytes()
    except OSError:
        return None
    # The bytes that were hashed are the bytes that are loaded: nothing can change in between.
    digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(code).digest() != digest:
        logger(__name__).warning("%s is damaged; compiling the policies' module anew", file)
        return None
    try:
        return wasmtime.Module.deserialize(engine, code)
    except wasmtime.WasmtimeError as error:  # another processor, another wasmtime
        logger(__name__).info("%s does not fit: %s", file, error)
        return None


def _store(module: wasmtime.Module, file: Path) -> None:
    code = bytes(module.serialize())
    descriptor, partial = -1, ""
    try:
        import tempfile  # costs milliseconds, which only the first run of a release need spend

        descriptor, partial = tempfile.mkstemp(dir=file.parent, prefix=".partial-")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(hashlib.sha256(code).digest() + code)
        Path(partial).replace(file)
    except OSError as error:  # a full disk is no reason not to evaluate
        logger(__name__).info("cannot keep the compiled module in %s: %s", file, error)
        if partial:
            with contextlib.suppress(OSError):
                Path(partial).unlink()
