"""Modules whose data segments end beyond the memory that they ask for.

`opa build` makes such modules when its last segments happen to cross the end of a page.
"""

from __future__ import annotations

import pytest
import wasmtime

from karb_guard.engine.wasm.errors import ModuleError
from karb_guard.engine.wasm.instance import Instance, Limits
from karb_guard.engine.wasm.modules import load_module

PAGES = 2
CROSSING = f"""(module
  (import "env" "memory" (memory {PAGES}))
  (data (i32.const {PAGES * 65536 - 2}) "text"))"""


def test_data_beyond_the_memory_asked_for_is_given_room() -> None:
    loaded = load_module(bytes(wasmtime.wat2wasm(CROSSING)))
    # Instantiated, and then found to be no module of OPA's; without room it would trap before.
    with pytest.raises(ModuleError, match="opa_eval"):
        Instance(loaded, Limits(memory_bytes=1 << 20, ticks=1000), {})
