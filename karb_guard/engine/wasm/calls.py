"""Calls exported functions of a module whose parameters are all ``i32``.

``wasmtime.Func`` looks its type up and converts every value at each call: 50 microseconds for
``opa_eval``, a fifth of a whole evaluation (docs/decisions/0001-engine.md). ``PreparedCall``
keeps the slots for arguments and result and calls the C function that ``wasmtime.Func`` itself
calls. It reaches into the package's private bindings for that, so an instance proves it against
the public call first (``agree``) and uses that one when the private names have changed.
"""

from __future__ import annotations

from ctypes import POINTER, byref
from typing import Any, Protocol

import wasmtime

_UNSIGNED = 0xFFFFFFFF


class Call(Protocol):
    """An exported function: ``i32`` arguments in, an unsigned result (0 for none) out."""

    def __call__(self, *arguments: int) -> int:
        """Raises ``wasmtime.Trap`` or ``wasmtime.WasmtimeError``."""
        ...


class PublicCall:
    """The call through the package's public interface."""

    def __init__(self, store: wasmtime.Store, func: wasmtime.Func) -> None:
        self._store = store
        self._func = func

    def __call__(self, *arguments: int) -> int:
        """See ``Call``."""
        result = self._func(self._store, *arguments)
        return 0 if result is None else int(result) & _UNSIGNED


class PreparedCall:
    """The call with slots that are made once. Not reentrant; one thread at a time."""

    def __init__(self, store: wasmtime.Store, func: wasmtime.Func) -> None:
        from wasmtime import _ffi as ffi

        kind = func.type(store)
        arity = len(kind.params)
        self._store = store  # the context pointer lives as long as the store
        self._func = func
        self._arguments = (ffi.wasmtime_val_t * arity)()
        self._results = (ffi.wasmtime_val_t * len(kind.results))()
        for value in self._arguments:
            value.kind = ffi.WASMTIME_I32.value  # type: ignore[assignment]
        self._slots = [value.of for value in self._arguments]
        self._result = self._results[0].of if len(kind.results) else None
        self._trap = POINTER(ffi.wasm_trap_t)()
        self._prepared = (
            store._context(),
            byref(func._func),
            self._arguments,
            arity,
            self._results,
            len(kind.results),
        )
        self._call: Any = ffi.wasmtime_func_call
        self._no_trap: Any = POINTER(ffi.wasm_trap_t)

    def __call__(self, *arguments: int) -> int:
        """See ``Call``."""
        for slot, value in zip(self._slots, arguments, strict=True):
            slot.i32 = value
        error = self._call(*self._prepared, byref(self._trap))
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)
        if self._trap:
            trap, self._trap = self._trap, self._no_trap()
            raise wasmtime.Trap._from_ptr(trap)
        return 0 if self._result is None else int(self._result.i32) & _UNSIGNED


def bind(store: wasmtime.Store, func: wasmtime.Func) -> Call:
    """The fastest call of ``func`` that this version of ``wasmtime`` allows."""
    try:
        return PreparedCall(store, func)
    except (AttributeError, ImportError, IndexError, TypeError):
        return PublicCall(store, func)


def agree(store: wasmtime.Store, func: wasmtime.Func) -> bool:
    """Whether the prepared and the public call of ``func`` (no arguments) answer the same."""
    try:
        return bind(store, func)() == PublicCall(store, func)()
    except (AttributeError, TypeError, wasmtime.WasmtimeError):
        return False
