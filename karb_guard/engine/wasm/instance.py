"""One instance of a policy module: OPA's WebAssembly ABI 1.2 and later, from the host's side.

The ABI is described in OPA's docs/docs/wasm.md; ``opa_eval`` is the one call that parses the
input, evaluates and serialises the answer. The host owes it two things. The input is written at
the heap's base and the heap pointer behind it is passed in, so that each evaluation starts with
an empty heap. And memory grows through ``opa_malloc`` alone: the module keeps the end of its
memory in a variable of its own, and pages which the host adds behind its back are paid a second
time (a page for each of the following allocations).
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import wasmtime

from karb_guard.engine.entrypoints import FIND_N
from karb_guard.engine.wasm.calls import Call, PublicCall, agree, bind
from karb_guard.engine.wasm.errors import ModuleError, TrappedError
from karb_guard.engine.wasm.hostcalls import HostCalls
from karb_guard.engine.wasm.modules import LoadedModule

_ABI_MAJOR, _ABI_MINOR = 1, 2
_ALIGNMENT = 8
_FIRST_CHUNK = 8192
_MAX_DATA = 64
"""Data documents after which an instance is crowded. There is one for each entry point group; more
come with configurations that were loaded anew."""
_EXPORTS = (
    "opa_eval",
    "opa_heap_ptr_get",
    "opa_heap_ptr_set",
    "opa_json_parse",
    "opa_malloc",
    "opa_json_dump",
    "opa_value_dump",
    "opa_value_parse",
    "builtins",
    "entrypoints",
)

# Older releases of the package hand out the handles of host functions without a lock.
_CREATION = threading.Lock()


class Limits(NamedTuple):
    """What one instance may use."""

    memory_bytes: int
    """Linear memory, all of it: code's data, stack, input, heap and answer."""
    ticks: int
    """Epoch ticks from the start of an evaluation to its end."""


class Instance:
    """A module with memory of its own. One thread at a time."""

    def __init__(
        self, loaded: LoadedModule, limits: Limits, builtins: Mapping[str, Callable[..., Any]]
    ) -> None:
        """Instantiate ``loaded``; ``builtins`` are the host's functions by OPA's names.

        Raises ``TrappedError`` when the module asks for more memory than ``limits`` allow, and
        ``ModuleError`` for a module of another kind or with a built-in that is not in ``builtins``.
        """
        self.limits = limits
        self._loaded = loaded
        self._builtins = builtins
        self._searcher: Instance | None = None
        self._host = HostCalls(self, builtins)
        with _CREATION:
            self._store = self._new_store(loaded.engine)
            self._memory, exports = self._instantiate(loaded)
        self._calls = self._bind(exports)
        self._eval = self._calls["opa_eval"]
        self._data: dict[bytes, int] = {b"": 0}
        self._base = self._start()

    def close(self) -> None:
        """Give the memory back now, not at the next garbage collection."""
        if self._searcher is not None:
            self._searcher.close()
        with _CREATION:
            self._store.close()

    @property
    def memory_bytes(self) -> int:
        """How large the instance's memory has grown; it never shrinks."""
        return self._memory.data_len(self._store)

    @property
    def crowded(self) -> bool:
        """Whether so many data documents were read that a fresh instance is the better one."""
        return len(self._data) > _MAX_DATA

    def evaluate(self, entrypoint: int, document: bytes, data: bytes = b"") -> bytes:
        """The result set of ``entrypoint`` for ``document`` and ``data`` (both JSON), as JSON.

        ``data`` is read once and kept. After ``TrappedError`` the instance is useless.
        """
        self._host.begin()
        self._store.set_epoch_deadline(self.limits.ticks)
        try:
            kept = self._data.get(data)
            if kept is None:
                kept = self._keep(data)
            self._write(document)
            size = len(document)
            address = self._eval(0, entrypoint, kept, self._base, size, self._behind(size), 0)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise self._host.failure or self.trapped(error) from error
        if self._host.failure is not None:
            raise self._host.failure
        return self._read(address)

    def _keep(self, data: bytes) -> int:
        """The address of ``data``, parsed below a new base of the heap: it stays."""
        self._write(data)
        self._calls["opa_heap_ptr_set"](self._behind(len(data)))
        address = self._calls["opa_json_parse"](self._base, len(data))
        if address == 0:
            raise TrappedError("answer", "the parameters are no JSON that the policies can read")
        self._base = self._calls["opa_heap_ptr_get"]()
        self._data[data] = address
        return address

    def _behind(self, size: int) -> int:
        """Where the heap goes on behind ``size`` bytes at its base."""
        return (self._base + size + _ALIGNMENT - 1) & -_ALIGNMENT

    @property
    def entrypoints(self) -> dict[str, int]:
        """Entry points and their numbers."""
        return self._mapping("entrypoints")

    def dump(self, address: int) -> str:
        """See ``hostcalls.Guest``."""
        return self._read(self._calls["opa_value_dump"](address)).decode()

    def load(self, literal: str) -> int:
        """See ``hostcalls.Guest``."""
        content = literal.encode()
        address = self._calls["opa_malloc"](len(content) + 1)
        self._poke(address, content)
        return self._calls["opa_value_parse"](address, len(content))

    def text(self, address: int) -> str:
        """See ``hostcalls.Guest``."""
        return self._read(address).decode(errors="replace")

    def find_n(self, pattern: str, value: str, number: int) -> list[str] | None:
        """See ``hostcalls.Guest``; a second instance answers, for this one is evaluating."""
        if self._searcher is None:
            self._searcher = Instance(self._loaded, self.limits, self._builtins)
            self._find_n = self._searcher.entrypoints[FIND_N]
        question = orjson.dumps({"pattern": pattern, "value": value, "number": number})
        rows = orjson.loads(self._searcher.evaluate(self._find_n, question))
        return rows[0]["result"] if rows else None

    def _new_store(self, engine: wasmtime.Engine) -> wasmtime.Store:
        store = wasmtime.Store(engine)
        store.set_limits(memory_size=self.limits.memory_bytes, instances=1, tables=1, memories=1)
        store.set_epoch_deadline(self.limits.ticks)
        return store

    def _instantiate(self, loaded: LoadedModule) -> tuple[wasmtime.Memory, Mapping[str, Any]]:
        memory: wasmtime.Memory | None = None
        imports: list[Any] = []
        try:
            for wanted in loaded.module.imports:
                if isinstance(wanted.type, wasmtime.MemoryType):
                    memory = wasmtime.Memory(self._store, _with_room(wanted.type, loaded))
                    imports.append(memory)
                else:
                    imports.append(self._function(wanted))
            exports = wasmtime.Instance(self._store, loaded.module, imports).exports(self._store)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise self.trapped(error) from error
        if memory is None:
            raise ModuleError("the module imports no memory: it wasn't made by `opa build`")
        return memory, exports

    def _function(self, wanted: wasmtime.ImportType) -> wasmtime.Func:
        if not isinstance(wanted.type, wasmtime.FuncType):
            raise ModuleError(f"no ABI has the module's import {wanted.module}.{wanted.name}")
        # A weak reference: the package keeps callbacks in a global table until their store is
        # gone, and a callback that held the store would keep it forever.
        host = weakref.ref(self._host)
        name = str(wanted.name)

        def callback(*arguments: int) -> int | None:
            target = host()
            return target.called(name, arguments) if target is not None else None

        return wasmtime.Func(self._store, wanted.type, callback)

    def _bind(self, exports: Mapping[str, Any]) -> dict[str, Call]:
        functions = {name: _function(exports, name) for name in _EXPORTS}
        version = [
            _global(exports, f"opa_wasm_abi_{part}version", self._store) for part in ("", "minor_")
        ]
        if version[0] != _ABI_MAJOR or version[1] < _ABI_MINOR:
            raise ModuleError(f"the module speaks ABI {version[0]}.{version[1]}, not 1.2 or later")
        fast = agree(self._store, functions["opa_heap_ptr_get"])
        return {
            name: bind(self._store, func) if fast else PublicCall(self._store, func)
            for name, func in functions.items()
        }

    def _start(self) -> int:
        """Everything that stays: the heap's base is behind it."""
        try:
            self._host.identify(self._mapping("builtins"))
            self._calls["opa_malloc"](0)  # so says the ABI: "always prudent"
            return self._calls["opa_heap_ptr_get"]()
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise self.trapped(error) from error

    def _mapping(self, export: str) -> dict[str, int]:
        address = self._calls["opa_json_dump"](self._calls[export]())
        mapping: dict[str, int] = orjson.loads(self._read(address))
        return mapping

    def _write(self, document: bytes) -> None:
        if self._base + len(document) >= self._memory.data_len(self._store):
            # Reserves the pages; the evaluation then starts over from the base.
            self._calls["opa_heap_ptr_set"](self._base)
            self._calls["opa_malloc"](len(document) + _ALIGNMENT)
        self._poke(self._base, document)

    def _poke(self, address: int, content: bytes) -> None:
        # The size and the place of the memory are asked each time: both change when it grows.
        if address + len(content) > self._memory.data_len(self._store):
            raise TrappedError("memory", "the document doesn't fit into the evaluation's memory")
        ctypes.memmove(self._origin() + address, content, len(content))

    def _read(self, address: int) -> bytes:
        """The null-terminated string at ``address``, never beyond the end of the memory."""
        left = self._memory.data_len(self._store) - address
        place, chunk = self._origin() + address, _FIRST_CHUNK
        while left > 0:
            size = min(chunk, left)
            content = ctypes.string_at(place, size)
            end = content.find(b"\0")
            if end >= 0:
                return content[:end]
            if size == left:
                break
            chunk *= 4
        raise TrappedError("trap", "the module answered with an address outside of its memory")

    def _origin(self) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)

    def trapped(self, error: wasmtime.Trap | wasmtime.WasmtimeError) -> TrappedError:
        """See ``hostcalls.Guest``."""
        code = error.trap_code if isinstance(error, wasmtime.Trap) else None
        words = self._host.abort
        if code is wasmtime.TrapCode.INTERRUPT:
            return TrappedError("deadline", "the policies took longer than the deadline")
        if (words or "").startswith("opa_malloc") or "memory minimum size" in str(error):
            limit = self.limits.memory_bytes >> 20
            return TrappedError("memory", f"the policies need more than {limit} MiB of memory")
        if code is wasmtime.TrapCode.STACK_OVERFLOW:
            return TrappedError("trap", "the policies recurse too deeply for this input")
        said = words or str(error).strip().splitlines()[-1]
        return TrappedError("trap", f"the policies failed: {said}")


def _with_room(wanted: wasmtime.MemoryType, loaded: LoadedModule) -> wasmtime.MemoryType:
    """The imported memory, large enough for all data segments from the start."""
    limits = wanted.limits
    return wasmtime.MemoryType(wasmtime.Limits(limits.min + loaded.data_pages, limits.max))


def _function(exports: Mapping[str, Any], name: str) -> wasmtime.Func:
    found = exports.get(name)
    if not isinstance(found, wasmtime.Func):
        raise ModuleError(f"the module exports no function {name}: it wasn't made by `opa build`")
    return found


def _global(exports: Mapping[str, Any], name: str, store: wasmtime.Store) -> int:
    found = exports.get(name)
    if not isinstance(found, wasmtime.Global):
        raise ModuleError(f"the module exports no global {name}: it wasn't made by `opa build`")
    return int(found.value(store))
