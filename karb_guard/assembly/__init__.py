"""Configuration, catalogue and engine put together.

Names are imported on first use: a command that lists the catalogue loads no engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from karb_guard.assembly.guard import Guard, assemble
    from karb_guard.assembly.policies import Choices, read_catalogue

__all__ = ["Choices", "Guard", "assemble", "read_catalogue"]

_MODULES = {
    "Choices": "policies",
    "Guard": "guard",
    "assemble": "guard",
    "read_catalogue": "policies",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
