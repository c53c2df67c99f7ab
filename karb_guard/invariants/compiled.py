"""The catalogue inside a compiled bundle: plain JSON, trusted because the compiler wrote it.

Commands that evaluate read this instead of the policy sources, so it imports no validator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from karb_guard.invariants.catalogue import Catalogue
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant, Reference


def dump(invariants: Iterable[Invariant]) -> list[dict[str, Any]]:
    """Invariants as JSON values, in the order given; ``load`` gives the same set back."""
    return [{**asdict(i), "severity": i.severity.value} for i in invariants]


def load(rows: Iterable[Mapping[str, Any]]) -> Catalogue:
    """The catalogue that ``dump`` wrote.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` where rows come from another version.
    """
    return Catalogue(tuple(_invariant(row) for row in rows))


def _invariant(row: Mapping[str, Any]) -> Invariant:
    values = dict(row)
    values["severity"] = Severity(values["severity"])
    values["match"] = tuple(values["match"])
    values["context"] = tuple(values["context"])
    values["references"] = tuple(Reference(**reference) for reference in values["references"])
    return Invariant(**values)
