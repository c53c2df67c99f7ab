"""The library of KEDA's scalers is what KEDA's own schema gives."""

from __future__ import annotations

import pytest

from karb_guard.toolchain import ToolchainError, find_go
from tests.support import keda_scalers


def test_the_generated_library_is_that_of_the_pinned_module() -> None:
    try:
        go = find_go()
    except ToolchainError as error:
        pytest.skip(f"the schema is read through Go's module cache: {error}")
    scalers = keda_scalers.schema(str(go))["scalers"]
    assert len(scalers) > 70, "a schema that lost its scalers proves nothing"
    assert keda_scalers.TARGET.read_text(encoding="utf-8") == keda_scalers.rego(scalers)
