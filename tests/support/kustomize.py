"""Kustomize, built once from its Go module."""

from __future__ import annotations

from pathlib import Path

from karb_guard.toolchain import build_go_tool, cache_dir

REPOSITORY = Path(__file__).parents[2]
VERSION = "5.8.2"


def kustomize_path() -> Path:
    """The kustomize command, built on first use (about a minute)."""
    target = cache_dir() / "bin" / f"kustomize-{VERSION}"
    module = REPOSITORY / "tools" / "kustomize"
    return build_go_tool(module, "sigs.k8s.io/kustomize/kustomize/v5", target)
