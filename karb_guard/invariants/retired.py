"""``retired.yaml`` of a policy root: ids that once named an invariant and are never given again.

Baselines, waivers and reports of the past name those ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from karb_guard.invariants.problems import Problem
from karb_guard.invariants.validation import InvalidError, validate
from karb_guard.invariants.yaml_text import Parsed, YamlError, read


@dataclass(frozen=True, slots=True)
class Retired:
    """What became of an id."""

    id: str
    name: str
    removed: str
    """The release that removed it."""
    reason: str

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- pydantic reads it from the class


def read_retired(file: Path, label: str) -> tuple[dict[str, Retired], list[Problem]]:
    """Retired ids by id, and what is wrong with the file. A root need not have one."""
    if not file.is_file():
        return {}, []
    try:
        parsed = read(file.read_text(encoding="utf-8"))
        entries = validate(list[Retired], parsed.value if parsed.value is not None else [])
    except YamlError as error:
        return {}, [Problem(label, error.line, "", f"{error.message}; mend it")]
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Problem(label, 0, "", f"can't be read: {error}")]
    except InvalidError as error:
        return {}, [fault.problem(label, parsed) for fault in error.faults]
    return {entry.id: entry for entry in entries}, list(_faults(entries, label, parsed))


def _faults(entries: list[Retired], label: str, parsed: Parsed) -> Iterator[Problem]:
    from karb_guard.invariants.metadata import ID

    seen: set[str] = set()
    for index, entry in enumerate(entries):
        key, line = f"[{index}]", parsed.line((index,))
        if not ID.fullmatch(entry.id):
            yield Problem(label, line, f"{key}.id", f"{entry.id!r} is no id; such as KARB-GPU-001")
        if entry.id in seen:
            yield Problem(label, line, f"{key}.id", f"{entry.id} is retired twice; keep one entry")
        if not entry.reason.strip():
            yield Problem(label, line, f"{key}.reason", "is empty; say what replaces the invariant")
        seen.add(entry.id)
