"""What the API server validates of an HPA, as far as Rego can't read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.shapes import Json, mapping, mappings
from karb_guard.values.quantity import Quantity, parse_quantity

SOURCES = ("object", "external", "pods", "resource", "containerResource")
"""In the API server's order (``validateMetricSpec``): it judges the first alone."""
AMOUNTS = ("value", "averageValue")
_SHAPED = ("autoscaling/v2", "autoscaling/v2beta2")
_RULES = ("scaleUp", "scaleDown")


def milli(value: Any) -> int | None:
    """A quantity in thousandths, rounded away from zero; null for what is none."""
    quantity = parse_quantity(value) if value is not None else None
    return quantity.milli if isinstance(quantity, Quantity) else None


def metrics(obj: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[Json]:
    """One entry for each metric that the author of an HPA wrote.

    * ``sources``: which fields with a source are there;
    * ``amounts``: the quantities of the first source's target that are set, in milli-units, null
      where unreadable.

    Nothing of versions whose metrics have another shape.
    """
    if obj.get("apiVersion") not in _SHAPED or not mapping(raw.get("spec")).get("metrics"):
        return
    for metric in mappings(mapping(obj.get("spec")).get("metrics")):
        sources = [field for field in SOURCES if metric.get(field) is not None]
        goal = mapping(mapping(metric.get(sources[0])).get("target")) if sources else {}
        yield {"sources": sources, "amounts": _read(goal, AMOUNTS)}


def tolerances(behavior: Any) -> Json:
    """``scaleUp`` and ``scaleDown`` -> the tolerance in thousandths, where one is set."""
    return {
        field: rules["tolerance"]
        for field in _RULES
        if (rules := _read(mapping(mapping(behavior).get(field)), ("tolerance",)))
    }


def _read(written: Mapping[str, Any], fields: tuple[str, ...]) -> Json:
    return {field: milli(written[field]) for field in fields if written.get(field) is not None}
