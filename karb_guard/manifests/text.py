"""The text of one file, with offsets turned into lines and columns when somebody asks."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from karb_guard.model.patterns import lazy

_LINE_END = lazy(r"\r\n|\r|\n")
_LONE_DASH = lazy(r"^([ \t]*(?:-[ \t]+)*-)[ \t]*(?:#.*)?$")
_NOTHING = lazy(r"^[ \t]*(?:#.*)?$")


class Position(NamedTuple):
    """A region of a file: 1-based, columns in Unicode characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class SourceText:
    """One file's decoded text. The table of lines is built on first use.

    Lines end where editors end them (LF, CRLF, CR), not at the other breaks of YAML 1.1.
    """

    __slots__ = ("_last", "_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts: list[int] | None = None
        self._last = (0, "")

    @property
    def starts(self) -> list[int]:
        """The offset of the first character of each line."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        return self._starts

    def locate(self, index: int) -> tuple[int, int]:
        """Offset -> (line, column), both 1-based."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of the 1-based line without its end; empty where there is no such line.

        Whoever asks for one line again gets the same object: a cluster's dump may be one line, and
        every finding keeps its own.
        """
        if self._last[0] != number:
            self._last = (number, self._line(number))
        return self._last[1]

    def _line(self, number: int) -> str:
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def region(self, start: int, end: int, fallback_end: int) -> Position:
        """The region of a field: up to ``end`` if that is on the same line, else a shorter one."""
        line, column = self.locate(start)
        for candidate in (end, fallback_end):
            end_line, end_column = self.locate(candidate)
            if end_line == line and end_column > column:
                return Position(line, column, line, end_column)
        return Position(line, column, line, max(len(self.line(line)) + 1, column))

    def item_region(self, start: int, end: int) -> Position:
        """The region of a list element, from its ``-`` (if it has one) to the end of the line."""
        dash = self._dash(start)
        line, _ = self.locate(dash)
        if end <= start or self.locate(end)[0] != line:
            end = self.starts[line - 1] + len(_without_comment(self.line(line)))
        return self.region(dash, end, dash + 1)

    def _dash(self, index: int) -> int:
        """The offset of the ``-`` before a block sequence's element; else ``index`` itself."""
        number, _ = self.locate(index)
        first = self.starts[number - 1]
        for last in range(index - 1, first - 1, -1):
            if self.text[last] not in " \t":
                return last if self._is_dash(last, first) else index
        for above in range(number - 1, 0, -1):
            line = self.line(above)
            if found := _LONE_DASH.match(line):
                return self.starts[above - 1] + found.end(1) - 1
            if not _NOTHING.match(line):
                break
        return index

    def _is_dash(self, index: int, first: int) -> bool:
        """Whether a ``-`` that stands alone is there, on a line that begins at ``first``."""
        return self.text[index] == "-" and (index == first or self.text[index - 1] in " \t")


def _without_comment(line: str) -> str:
    return line.partition(" #")[0].rstrip()
