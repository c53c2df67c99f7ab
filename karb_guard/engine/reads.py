"""What no policy can read of an object, as OPA's own compiler sees it.

Replicas come by the dozen and differ in their names alone. Where no policy behind an entry point
reads a name, the embedded engine leaves it out of its questions, and replicas ask the same one.
``opa deps`` lists the base documents that a rule depends on, through functions and imports; a
reference that ends early (``object.get(input.object, path, x)``, ``input.object[key]``) is listed
as far as it is constant, and then reads all below it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from karb_guard.engine.interface import EngineError
from karb_guard.engine.opa_command import run_opa
from karb_guard.model.patterns import lazy

NAMES = ("creationTimestamp", "generateName", "name", "uid")
"""Fields of ``metadata`` in which replicas of one template differ."""

_METADATA = ("input", "object", "metadata")
_REPLACED = lazy(r"\bwith\s+input\b")
"""A policy that asks another one about an input of its own making: nobody follows that."""


def unread_names(stage: Path, rule: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Those of ``NAMES`` that ``rule`` (``data.karb_guard.entry.pods``) can't depend on.

    ``stage`` holds the Rego files, whose texts are ``sources``. Raises ``EngineError``.
    """
    if any(_REPLACED.search(text) for text in sources):
        return ()
    done = run_opa(["deps", "--format", "json", "--data", ".", rule], cwd=stage)
    read = _references(done.stdout, rule)
    return tuple(name for name in NAMES if not any(_meet((*_METADATA, name), ref) for ref in read))


def _references(text: str, rule: str) -> list[tuple[Any, ...]]:
    try:
        base = json.loads(text)["base"]
        return [tuple(term["value"] for term in reference) for reference in base]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"opa deps {rule}: not the answer of the pinned opa: {error}") from error


def _meet(field: tuple[str, ...], reference: tuple[Any, ...]) -> bool:
    """Whether one is the beginning of the other."""
    common = min(len(field), len(reference))
    return field[:common] == reference[:common]
