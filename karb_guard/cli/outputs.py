"""``--format`` and ``--output``, repeatable and in pairs, for every command that reports."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from karb_guard.model.errors import UsageError


def add_output_arguments(parser: argparse.ArgumentParser, formats: type[Enum]) -> None:
    """Declare them; ``args.outputs`` is a list of (format, file or ``None``), or ``None``."""
    parser.add_argument(
        "--format",
        action=_AddFormat,
        choices=[form.value for form in formats],
        dest="outputs",
        default=None,
        help="repeatable; each goes to the --output that follows it, else to standard output",
    )
    parser.add_argument(
        "--output", action=_SetOutput, metavar="FILE", dest="outputs", help="write there instead"
    )
    parser.set_defaults(formats=formats)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "--quiet", action="store_true", help="print only findings and what could not be read"
    )
    loudness.add_argument(
        "--verbose",
        action="store_true",
        help="print remedies, waived findings, and everything that was left out or undecided",
    )


def write(pieces: Iterable[str], file: str | None) -> None:
    """Print what is made piece by piece, or write it to ``file``. Raises ``UsageError``."""
    if file is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        # A lone surrogate (JSON may hold one) has no UTF-8; its escape is JSON again.
        with Path(file).open("w", encoding="utf-8", errors="backslashreplace") as opened:
            for piece in pieces:
                opened.write(piece)
    except OSError as error:
        raise UsageError(f"--output {file}: {error.strerror}; name a writable file") from error


def wants_colour() -> bool:
    """Colour only on a terminal, and never against https://no-color.org."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


class _AddFormat(argparse.Action):
    """``--format F`` starts an output."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add an output without a file."""
        outputs = list(getattr(namespace, self.dest) or [])
        setattr(namespace, self.dest, [*outputs, (namespace.formats(str(values)), None)])


class _SetOutput(argparse.Action):
    """``--output FILE`` belongs to the ``--format`` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Give the last output its file; a second file for it is refused."""
        outputs = list(getattr(namespace, self.dest) or [])
        if not outputs:
            outputs = [(next(iter(namespace.formats)), None)]
        form, file = outputs[-1]
        if file is not None:
            parser.error(f"--output {values}: needs a --format of its own before it")
        setattr(namespace, self.dest, [*outputs[:-1], (form, str(values))])
