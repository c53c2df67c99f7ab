"""``apiowners``: what else wants to answer for the API group of the judged APIService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.objects import SCALED_OBJECT, name_of
from karb_guard.evaluation.autoscaling.shapes import mapping, mappings
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.metricsapis import (
    API_SERVICE,
    GROUPS,
    group_of,
    knows_all,
    service_of,
)
from karb_guard.evaluation.slices.reads import Reads

MAX_NAMES = 5
READS = Reads(everywhere=(API_SERVICE, SCALED_OBJECT))
_PODS = frozenset({"cpu", "memory"})


def provide(about: About) -> dict[str, Any] | None:
    """``group``, ``service``, ``others`` and ``scaledobjects``.

    ``None`` of other objects, and where nothing else is here but might be.

    * ``others``: Services that another APIService of the same name hands the group to. Of two in
      one input only the earlier one names the other, which takes the group when it is applied.
    * ``scaledobjects``: names of ScaledObjects, for which KEDA answers; five at most.
    """
    obj = about.prepared.raw
    if (group := group_of(obj)) not in GROUPS:
        return None
    service = service_of(obj)
    others = sorted(each for each in _others(about, obj) if each != service)[:MAX_NAMES]
    scaled = about.inventory.remembered(
        ("externally scaled",), lambda: _scaled_objects(about), of_cluster=True
    )
    if not others and not scaled and not knows_all(about):
        return None
    return {"group": group, "service": service, "others": others, "scaledobjects": scaled}


def _others(about: About, obj: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for other in about.inventory.of_kind(*API_SERVICE):
        if other is obj:
            found.clear()
        elif name_of(other) == name_of(obj) and (service := service_of(other)) is not None:
            found.add(service)
    return found


def _scaled_objects(about: About) -> list[str]:
    """Those whose HPA reads ``external.metrics.k8s.io``."""
    names: list[str] = []
    for obj in about.inventory.of_kind(*SCALED_OBJECT):
        triggers = mappings(mapping(obj.get("spec")).get("triggers"))
        if len(names) < MAX_NAMES and any(each.get("type") not in _PODS for each in triggers):
            names.append(name_of(obj))
    return names
