"""Runs an OPA server with a bundle on this machine: for tests, benchmarks and trying it out."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from karb_guard.engine.interface import EngineError
from karb_guard.toolchain import find_opa

_READY_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def opa_server(bundle: Path | None, *, options: Sequence[str] = ()) -> Iterator[str]:
    """An OPA server on a free port of 127.0.0.1 that has loaded ``bundle``; yields its URL.

    ``options`` are further arguments of ``opa run``. The server is stopped at the end. Raises
    ``EngineError`` with the server's log when it isn't ready within 30 seconds.
    """
    address = f"127.0.0.1:{_free_port()}"
    # Telemetry would call out of this machine.
    command = [str(find_opa()), "run", "--server", "--addr", address, "--disable-telemetry"]
    command += ["--log-level", "error", *options, *([str(bundle)] if bundle else [])]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - pinned opa
        try:
            _wait(process, address)
            yield f"http://{address}"
        except _NotReadyError as error:
            log.seek(0)
            said = log.read().decode(errors="replace").strip()[-2000:]
            raise EngineError(f"{error}: {said}") from None
        finally:
            _stop(process)


class _NotReadyError(Exception):
    """The server did not come up."""


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _NotReadyError(f"opa run --server ended with {process.returncode}")
        # OPA listens once its bundles are loaded.
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(_POLL_SECONDS)
    raise _NotReadyError(f"opa run --server was not ready within {_READY_SECONDS:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
