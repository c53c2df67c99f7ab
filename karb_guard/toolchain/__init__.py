"""Finds the programs that karb-guard compiles policies with, or builds them.

Names are imported on first use: whoever only asks for the cache's directory (every start of the
linter does) must not pay for what builds Go programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from karb_guard.toolchain.cache import cache_dir
    from karb_guard.toolchain.errors import ToolchainError
    from karb_guard.toolchain.gotool import build_go_tool, find_go
    from karb_guard.toolchain.opa import find_opa, installed_opa
    from karb_guard.toolchain.pins import OPA_VERSION

__all__ = [
    "OPA_VERSION",
    "ToolchainError",
    "build_go_tool",
    "cache_dir",
    "find_go",
    "find_opa",
    "installed_opa",
]

_MODULES = {
    "OPA_VERSION": "pins",
    "ToolchainError": "errors",
    "build_go_tool": "gotool",
    "cache_dir": "cache",
    "find_go": "gotool",
    "find_opa": "opa",
    "installed_opa": "opa",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
