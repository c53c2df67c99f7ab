"""The head of a ``policy.rego``: its METADATA block and its package line.

The block's rules are those of OPA's parser (``v1/ast/parser.go``: it starts with a comment
``METADATA`` in the first column and goes on while comment lines follow each other; one space after
``#`` is not part of the YAML). That it must come first in the file is a rule of this project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKER = re.compile(r"#\s*METADATA\s*")
_PACKAGE = re.compile(r"package\s+([A-Za-z_][A-Za-z0-9_.]*)\s*(?:#.*)?")

YAML_OFFSET = 1
"""Lines of the file before the block's YAML starts."""


class HeaderError(ValueError):
    """The file doesn't start as a policy must. ``line`` is 1-based."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Header:
    """The head of one policy file."""

    yaml: str
    """The METADATA block without its comment signs; its first line is line 2 of the file."""
    package: str
    package_line: int
    has_rules: bool
    """Whether anything but comments follows the package line."""


def split(text: str) -> Header:
    """Take a policy file's head apart; raises ``HeaderError`` where it has none."""
    lines = text.splitlines()
    if not lines or not MARKER.fullmatch(lines[0]):
        raise HeaderError(
            1, "the first line must be `# METADATA`, followed by the metadata as YAML"
        )
    end = 1
    while end < len(lines) and lines[end].startswith("#"):
        if MARKER.fullmatch(lines[end]):
            raise HeaderError(end + 1, "a second METADATA block before the package; keep one")
        end += 1
    yaml = "\n".join(line[1:].removeprefix(" ") for line in lines[1:end])
    package, number = _package(lines, end)
    rest = (line.strip() for line in lines[number:])
    return Header(yaml, package, number, any(line and not line.startswith("#") for line in rest))


def _package(lines: list[str], start: int) -> tuple[str, int]:
    """The package's name and its 1-based line: the first thing after the block."""
    for number, line in enumerate(lines[start:], start + 1):
        stripped = line.strip()
        if not stripped:
            continue
        match = _PACKAGE.fullmatch(stripped)
        if match is None:
            raise HeaderError(
                number,
                "the package line must follow the METADATA block (no `#` lines between them)",
            )
        return match[1], number
    raise HeaderError(len(lines), "has no package line; add `package karb.<category>.<folder>`")
