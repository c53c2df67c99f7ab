"""The pinned ``opa``: the compiler of policies, and the oracle of the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from karb_guard.toolchain.cache import cache_dir
from karb_guard.toolchain.errors import ToolchainError
from karb_guard.toolchain.gotool import build_go_tool
from karb_guard.toolchain.pins import OPA_VERSION

__all__ = ["OPA_VERSION", "find_opa", "installed_opa"]

_MODULE = Path(__file__).parent / "opa"
_PACKAGE = "github.com/open-policy-agent/opa"
_PROBE_TIMEOUT_SECONDS = 60


def installed_opa() -> Path | None:
    """The fitting ``opa`` that is already here (PATH, then the user's cache), or ``None``."""
    on_path = shutil.which("opa")
    if on_path and _version(Path(on_path)) == OPA_VERSION:
        return Path(on_path)
    cached = _cached()
    return cached if cached.is_file() and _version(cached) == OPA_VERSION else None


def find_opa() -> Path:
    """The pinned ``opa``: on PATH, in the user's cache, or built from its Go module into it.

    A build takes about a minute, once. Raises ``ToolchainError``, which names the remedy.
    """
    found = installed_opa()
    if found is not None:
        return found
    cached = _cached()
    if cached.exists():  # it is there and does not say the version: broken, build it anew
        cached.unlink()
    try:
        built = build_go_tool(_MODULE, _PACKAGE, cached, starting=_say_building)
    except (ToolchainError, OSError) as error:
        raise ToolchainError(
            f"policies are compiled with opa {OPA_VERSION}, which is neither on PATH nor in "
            f"{cached.parent} and could not be built: {error}. Or put opa {OPA_VERSION} on PATH"
        ) from error
    if _version(built) != OPA_VERSION:
        raise ToolchainError(f"{built} was built, but does not answer as opa {OPA_VERSION}")
    return built


def _say_building() -> None:
    # Minutes of silence look like a hang.
    print(
        f"karb-guard: building opa {OPA_VERSION} from its Go module, once; "
        "this takes a minute or more",
        file=sys.stderr,
        flush=True,
    )


def _cached() -> Path:
    return cache_dir() / "bin" / f"opa-{OPA_VERSION}"


def _version(opa: Path) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - `opa version` of a program on PATH or our own build
            [str(opa), "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_PROBE_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"^Version:\s*v?(\S+)", done.stdout, re.MULTILINE)
    return match[1] if match else None
