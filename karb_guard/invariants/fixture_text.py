"""The example that pages and ``explain`` show of an invariant, chosen from its fixtures.

Apart from ``fixtures``, which checks every header with pydantic: showing an example must be quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    params: Mapping[str, Any] = field(default_factory=dict)
    """Invariant's short name -> parameters that it is judged with."""


def example(invariant: Invariant, roots: Iterable[Path], outcome: str) -> Example | None:
    """The plainest ``pass`` or ``fail`` fixture; ``None`` where its folder isn't at hand.

    Plain is: speaks for itself (no context documents, no parameters of its own), then short.
    """
    folder = folder_of(invariant, roots)
    if folder is None:
        return None
    cases = layout.case_files(folder / layout.FIXTURES / outcome)
    return min((_example(case) for case in cases), key=_plainness, default=None)


def _example(file: Path) -> Example:
    text = file.read_text(encoding="utf-8")
    beside = layout.context_file(file)
    context = beside.read_text(encoding="utf-8") if beside.is_file() else ""
    header = _header(text)
    params = header.get("params")
    return Example(
        file=file,
        about=str(header.get("about", "")),
        manifest=split(text)[1],
        context=context,
        params=params if isinstance(params, dict) else {},
    )


def _plainness(case: Example) -> tuple[bool, bool, int, str]:
    return bool(case.context), bool(case.params), len(case.manifest), case.file.name


def split(text: str) -> tuple[str, str]:
    """A fixture's header as YAML (line for line) and the rest, its manifest."""
    lines = text.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    header = "".join(line[1:].removeprefix(" ") for line in lines[:end])
    return header, "".join(lines[end:])


def _header(text: str) -> dict[str, Any]:
    """What the header says, leniently; nothing where it can't be read."""
    try:
        value = read(split(text)[0]).value
    except YamlError:
        return {}
    header = value.get("fixture") if isinstance(value, dict) else None
    return header if isinstance(header, dict) else {}
