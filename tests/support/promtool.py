"""Promtool, built once from its Go module."""

from __future__ import annotations

import subprocess
from pathlib import Path

from karb_guard.toolchain import build_go_tool, cache_dir

REPOSITORY = Path(__file__).parents[2]
VERSION = "0.316.0"
"""Of the module; the release is 3.16.0."""
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"


def promtool_path() -> Path:
    """The promtool command, built on first use (minutes), without the service discoveries."""
    target = cache_dir() / "bin" / f"promtool-{VERSION}"
    module = REPOSITORY / "tools" / "prometheus"
    return build_go_tool(module, PACKAGE, target, tags="remove_all_sd")


def promtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool; the caller looks at the exit code."""
    command = [str(promtool_path()), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


if __name__ == "__main__":
    print(promtool_path())
