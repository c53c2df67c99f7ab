"""What each policy costs: executed WebAssembly instructions, which are the same at every run.

Time is what counts in the end, but on a busy machine it hides a difference of a tenth. wasmtime can
count instructions ("fuel"); a thousand of them take about a fifth of a microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import wasmtime

from benchmarks.engines import PODS, guard, pod
from benchmarks.table import markdown
from karb_guard.assembly import Guard
from karb_guard.engine.builtins.on_demand import OnDemand
from karb_guard.engine.documents import to_json
from karb_guard.engine.entrypoints import PARAMS
from karb_guard.engine.interface import Answer, Engine
from karb_guard.engine.wasm.instance import Instance, Limits
from karb_guard.engine.wasm.modules import PAGE_BYTES, LoadedModule
from karb_guard.evaluation import Evaluator

_TANK = 10**15
_NO_DEADLINE = 10**6
_MEMORY = 64 << 20


class _Metered(Instance):
    """An instance whose executed instructions are counted."""

    def _new_store(self, engine: wasmtime.Engine) -> wasmtime.Store:
        store = super()._new_store(engine)
        store.set_fuel(_TANK)
        return store

    def cost(self, entrypoint: int, document: bytes, data: bytes) -> int:
        """Instructions of one evaluation, without reading the parameters, which happens once."""
        self.evaluate(entrypoint, document, data)
        self._store.set_fuel(_TANK)
        self.evaluate(entrypoint, document, data)
        return _TANK - self._store.get_fuel()


class _Question:
    """The engine that stands between, and remembers what it is asked."""

    name = "remembering"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.group = ""
        self.params: Mapping[str, Mapping[str, Any]] = {}
        self.document: Mapping[str, Any] = {}

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        """See ``Engine``."""
        self.group, self.params, self.document = group, params, inputs[0]
        return self._engine.evaluate(group, params, inputs)

    def close(self) -> None:
        """See ``Engine``."""


def run() -> str:
    """A row for each policy, the most expensive first."""
    with guard() as loaded:
        metered = _metered(loaded.bundle.wasm())
        columns = [_column(loaded, metered, name) for name in PODS]
    order = sorted(columns[0], key=lambda name: -columns[0][name])
    rows = [(name, *(f"{column[name] / 1000:,.1f}" for column in columns)) for name in order]
    return markdown(("thousand instructions", *PODS), rows)


def _metered(wasm: bytes) -> _Metered:
    configuration = wasmtime.Config()
    configuration.epoch_interruption = True
    configuration.consume_fuel = True
    engine = wasmtime.Engine(configuration)
    pages = len(wasm) // PAGE_BYTES + 1
    module = LoadedModule(engine, wasmtime.Module(engine, wasm), pages)
    return _Metered(module, Limits(_MEMORY, _NO_DEADLINE), OnDemand())


def _column(loaded: Guard, metered: _Metered, name: str) -> dict[str, int]:
    question = _Question(loaded.engine)
    Evaluator(question, loaded.evaluator.settings).evaluate([pod(name)])
    entry = loaded.bundle.catalogue.groups[question.group].entrypoint
    number, document = metered.entrypoints[entry], to_json(question.document)

    def cost(params: Mapping[str, Any]) -> int:
        return metered.cost(number, document, to_json({PARAMS: params}))

    everything, nothing = cost(question.params), cost({})
    column = {"everything": everything, "reading the input, and no policy": nothing}
    for one in question.params:
        # What an evaluation saves without it: what policies share is nobody's.
        column[one] = everything - cost({k: v for k, v in question.params.items() if k != one})
    return column
