"""Runs the pinned ``opa`` and turns its failures into words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from karb_guard.engine.interface import EngineError
from karb_guard.toolchain import find_opa

_TIMEOUT_SECONDS = 300


def run_opa(
    arguments: Sequence[str], *, cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run ``opa`` with ``arguments`` in ``cwd``.

    Raises ``EngineError`` with OPA's own words when it can't run, takes longer than five
    minutes, or (with ``check``) ends with an error.
    """
    command = [str(find_opa()), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - the pinned opa, no shell
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"opa {arguments[0]} could not run: {error}") from error
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[:4000]
        raise EngineError(f"opa {arguments[0]} refused the policies:\n{words}")
    return done
