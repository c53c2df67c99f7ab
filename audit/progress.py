"""What people see while a scan runs."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_EVERY_SECONDS = 0.1
_WIDTH = 78


class Progress:
    """Says nothing: for logs, pipes and ``--quiet``."""

    def say(self, text: str) -> None:
        """What is going on now."""

    def part(self, done: int, of: int | None, what: str) -> None:
        """How far it is; ``of`` is ``None`` where nobody knows."""

    def end(self) -> None:
        """Nothing more will come."""


class Bar(Progress):
    """One line of a terminal, written anew."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._next = 0.0

    def say(self, text: str) -> None:
        """Show one line."""
        self._write(text)

    def part(self, done: int, of: int | None, what: str) -> None:
        """Show a bar, at most ten times a second."""
        now = time.monotonic()
        if now < self._next and done != of:
            return
        self._next = now + _EVERY_SECONDS
        if of is None or of <= 0:
            self._write(f"{what}: {done:,}")
            return
        filled = 20 * min(done, of) // of
        self._write(f"[{'#' * filled}{'.' * (20 - filled)}] {what}: {done:,} of {of:,}")

    def end(self) -> None:
        """Leave an empty line."""
        self._stream.write(f"\r{' ' * _WIDTH}\r")
        self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(f"\r{text[:_WIDTH]:<{_WIDTH}}")
        self._stream.flush()
