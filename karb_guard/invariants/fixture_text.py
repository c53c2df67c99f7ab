"""The example that pages and ``explain`` show of an invariant, chosen from its fixtures.

Apart from ``fixtures``, which checks every header with pydantic: showing an example must be quick.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from karb_guard.invariants import layout
from karb_guard.invariants.roots import folder_of
from karb_guard.invariants.yaml_text import YamlError, read
from karb_guard.model.invariant import Invariant

START = "# fixture:"


@dataclass(frozen=True, slots=True)
class Example:
    """One fixture as people read it."""

    file: Path
    about: str
    manifest: str
    context: str = ""
    """The documents beside it, where it needs some."""


def example(invariant: Invariant, roots: Iterable[Path], outcome: str) -> Example | None:
    """The shortest ``pass`` or ``fail`` fixture, the first by name among equals."""
    folder = folder_of(invariant, roots)
    if folder is None:
        return None
    cases = list(layout.case_files(folder / layout.FIXTURES / outcome))
    if not cases:
        return None
    file = min(cases, key=lambda case: (case.stat().st_size, case.name))
    text = file.read_text(encoding="utf-8")
    beside = layout.context_file(file)
    context = beside.read_text(encoding="utf-8") if beside.is_file() else ""
    return Example(file, _about(text), split(text)[1], context)


def split(text: str) -> tuple[str, str]:
    """A fixture's header as YAML (line for line) and the rest, its manifest."""
    lines = text.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    header = "".join(line[1:].removeprefix(" ") for line in lines[:end])
    return header, "".join(lines[end:])


def _about(text: str) -> str:
    try:
        value = read(split(text)[0]).value
    except YamlError:
        return ""
    header = value.get("fixture") if isinstance(value, dict) else None
    about = header.get("about") if isinstance(header, dict) else None
    return about if isinstance(about, str) else ""
