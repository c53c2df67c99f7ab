"""Everything that one bundle needs to run: module, instances, and the clock of their deadlines."""

from __future__ import annotations

import time
from typing import NamedTuple

import wasmtime

from karb_guard.engine.builtins.on_demand import OnDemand
from karb_guard.engine.wasm.errors import ModuleError, TrappedError
from karb_guard.engine.wasm.instance import Instance, Limits
from karb_guard.engine.wasm.modules import load_module
from karb_guard.engine.wasm.pool import Pool
from karb_guard.engine.wasm.ticker import Ticker

_TICKS_PER_DEADLINE = 20
_MIN_TICK_SECONDS = 0.001
_ATTEMPTS = 5
"""How often an evaluation that met the deadline without the CPU time for it is tried."""
_KEPT_SHARE = 4
"""An instance that used more than a quarter of its memory once is not kept."""


class RuntimeLimits(NamedTuple):
    """The bounds of an evaluation and of how many there are at a time."""

    deadline_seconds: float
    memory_bytes: int
    instances: int


class Runtime:
    """Evaluates entry points of one module. Safe to use from several threads."""

    def __init__(self, wasm: bytes, limits: RuntimeLimits) -> None:
        """Raises ``ModuleError`` for what is no policy module or doesn't fit into the memory."""
        self._deadline_seconds = limits.deadline_seconds
        try:
            self._loaded = load_module(wasm)
        except wasmtime.WasmtimeError as error:
            raise ModuleError(f"no WebAssembly module: {error}") from error
        interval = max(limits.deadline_seconds / _TICKS_PER_DEADLINE, _MIN_TICK_SECONDS)
        self._ticker = Ticker(self._loaded.engine.increment_epoch, interval)
        ticks = self._ticker.ticks(limits.deadline_seconds)
        self._limits = Limits(limits.memory_bytes, ticks)
        self._pool = Pool(self._instance, limits.instances, limits.memory_bytes // _KEPT_SHARE)
        self.entrypoints = self._read_entrypoints()

    def evaluate(self, entrypoint: int, document: bytes, data: bytes = b"") -> bytes:
        """The result set of an entry point as JSON. Raises ``TrappedError``.

        ``document`` is the input, ``data`` what policies see as ``data`` (none: nothing).

        The deadline is wall time, which also passes for a thread that gets no processor: on a busy
        node, evaluations of half a millisecond met it. So one that did not use its time is tried
        anew; a policy that loops uses it at any load.
        """
        self._ticker.begin()
        try:
            began = time.thread_time()
            for _ in range(_ATTEMPTS - 1):
                try:
                    return self._once(entrypoint, document, data)
                except TrappedError as error:
                    used = time.thread_time() - began
                    if error.cause != "deadline" or used >= self._deadline_seconds:
                        raise
            return self._once(entrypoint, document, data)
        finally:
            self._ticker.end()

    def _once(self, entrypoint: int, document: bytes, data: bytes) -> bytes:
        instance = self._pool.take()
        try:
            answer = instance.evaluate(entrypoint, document, data)
        except BaseException:
            self._pool.drop(instance)
            raise
        self._pool.put(instance)
        return answer

    def close(self) -> None:
        """Close the instances and end the clock's thread."""
        self._pool.close()
        self._ticker.stop()

    def _instance(self) -> Instance:
        return Instance(self._loaded, self._limits, OnDemand())

    def _read_entrypoints(self) -> dict[str, int]:
        try:
            instance = self._pool.take()
        except TrappedError as error:
            raise ModuleError(error.reason) from error
        entrypoints = instance.entrypoints
        self._pool.put(instance)
        return entrypoints
