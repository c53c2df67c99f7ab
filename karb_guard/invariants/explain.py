"""What an invariant checks, why, and how to mend what it finds: as text for a terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from karb_guard.invariants.fixture_text import example
from karb_guard.invariants.params import expectation
from karb_guard.model.context import CONTEXT_KEYS
from karb_guard.model.invariant import PODS_GROUP, Invariant

WIDTH = 88
"""Columns that paragraphs are wrapped to."""


def explain(invariant: Invariant, roots: Iterable[Path] = ()) -> str:
    """The whole explanation, ending in a line break.

    Examples come from the fixtures below ``roots``; without roots there are none.
    """
    places = tuple(roots)
    sections = [
        ("", _head(invariant)),
        ("Why", [invariant.description]),
        ("Checks", [_wrapped(f"{check}: {text}") for check, text in invariant.checks.items()]),
        ("How to mend", [invariant.remediation]),
        ("Parameters", list(_params(invariant))),
        ("Example that fails", _example(invariant, places, "fail")),
        ("Example that passes", _example(invariant, places, "pass")),
        ("References", [f"{r.description}\n  {r.ref}".strip() for r in invariant.references]),
    ]
    texts = [_section(title, lines) for title, lines in sections if lines]
    return "\n\n".join(texts) + "\n"


def match_words(invariant: Invariant) -> str:
    """Which objects it judges, in words."""
    kinds = [f"`{kind.removeprefix('/')}`" for kind in invariant.match if kind != PODS_GROUP]
    pods = ["every kind that carries pods"] if PODS_GROUP in invariant.match else []
    return ", ".join(pods + kinds)


def context_words(invariant: Invariant) -> str:
    """What it needs beyond the object, in words; empty for nothing."""
    return "; ".join(CONTEXT_KEYS.get(key, key) for key in invariant.context)


def _head(invariant: Invariant) -> list[str]:
    severity = invariant.severity.value
    lines = [
        f"{invariant.id} {invariant.name}: {invariant.title}",
        f"severity {severity}, category {invariant.category}, since {invariant.since}",
        f"judges {match_words(invariant).replace('`', '')}",
    ]
    if invariant.context:
        lines.append(f"needs {context_words(invariant)}")
    if invariant.opt_in:
        lines.append(f"checked on request: --extend-select {invariant.name}")
    if invariant.paper:
        lines.append(f"KARB paper, section {invariant.paper}")
    return lines


def _params(invariant: Invariant) -> Iterator[str]:
    for name, schema in invariant.params.items():
        default = json.dumps(schema["default"], ensure_ascii=False)
        yield f"{name} ({expectation(schema)}; default {default})"
        yield textwrap.indent(textwrap.fill(schema["description"], WIDTH - 2), "  ")
    if invariant.params:
        yield f"Set with --set {invariant.name}.NAME=VALUE, or under params: in karb-guard.yaml."


def _example(invariant: Invariant, roots: tuple[Path, ...], outcome: str) -> list[str]:
    found = example(invariant, roots, outcome)
    if found is None:
        return []
    return [f"# {found.about}" if found.about else "", found.manifest.rstrip()]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(line for line in lines if line)
    return f"{title}\n{textwrap.indent(body, '  ')}" if title else body
