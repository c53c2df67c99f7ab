"""Where documents begin in a text that doesn't parse, and where templates stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
_ONLY_PREAMBLE = re.compile(r"(?:[ \t]*+(?:#[^\r\n]*+)?[\r\n]++|%[^\r\n]*+[\r\n]++)*+[ \t]*+")
_LINE = re.compile(r"[^\r\n]*")
_INDENT = re.compile(r"[ ]*(?:-[ ]+)*")
_BLOCK_SCALAR = re.compile(r"(?:^|[:\-\s])[|>][-+0-9]*[ \t]*(?:#.*)?$")
# A quote opens a string only where a value may start; `it's` has none.
_TEMPLATE = re.compile(
    r"""(?<![^\s\[{,:(])"[^"\\]*+(?:\\.[^"\\]*+)*+"?"""
    r"""|(?<![^\s\[{,:(])'[^']*+'?"""
    r"""|(?<!\S)\#.*"""
    r"""|(\{\{|\{%)""",
    re.VERBOSE,
)
_STARTS_A_VALUE = re.compile(r"^[ \t]*$|(?:[:\-,\[?]|^[ \t]*-)[ \t]+$|\[$")
_LONGEST_LINE = 4096


def chunks(text: str) -> Iterator[tuple[int, int]]:
    """The (start, end) offsets of each document, found without parsing.

    A ``---`` at the start of a line always begins a document in YAML, in block scalars and
    quoted strings too, which is why kubectl splits there before it parses. Directives and
    comments belong to the document below them.
    """
    start = 0
    for marker in _MARKER.finditer(text):
        at = marker.start()
        if marker.group() == "...":
            if _ONLY_PREAMBLE.fullmatch(text, start, at):
                continue
            end = _next_line(text, at)
        elif _ONLY_PREAMBLE.fullmatch(text, start, at):
            continue
        else:
            end = at
        if end > start:
            yield start, end
        start = end
    if start < len(text):
        yield start, len(text)


def _next_line(text: str, at: int) -> int:
    end = _LINE.match(text, at).end()  # type: ignore[union-attr]
    return end + (2 if text.startswith("\r\n", end) else 1) if end < len(text) else end


def template_at(text: str, start: int, end: int, error: int) -> int | None:
    """The offset of the first template marker, if one keeps ``text[start:end]`` from parsing.

    ``error`` is where the parser stopped. A ``{{`` inside of a quoted string, a comment or a
    block scalar does no harm, nor does one in the middle of a plain value above the error.
    """
    if text.find("{{", start, end) < 0 and text.find("{%", start, end) < 0:
        return None
    first: int | None = None
    for line, at in _plain_lines(text, start, end):
        if at > error:
            return None
        for found in _TEMPLATE.finditer(line[:_LONGEST_LINE]):
            if found.group(1) is None:
                continue
            first = at + found.start() if first is None else first
            breaks = _STARTS_A_VALUE.search(line[: found.start()])
            if breaks or error <= at + len(line):
                return first
    return None


def _plain_lines(text: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """The lines outside of block scalars, with their offsets."""
    inside: int | None = None
    at = start
    while at < end:
        line = _LINE.match(text, at, end).group()  # type: ignore[union-attr]
        indent = len(line) - len(line.lstrip(" "))
        if line.strip() and (inside is None or indent <= inside):
            inside = _block_scalar_parent(line)
            yield line, at
        at = _next_line(text, at)


def _block_scalar_parent(line: str) -> int | None:
    """The indentation a block scalar's lines must exceed, if this line opens one."""
    if not _BLOCK_SCALAR.search(line[-_LONGEST_LINE:]):
        return None
    prefix = _INDENT.match(line).group()  # type: ignore[union-attr]
    rest = line[len(prefix) :]
    return max(prefix.rfind("-"), 0) if rest[:1] in "|>" else len(prefix)
