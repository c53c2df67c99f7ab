"""Helm, built once from its Go module, and what the chart renders to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from karb_guard.toolchain import build_go_tool, cache_dir

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "karb-guard"
VERSION = "4.3.1"
RELEASE, NAMESPACE = "karb-guard", "karb-e2e-chart"


def helm_path() -> Path:
    """The helm command, built on first use (about three minutes)."""
    target = cache_dir() / "bin" / f"helm-{VERSION}"
    return build_go_tool(REPOSITORY / "tools" / "helm", "helm.sh/helm/v4/cmd/helm", target)


def helm(*args: str) -> subprocess.CompletedProcess[str]:
    """Run helm; the caller looks at the exit code."""
    return subprocess.run(
        [str(helm_path()), *args], capture_output=True, text=True, timeout=60, check=False
    )


def render(*settings: str) -> list[dict[str, Any]]:
    """The chart's objects with ``--set`` for each of ``settings``."""
    flags = [flag for setting in settings for flag in ("--set-json", setting)]
    done = helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *flags)
    if done.returncode:
        raise AssertionError(done.stderr)
    return [document for document in yaml.safe_load_all(done.stdout) if document]
