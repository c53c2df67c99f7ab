"""From an object and its workload to what policies see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.defaulting import default_fields
from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.pods import Surroundings, pod_view
from karb_guard.facts.schema import sanitize
from karb_guard.facts.settings import FactSettings
from karb_guard.facts.types import Malformed
from karb_guard.model.finding import Coverage
from karb_guard.workloads import Workload, owner_is_known, scale_of


class Facts(NamedTuple):
    """The ``object``, ``workload`` and ``pods`` of the input document, and what was malformed.

    Parts that needed no change are shared with the object itself: read, don't write.
    """

    object_view: dict[str, Any]
    workload: dict[str, Any] | None
    """``None`` for an object that carries no pods."""
    pods: list[dict[str, Any]]
    malformed: tuple[Malformed, ...]


def build(
    obj: Mapping[str, Any],
    workload: Workload,
    settings: FactSettings | None = None,
    lookup: Lookup | None = None,
) -> Facts:
    """Sanitize, default and describe ``obj``; never changes it, never raises for its content.

    ``workload`` is what ``workloads.resolve`` says of ``obj``, whose bounds have been checked
    (``facts.limits``). ``lookup`` resolves claims and DeviceClasses.
    """
    settings = settings or _DEFAULTS
    clean = sanitize(obj, workload)
    view = default_fields(clean.view, workload.group, workload.version, workload.kind)
    namespace = (view.get("metadata") or {}).get("namespace")
    around = Surroundings(namespace, settings, gpu_rules(settings), lookup)
    pods = [pod_view(template, around) for template in clean.templates]
    for pod, template in zip(pods, workload.templates, strict=True):
        scale = scale_of(view, workload, template)
        if scale is not None:
            pod["scale"] = {**scale._asdict(), "path": list(scale.path)}
    return Facts(view, _described(workload) if pods else None, pods, clean.malformed)


_DEFAULTS = FactSettings()


def _described(workload: Workload) -> dict[str, Any]:
    described: dict[str, Any] = {
        "kind": workload.kind,
        "group": workload.group,
        "role": workload.role,
        "injects": list(workload.injects),
        "operator": workload.operator,
    }
    if workload.coverage is Coverage.DISCOVERED:
        described["discovered"] = True
    if workload.owner is not None and owner_is_known(workload.owner):
        described["controlled"] = True
    return described
