"""What a container asks for: amounts in milli-units, and which of them are accelerators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.facts.gpu_claims import device_class_of, extended_resource
from karb_guard.facts.gpu_names import CLAIMED
from karb_guard.facts.gpu_rules import GpuRules, Hit
from karb_guard.facts.lookup import Lookup
from karb_guard.values.quantity import Quantity, parse_quantity
from karb_guard.workloads import Container

_SECTIONS = ("limits", "requests")
_NONE: Mapping[str, Any] = {}
_DEVICE_CLASS = 2
"""The test that recognises resources of DeviceClasses."""


class GpuResource(NamedTuple):
    """An accelerator that a container asks for."""

    entry: dict[str, Any]
    """As policies see it."""
    hit: Hit


class ResourceFacts(NamedTuple):
    """The resources of one container."""

    limits: dict[str, int]
    requests: dict[str, int]
    declared: dict[str, list[str]]
    gpus: list[GpuResource]
    others: Sequence[str]
    """Extended resources of which nobody here knows what they are."""


def amounts(resources: Any, section: str) -> dict[str, int]:
    """Resource name -> milli-units in one section; what can't be read is left out."""
    listed = resources.get(section) if type(resources) is dict else None
    if not listed:
        return {}
    found: dict[str, int] = {}
    for name, value in listed.items():
        quantity = parse_quantity(value)
        if type(quantity) is Quantity:
            found[name] = quantity.milli
    return found


def extended_resource_of(name: str, rules: GpuRules, lookup: Lookup | None) -> Hit | None:
    """Whether a resource is an accelerator, by its name or by a DeviceClass that names it."""
    hit = rules.resource(name)
    if hit is None and lookup is not None and "/" in name:
        return extended_resource(name, rules, lookup)
    return hit


def _is_unknown(name: str, rules: GpuRules, lookup: Lookup | None) -> bool:
    """An extended resource that neither its name nor a DeviceClass explains."""
    if "/" not in name or rules.other_resources.row(name) is not None:
        return False
    return device_class_of(name, lookup) is None


def resource_facts(
    container: Container,
    clean: Mapping[str, Any],
    defaulted: Mapping[str, Any],
    rules: GpuRules,
    lookup: Lookup | None,
) -> ResourceFacts:
    """The facts of one container: as its author wrote it (``clean``) and with defaults."""
    resources = defaulted.get("resources")
    if not resources:
        return ResourceFacts({}, {}, {"limits": [], "requests": []}, [], ())
    limits, requests = amounts(resources, "limits"), amounts(resources, "requests")
    written = clean.get("resources") or _NONE
    declared = {
        "limits": list(written.get("limits") or ()),
        "requests": list(written.get("requests") or ()),
    }
    gpus: list[GpuResource] = []
    others: list[str] = []
    for name in {**limits, **requests}:
        hit = extended_resource_of(name, rules, lookup)
        if not (limits.get(name) or requests.get(name)):
            continue
        if hit is None and _is_unknown(name, rules, lookup):
            others.append(name)
        if hit is not None:
            declared_in = [section for section in _SECTIONS if name in declared[section]]
            first = declared_in[0] if declared_in else "limits"
            entry = {
                "resource": name,
                "vendor": hit.vendor,
                "form": CLAIMED if hit.test == _DEVICE_CLASS else rules.form(name),
                "limit": limits.get(name),
                "request": requests.get(name),
                "path": list(container.written(("resources", first, name))),
                "declared": declared_in,
            }
            gpus.append(GpuResource(entry, hit))
    return ResourceFacts(limits, requests, declared, gpus, others)
