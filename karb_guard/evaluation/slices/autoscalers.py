"""``autoscalers``: what scales the judged object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.objects import (
    HPA,
    KINDS,
    POD_AUTOSCALER,
    SCALED_OBJECT,
    horizontal,
    name_of,
    pod_autoscaler,
    scaled_object,
    taken_over,
)
from karb_guard.evaluation.autoscaling.own import made_names, own_scalers
from karb_guard.evaluation.autoscaling.shapes import Json, mapping, target
from karb_guard.evaluation.slices.about import About, only_sure
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts.resources import amounts
from karb_guard.inventory.keys import owner_keys

MAX_AUTOSCALERS = 5_000
"""In one namespace. Of more, the key is absent."""
MAX_OF_ONE = 20
"""Of one target; more than one is wrong already."""
LIMIT_RANGE = ("", "LimitRange")
READS = Reads(here=(*KINDS, LIMIT_RANGE))

_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Json]] = {
    HPA: horizontal,
    SCALED_OBJECT: scaled_object,
    POD_AUTOSCALER: pod_autoscaler,
}
_Identity = tuple[str, str | None, str | None]
"""Name of an HPA, kind and name of its target."""
_Index = dict[tuple[str | None, str | None], list[Json]]


def provide(about: About) -> list[Json] | None:
    """One entry for each autoscaler whose target is the object (``autoscaling.shapes.scaler``).

    The target counts by kind and name; an entry's ``target`` shows an ``apiVersion`` that misses.
    The HPA that KEDA makes of a ScaledObject is no second one. ``defaulted`` names the resources
    whose requests a LimitRange fills in. Without knowledge of the namespace the key is there only
    where one is found for certain.
    """
    if not about.prepared.pods:
        return None
    if sum(len(about.neighbours(*kind)) for kind in KINDS) > MAX_AUTOSCALERS:
        return None
    own = own_scalers(about.prepared)
    targeting = _targeting(about)
    known = any(about.knows(*kind) for kind in KINDS)
    sure = only_sure(targeting, known=known)
    if sure is None and not own:
        return None
    return [*own, *(sure or ())][:MAX_OF_ONE]


def all_of(about: About) -> list[Json]:
    """Every autoscaler of the object that is visible here, its operator's own first."""
    return [*own_scalers(about.prepared), *_targeting(about)][:MAX_OF_ONE]


def _targeting(about: About) -> list[Json]:
    index = by_target(about)
    ref = about.prepared.ref
    names = [(ref.kind, ref.name), *made_names(about.prepared)]
    return [entry for name in names for entry in index.get(name, ())]


def by_target(about: About) -> Mapping[tuple[str | None, str | None], list[Json]]:
    """The autoscalers of the object's namespace by the kind and name of their targets."""
    key = ("autoscalers", about.namespace)
    return about.inventory.remembered(key, lambda: _index(about))


def is_made(about: About, obj: Mapping[str, Any]) -> bool:
    """Whether another autoscaler that is here makes the HPA: it is no second one."""
    return _identity(obj) in _taken_over(about) or _is_made(about, obj)


def defaulted(about: About) -> list[str]:
    """Resources whose request the namespace's LimitRanges set where a container has none."""
    key = ("limit ranges", about.namespace)
    return about.inventory.remembered(key, lambda: sorted(_defaulted(about)))


def _index(about: About) -> _Index:
    """The autoscalers of the namespace by the kind and name of their targets."""
    taken = _taken_over(about)
    filled = defaulted(about)
    index: _Index = {}
    for kind, read in _READERS.items():
        for obj in about.applied(*kind):
            if kind == HPA and (_identity(obj) in taken or _is_made(about, obj)):
                continue
            entry = {**read(obj), "defaulted": filled}
            index.setdefault((entry["target"]["kind"], entry["target"]["name"]), []).append(entry)
    return index


def _taken_over(about: About) -> set[_Identity]:
    """The HPAs that ScaledObjects of the namespace take over."""
    return {
        (name, scaled_object(obj)["target"]["kind"], scaled_object(obj)["target"]["name"])
        for obj in about.neighbours(*SCALED_OBJECT)
        if (name := taken_over(obj))
    }


def _identity(obj: Mapping[str, Any]) -> _Identity:
    """An HPA's name and target."""
    reference = target(mapping(obj.get("spec")).get("scaleTargetRef"), None, None)
    return (name_of(obj), reference["kind"], reference["name"])


def _is_made(about: About, obj: Mapping[str, Any]) -> bool:
    """Whether another autoscaler that is here owns it."""
    owners = ((group, kind, name) for group, kind, _, name in owner_keys(obj))
    return any(
        (group, kind) in KINDS and about.inventory.get(group, kind, about.namespace, name)
        for group, kind, name in owners
    )


def _defaulted(about: About) -> set[str]:
    found: set[str] = set()
    for obj in about.neighbours(*LIMIT_RANGE):
        spec = obj.get("spec")
        limits = spec.get("limits") if isinstance(spec, Mapping) else None
        for limit in limits if isinstance(limits, list) else ():
            if isinstance(limit, dict) and limit.get("type") == "Container":
                for section in ("default", "defaultRequest"):
                    given = limit.get(section)
                    found |= set(amounts(limit, section)) if isinstance(given, dict) else set()
    return found
