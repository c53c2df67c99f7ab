"""The embedded engine: compiled policies, evaluated in this process in a WebAssembly sandbox."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from karb_guard.engine.answers import parse_answer, read_answer
from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.documents import ParamsWriter, UnwritableError, splice
from karb_guard.engine.entrypoints import PARAMS
from karb_guard.engine.interface import Answer, Answered, EngineError, NotEvaluated
from karb_guard.engine.wasm.errors import ModuleError, TrappedError

if TYPE_CHECKING:
    from karb_guard.engine.wasm.runtime import Runtime


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """The bounds of one evaluation."""

    deadline_seconds: float = 0.2
    """Wall time; up to a tenth more may pass (a tick is a twentieth, and two may be under way)."""
    memory_bytes: int = 64 << 20
    """Linear memory of an instance: the module's data and stack, input, heap, answer."""
    input_bytes: int = 4 << 20
    """The input document; parsed, it takes several times as much memory."""
    instances: int = 8
    """How many evaluations may run at the same time; further ones wait."""

    def __post_init__(self) -> None:
        """Refuse bounds that can't be meant."""
        bounds = {
            "deadline_seconds": (self.deadline_seconds, 0.001, 60),
            "memory_bytes": (self.memory_bytes, 1 << 20, 1 << 30),
            "input_bytes": (self.input_bytes, 1 << 10, 1 << 28),
            "instances": (self.instances, 1, 1024),
        }
        for name, (value, lowest, highest) in bounds.items():
            if not lowest <= value <= highest:
                raise EngineError(f"{name} is {value}; it must be from {lowest} to {highest}")


class EmbeddedEngine:
    """Evaluates a compiled bundle with ``wasmtime``. Safe to use from several threads.

    The module is loaded at the first evaluation, so that making an engine costs nothing.
    """

    name = "embedded"

    def __init__(self, bundle: CompiledBundle, settings: EmbeddedSettings | None = None) -> None:
        self._bundle = bundle
        self._settings = settings or EmbeddedSettings()
        self._params = ParamsWriter(b'{"%s":' % PARAMS.encode(), b"}")
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()
        self._closed = False

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        """See ``Engine``. ``params`` is recognised by identity: pass a new one to change it."""
        entry = self._bundle.catalogue.groups.get(group)
        if entry is None:
            return [Answered(()) for _ in inputs]
        try:
            data = self._params.written(params)
        except UnwritableError as error:
            return [error.not_evaluated for _ in inputs]
        expected = tuple(name for name in entry.invariants if name in params)
        if self._closed:
            raise EngineError("the engine is closed")
        runtime = self._runtime or self._start()
        number = runtime.entrypoints[entry.entrypoint]
        answers: list[Answer] = []
        for document in inputs:
            result = self._result(runtime, number, data, document)
            if not isinstance(result, NotEvaluated):
                result = _named(result, entry.invariants)
                result = read_answer(result, expected, self._bundle.catalogue.revision)
            answers.append(result)
        return answers

    def warm_up(self) -> None:
        """Load the module and make an instance now; raises ``EngineError`` where that fails."""
        if self._runtime is None:
            self._start()

    def close(self) -> None:
        """Give the instances back and end the deadline's thread."""
        with self._lock:
            self._closed = True
            if self._runtime is not None:
                self._runtime.close()

    def _start(self) -> Runtime:
        with self._lock:
            if self._runtime is None:
                self._runtime = self._load()
                weakref.finalize(self, self._runtime.close)
            return self._runtime

    def _load(self) -> Runtime:
        # wasmtime takes 80 ms to import, which commands that don't evaluate needn't spend.
        from karb_guard.engine.wasm.runtime import Runtime, RuntimeLimits

        settings = self._settings
        limits = RuntimeLimits(settings.deadline_seconds, settings.memory_bytes, settings.instances)
        try:
            return Runtime(self._bundle.wasm(), limits)
        except ModuleError as error:
            raise EngineError(f"{self._bundle.directory}: {error}") from error

    def _result(
        self, runtime: Runtime, number: int, data: bytes, document: Mapping[str, Any]
    ) -> Any:
        """The entry point's value, ``None`` where it has none, or ``NotEvaluated``."""
        try:
            raw = splice(b"", document, self._settings.input_bytes)
            rows = parse_answer(runtime.evaluate(number, raw, data))
        except UnwritableError as error:
            return error.not_evaluated
        except TrappedError as error:
            return NotEvaluated(error.cause, error.reason)
        except ValueError as error:
            return NotEvaluated("answer", f"the policies' answer is no JSON: {error}")
        return rows[0].get("result") if rows else None


def _named(result: Any, names: Sequence[str]) -> Any:
    """The answer with names for places (``dispatch_rego``); what is no such answer, as it is."""
    if not isinstance(result, dict) or not isinstance(places := result.get("answers"), list):
        return result
    if len(places) != len(names):
        return None  # of other policies than the catalogue's
    answers = {name: rows for name, rows in zip(names, places, strict=True) if rows is not None}
    return {"revision": result.get("revision"), "answers": answers}
