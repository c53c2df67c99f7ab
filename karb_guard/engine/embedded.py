"""The embedded engine: compiled policies, evaluated in this process in a WebAssembly sandbox."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from karb_guard.engine.answer_memory import MAX_BYTES, AnswerMemory, Store
from karb_guard.engine.answer_reader import AnswerReader
from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.catalogue import Group
from karb_guard.engine.documents import ParamsWriter, UnwritableError, splice, without
from karb_guard.engine.entrypoints import PARAMS
from karb_guard.engine.interface import Answer, Answered, EngineError, NotEvaluated
from karb_guard.engine.wasm.errors import ModuleError, TrappedError

if TYPE_CHECKING:
    from karb_guard.engine.wasm.runtime import Runtime


READ_BYTES = 4 * 2**20
"""Of the texts of answers that were read before, and what they take once they are read."""
MAX_READERS = 64
"""One for each entry point group and parameters."""


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
    remembered_bytes: int = MAX_BYTES
    """Of questions and answers that are remembered; 0: none are."""

    def __post_init__(self) -> None:
        """Refuse bounds that can't be meant."""
        bounds = {
            "deadline_seconds": (self.deadline_seconds, 0.001, 60),
            "memory_bytes": (self.memory_bytes, 1 << 20, 1 << 30),
            "input_bytes": (self.input_bytes, 1 << 10, 1 << 28),
            "instances": (self.instances, 1, 1024),
            "remembered_bytes": (self.remembered_bytes, 0, 1 << 30),
        }
        for name, (value, lowest, highest) in bounds.items():
            if not lowest <= value <= highest:
                raise EngineError(f"{name} is {value}; it must be from {lowest} to {highest}")


class _Asked(NamedTuple):
    """What knows the answers of one entry point with one set of parameters."""

    reader: AnswerReader
    memory: AnswerMemory


class EmbeddedEngine:
    """Evaluates a compiled bundle with ``wasmtime``. Safe to use from several threads.

    The module is loaded at the first evaluation, so that making an engine costs nothing.
    """

    name = "embedded"
    may_fork = True

    def __init__(self, bundle: CompiledBundle, settings: EmbeddedSettings | None = None) -> None:
        self._bundle = bundle
        self._settings = settings or EmbeddedSettings()
        self._params = ParamsWriter(b'{"%s":' % PARAMS.encode(), b"}")
        self._readers: dict[tuple[str, bytes], _Asked] = {}
        self._answers = Store(self._settings.remembered_bytes)
        self._read = Store(READ_BYTES)
        self._asked_count = 0
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
        asked = self._asked(entry, data, params)
        if self._closed:
            raise EngineError("the engine is closed")
        runtime = self._runtime or self._start()
        ask = partial(runtime.evaluate, runtime.entrypoints[entry.entrypoint], data=data)
        return [self._answer(ask, without(document, entry.unread), asked) for document in inputs]

    def _asked(self, entry: Group, data: bytes, params: Collection[str]) -> _Asked:
        known = self._readers.get((entry.entrypoint, data))
        if known is None:
            expected = tuple(name for name in entry.invariants if name in params)
            # No two that were ever made share a name: parameters may change with a reload.
            self._asked_count += 1
            name = b"%d" % self._asked_count
            revision = self._bundle.catalogue.revision
            reader = AnswerReader(entry.invariants, expected, revision, self._read, name)
            memory = AnswerMemory(self._answers, name, token_volumes=entry.token_volumes)
            known = _Asked(reader, memory)
            if len(self._readers) >= MAX_READERS:
                self._readers.clear()
            self._readers[entry.entrypoint, data] = known
        return known

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

    def _answer(
        self, ask: Callable[[bytes], bytes], document: Mapping[str, Any], asked: _Asked
    ) -> Answer:
        def answered(question: bytes) -> tuple[bytes, Answer]:
            text = ask(question)
            return text, asked.reader.read(text)

        try:
            question = splice(b"", document, self._settings.input_bytes)
            return asked.memory.answer(question, answered)
        except UnwritableError as error:
            return error.not_evaluated
        except TrappedError as error:
            return NotEvaluated(error.cause, error.reason)
