"""Runs ``karb-guard`` as users do: a process of its own, an exit code, two streams."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 120
POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: nginx:latest
    resources: {limits: {memory: 64Mi}}
"""
"""One pod with an ``img-tag`` error on line 7."""
IMAGE_LINE = 7
CLEAN = POD.replace("nginx:latest", "nginx:1.29.1")
"""The same pod without an error; pss-restricted still warns."""


@dataclass(frozen=True)
class Done:
    """What is left of a run."""

    code: int
    out: str
    err: str


def karb_guard(
    *arguments: str | Path,
    cwd: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Done:
    """Run the command line. Whatever the input: never a stack trace, never "internal error"."""
    done = subprocess.run(
        [sys.executable, "-m", "karb_guard", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(env or {})},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    found = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in found.err, found.err
    assert "karb-guard: internal error" not in found.err, found.err
    return found
