"""Dynamic Resource Allocation: which devices a claim, a DeviceClass or its resource stands for.

Objects that are looked up were not sanitized, so every step checks what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.facts.gpu_rules import GpuRules, Hit
from karb_guard.facts.lookup import Lookup

_GROUP = "resource.k8s.io"
_DRIVER = re.compile(r"""device\.driver\s*==\s*["']([^"']+)["']""")
_MAX_REQUESTS = 64
"""Requests and subrequests read per claim; the API allows 32 (DeviceRequestsMaxSize)."""


class Devices(NamedTuple):
    """What is behind a DeviceClass or a claim."""

    gpu: bool
    name: str
    """The DeviceClass, or the object that can't be resolved."""
    vendor: str | None = None
    unknown: str | None = None
    """Why it can't be told."""


def class_devices(name: str, rules: GpuRules, lookup: Lookup | None) -> Devices:
    """What a DeviceClass hands out: by its name, else by the driver that its selectors name."""
    row = rules.classes.row(name)
    if row is not None:
        return Devices(True, name, row.vendor)
    if rules.other_classes.row(name):
        return Devices(False, name)
    found = lookup.get(_GROUP, "DeviceClass", None, name) if lookup else None
    if found is None:
        return Devices(False, name, None, f"DeviceClass {name} is not visible here")
    drivers = _drivers(found)
    row = next((row for row in map(rules.classes.row, drivers) if row), None)
    if row is not None:
        return Devices(True, name, row.vendor)
    if drivers and all(map(rules.other_classes.row, drivers)):
        return Devices(False, name)
    return Devices(False, name, None, f"nothing says whether DeviceClass {name} is of GPUs")


def _drivers(device_class: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for selector in _maps(_map(device_class.get("spec")).get("selectors")):
        expression = _map(selector.get("cel")).get("expression")
        if isinstance(expression, str):
            found += _DRIVER.findall(expression)
    return found


def claim_devices(
    claim: Mapping[str, Any], namespace: str | None, rules: GpuRules, lookup: Lookup | None
) -> list[Devices]:
    """What an entry of ``spec.resourceClaims`` gives the pod, one element a DeviceClass."""
    for field, kind in (
        ("resourceClaimName", "ResourceClaim"),
        ("resourceClaimTemplateName", "ResourceClaimTemplate"),
    ):
        name = claim.get(field)
        if isinstance(name, str) and name:
            found = lookup.get(_GROUP, kind, namespace, name) if lookup else None
            if found is None:
                return [Devices(False, name, None, f"{kind} {name} is not visible here")]
            return _requested(kind, found, name, rules, lookup)
    name = str(claim.get("name", ""))
    return [Devices(False, name, None, f"claim {name} names no ResourceClaim")]


def _requested(
    kind: str, found: Mapping[str, Any], name: str, rules: GpuRules, lookup: Lookup | None
) -> list[Devices]:
    spec = _map(found.get("spec"))
    if kind == "ResourceClaimTemplate":
        spec = _map(spec.get("spec"))
    classes = list(dict.fromkeys(_classes(spec)))
    if not classes:
        return [Devices(False, name, None, f"{kind} {name} names no DeviceClass")]
    return [class_devices(each, rules, lookup) for each in classes]


def _classes(spec: Mapping[str, Any]) -> Iterator[str]:
    """``exactly`` and ``firstAvailable`` of v1, and v1beta1's requests without either."""
    for request in _maps(_map(spec.get("devices")).get("requests"))[:_MAX_REQUESTS]:
        parts = [request, _map(request.get("exactly")), *_maps(request.get("firstAvailable"))]
        for part in parts[:_MAX_REQUESTS]:
            name = part.get("deviceClassName")
            if isinstance(name, str) and name:
                yield name


def extended_resource(resource: str, rules: GpuRules, lookup: Lookup) -> Hit | None:
    """Test 2: a resource that a DeviceClass names in ``spec.extendedResourceName``."""
    for device_class in lookup.of_kind(_GROUP, "DeviceClass"):
        if _map(device_class.get("spec")).get("extendedResourceName") == resource:
            name = str(_map(device_class.get("metadata")).get("name", ""))
            devices = class_devices(name, rules, lookup)
            # A class of unknown devices counts, as its implicit resource name does.
            return Hit(2, devices.vendor) if devices.gpu or devices.unknown else None
    return None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
