"""The one shape that every autoscaler is described in, and readers for fields of any shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_ITEMS = 50
"""Metrics or triggers of one autoscaler, and keys of a trigger's metadata; more are cut."""
MAX_TEXT = 1_000
"""Characters of a text (a query) that policies see."""

Json = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}


def scaler(kind: str, name: str, **known: Any) -> Json:
    """An autoscaler: what is not ``known`` is null, empty or false.

    * ``own``: the operator of the workload's kind runs it; no object of its own need exist;
    * ``pods``: indices of the pod templates that it scales; null for the object as a whole;
    * ``target``: what it names as its target, ``{"apiVersion", "kind", "name"}``;
    * ``min``, ``max``: replicas; a null ``max`` is unlimited;
    * ``idle``: what KEDA scales to while no trigger is active, where that is not ``min``;
    * ``paused``: the annotation that holds it still;
    * ``defaulted``: resources whose request the namespace's LimitRanges fill in, for an HPA;
    * ``metrics``, ``behavior``: of an HPA; ``triggers``, ``modifiers`` (a formula of them),
      the intervals and ``fallback``: of KEDA.
    """
    return {
        "kind": kind,
        "name": name,
        "own": False,
        "pods": None,
        "target": None,
        "min": None,
        "max": None,
        "idle": None,
        "paused": None,
        "metrics": [],
        "behavior": None,
        "triggers": [],
        "modifiers": None,
        "pollingInterval": None,
        "cooldownPeriod": None,
        "initialCooldownPeriod": None,
        "fallback": None,
        "defaulted": [],
        **known,
    }


def mapping(value: Any) -> Mapping[str, Any]:
    """The map, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else _NOTHING


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """The maps of a list, at most ``MAX_ITEMS``; nothing for anything else."""
    items = value if isinstance(value, list) else []
    return (item for item in items[:MAX_ITEMS] if isinstance(item, Mapping))


def text(value: Any) -> str | None:
    """A text, cut to ``MAX_TEXT``; null for anything else, and for an empty one."""
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def number(value: Any, default: int | None = None) -> int | None:
    """A whole number, or ``default`` for anything else."""
    return value if type(value) is int else default


def target(reference: Any, api_version: str | None, kind: str | None) -> Json:
    """A ``scaleTargetRef``; ``api_version`` and ``kind`` are what unset ones mean."""
    written = mapping(reference)
    return {
        "apiVersion": text(written.get("apiVersion")) or api_version,
        "kind": text(written.get("kind")) or kind,
        "name": text(written.get("name")),
    }
