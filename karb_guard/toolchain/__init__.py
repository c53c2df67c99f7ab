"""Finds the programs that karb-guard compiles policies with, or builds them."""

from karb_guard.toolchain.cache import cache_dir
from karb_guard.toolchain.errors import ToolchainError
from karb_guard.toolchain.gotool import build_go_tool, find_go
from karb_guard.toolchain.opa import OPA_VERSION, find_opa, installed_opa

__all__ = [
    "OPA_VERSION",
    "ToolchainError",
    "build_go_tool",
    "cache_dir",
    "find_go",
    "find_opa",
    "installed_opa",
]
