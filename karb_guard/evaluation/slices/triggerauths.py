"""``triggerauths``: the TriggerAuthentications that the judged ScaledObject's triggers name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from karb_guard.evaluation.autoscaling.shapes import mapping, mappings, text
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads

GROUP = "keda.sh"
NAMESPACED, CLUSTER_WIDE = "TriggerAuthentication", "ClusterTriggerAuthentication"
READS = Reads(here=((GROUP, NAMESPACED), (GROUP, CLUSTER_WIDE)))


def provide(about: About) -> list[dict[str, Any]] | None:
    """One entry a reference: ``kind``, ``name``, ``path``, ``found``.

    ``found`` is false only where the object would have to be here, null where that can't be told.
    ``None`` of every object but a ScaledObject. Source of the kinds: KEDA's
    ``ResolveAuthRefAndPodIdentity`` (an unset kind is TriggerAuthentication).
    """
    entry = about.prepared.document.get("autoscaler")
    if entry is None or entry["kind"] != "ScaledObject":
        return None
    return list(_references(about))


def _references(about: About) -> Iterator[dict[str, Any]]:
    spec = mapping(about.prepared.raw.get("spec"))
    for index, trigger in enumerate(mappings(spec.get("triggers"))):
        reference = mapping(trigger.get("authenticationRef"))
        name, kind = text(reference.get("name")), text(reference.get("kind")) or NAMESPACED
        if name is not None and kind in (NAMESPACED, CLUSTER_WIDE):
            path = ["spec", "triggers", index, "authenticationRef", "name"]
            found = _found(about, kind, name)
            yield {"kind": kind, "name": name, "path": path, "found": found}


def _found(about: About, kind: str, name: str) -> bool | None:
    wide = kind == CLUSTER_WIDE
    if about.inventory.get(GROUP, kind, None if wide else about.namespace, name) is not None:
        return True
    known = about.knows_of_cluster(GROUP, kind) if wide else about.knows(GROUP, kind)
    return False if known else None
