"""What stops a file or a document from being checked, and how it is told."""

from __future__ import annotations

from typing import NamedTuple


class ParseProblem(NamedTuple):
    """One reason why something was not checked. The rest of the input still is."""

    file: str
    line: int | None
    """1-based; ``None`` where the whole file is meant (it is missing, unreadable, too big)."""
    column: int | None
    """1-based, in Unicode characters; ``None`` together with ``line``."""
    message: str
    remedy: str = ""

    @property
    def location(self) -> str:
        """``file:line:column``, or the file alone."""
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.location}: {self.message}{remedy}"


class RefusedError(Exception):
    """A document that is well-formed and still can't be used. Never leaves this room.

    ``index`` is the offset in characters in the text that was handed to the parser, ``first``
    that of the other place of a conflict.
    """

    def __init__(self, index: int, message: str, remedy: str, *, first: int | None = None) -> None:
        super().__init__(message)
        self.first = first
        self.index = index
        self.message = message
        self.remedy = remedy


def duplicate_key(key: str, first: int, again: int) -> RefusedError:
    """The refusal of a key that one mapping has twice, at the offsets ``first`` and ``again``."""
    return RefusedError(
        again,
        f"key `{key}` is twice in one mapping",
        "keep one of them; kubectl takes the last and drops the others without a word",
        first=first,
    )


def too_deep(index: int, depth: int) -> RefusedError:
    """The refusal of a document that nests deeper than the limit."""
    return RefusedError(
        index,
        f"nested deeper than {depth} levels",
        "no Kubernetes object needs that; flatten it",
    )


def too_big(name: str, limit: int) -> ParseProblem:
    """The problem of a file over ``limit`` bytes."""
    message = f"larger than {limit} bytes: not read"
    return ParseProblem(name, None, None, message, "split it into several files")
