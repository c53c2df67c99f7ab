"""Runs a rendering command: bounded in time and output, without network, judged by its exit code.

What it says on stderr never decides: commands warn there about charts that render well.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from karb_guard.manifests.problem import ParseProblem


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """The bounds on one command. Beyond the first two it is stopped and nothing of it is used."""

    seconds: float = 120.0
    output_bytes: int = 64 * 1024 * 1024
    stderr_bytes: int = 64 * 1024
    """More than that of stderr is dropped; the command goes on."""
    notes: int = 20
    """Warnings of one command that are passed on; of more, the number is told."""


DEFAULT_LIMITS = RenderLimits()
MAX_MESSAGE = 2000
"""Characters of a command's own words in a problem."""

_CHUNK = 1 << 16
_NOBODY = "http://127.0.0.1:9"
"""The discard port: where a proxy would be if there were one."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answered. ``stopped`` says why it had to be ended."""

    code: int
    stdout: bytes
    stderr: str
    stopped: str | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no answer to use. A warning on stderr is no failure."""
        return self.stopped is not None or self.code != 0

    @property
    def words(self) -> str:
        """Its stderr on one line, shortened."""
        text = "; ".join(line.strip() for line in self.stderr.splitlines() if line.strip())
        return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " ..."


def find(*names: str) -> str | None:
    """The first of these commands that is on PATH, as an absolute path."""
    found = (shutil.which(name) for name in names)
    return next((str(Path(path).absolute()) for path in found if path), None)


def missing(names: str, place: str, remedy: str) -> ParseProblem:
    """The problem of something at ``place`` that no installed command can render."""
    return ParseProblem(place, None, None, f"can't be rendered: {names} is not on PATH", remedy)


def run(command: Sequence[str], limits: RenderLimits = DEFAULT_LIMITS) -> Done:
    """Run ``command`` to its end or to a bound, with all its children.

    Raises nothing: a command that doesn't start is ``stopped``, too.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - a command of PATH with our arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=offline(os.environ),
            start_new_session=True,  # children of the command end with it
        )
    except OSError as error:
        return Done(-1, b"", "", f"it does not start: {error.strerror or error}")
    return _Run(process, limits).wait()


def offline(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which Go's HTTP client and git reach no other machine.

    Charts and kustomizations may name remote bases, schemas and registries; what lint says must
    depend on its input alone. No kubeconfig either: a template's `lookup` finds nothing.
    """
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        **environment,
        **{name: _NOBODY for upper in proxies for name in (upper, upper.lower())},
        "NO_PROXY": "",
        "no_proxy": "",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_TERMINAL_PROMPT": "0",
        "KUBECONFIG": os.devnull,
        "HELM_DEBUG": "false",  # `true` prints manifests of templates that failed
    }


class _Run:
    """Two threads read, so that neither stream can block the other."""

    def __init__(self, process: subprocess.Popen[bytes], limits: RenderLimits) -> None:
        self._process = process
        self._limits = limits
        self._stopped: str | None = None
        self._out = bytearray()
        self._err = bytearray()

    def wait(self) -> Done:
        readers = [
            threading.Thread(target=self._read_output, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            self._process.wait(self._limits.seconds)
        except subprocess.TimeoutExpired:
            self._stop(f"it took more than {self._limits.seconds:g} seconds")
        except BaseException:
            self._stop("it was interrupted")
            raise
        for reader in readers:
            reader.join(self._limits.seconds)
        if any(reader.is_alive() for reader in readers):
            # A child of the command holds its pipes open.
            self._stop(f"its output did not end within {self._limits.seconds:g} seconds")
        return Done(
            self._process.returncode,
            bytes(self._out),
            self._err.decode("utf-8", "replace"),
            self._stopped,
        )

    def _read_output(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), _CHUNK):
                if len(self._out) + len(chunk) > self._limits.output_bytes:
                    self._stop(f"it wrote more than {self._limits.output_bytes} bytes")
                    return
                self._out += chunk

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), _CHUNK):
                room = self._limits.stderr_bytes - len(self._err)
                self._err += chunk[: max(room, 0)]

    def _stop(self, why: str) -> None:
        self._stopped = self._stopped or why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def notes(done: Done, command: str, place: str, limits: RenderLimits) -> tuple[str, ...]:
    """What a command that succeeded said on stderr, one note a line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    said = [f"{place}: {command} says: {line[:MAX_MESSAGE]}" for line in lines[: limits.notes]]
    more = len(lines) - len(said)
    return (*said, *([f"{place}: {command} says {more} more lines"] if more else []))


def failure(done: Done, command: str, place: str, remedy: str) -> ParseProblem:
    """The problem of a command that failed or was stopped, in its own words."""
    if done.stopped is not None:
        message = f"`{command}` was stopped: {done.stopped}"
        return ParseProblem(place, None, None, message, remedy)
    words = done.words or "no message"
    return ParseProblem(place, None, None, f"`{command}` failed ({done.code}): {words}", remedy)
