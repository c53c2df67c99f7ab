"""Dynamic Resource Allocation: which devices a claim, a DeviceClass or its resource stands for.

Objects that are looked up were not sanitized, so every step checks what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.facts.gpu_rules import GpuRules, Hit
from karb_guard.facts.lookup import Lookup
from karb_guard.model.finding import Path
from karb_guard.model.patterns import lazy
from karb_guard.workloads import Template

_GROUP = "resource.k8s.io"
_DRIVER = lazy(r"""device\.driver\s*==\s*["']([^"']+)["']""")
_MAX_REQUESTS = 64
"""Requests and subrequests read per claim; the API allows 32 (DeviceRequestsMaxSize)."""

_MAX_COUNT = 2**63 - 1


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


class PodClaim(NamedTuple):
    """An entry of ``spec.resourceClaims``, followed to the devices that it asks for."""

    name: str
    path: Path
    devices: list[Devices]
    """One element a DeviceClass; a single unknown one where the claim leads nowhere."""
    requests: Mapping[str, int | None]
    """Name of a request -> its GPUs; ``None`` where their number can't be told."""
    sharing: tuple[str, ...]
    """How GPUs are shared, as drivers' opaque parameters say: ``TimeSlicing``, ``MPS``."""

    def as_json(self) -> dict[str, Any]:
        """As policies see it: ``gpu`` is null while that can't be told, and ``why`` says why."""
        gpu = any(each.gpu for each in self.devices)
        unknown = [each.unknown for each in self.devices if each.unknown]
        return {
            "name": self.name,
            "path": list(self.path),
            "gpu": gpu or (None if unknown else False),
            "why": "; ".join(unknown) if unknown and not gpu else None,
            "sharing": list(self.sharing),
        }


def pod_claims(
    spec: Mapping[str, Any],
    template: Template,
    namespace: str | None,
    rules: GpuRules,
    lookup: Lookup | None,
) -> list[PodClaim]:
    """The claims of a sanitized PodSpec."""
    return [
        _claim(claim, template.written(("resourceClaims", index)), namespace, rules, lookup)
        for index, claim in enumerate(spec.get("resourceClaims") or ())
    ]


def _claim(
    claim: Mapping[str, Any],
    path: Path,
    namespace: str | None,
    rules: GpuRules,
    lookup: Lookup | None,
) -> PodClaim:
    name = str(claim.get("name", ""))
    followed = PodClaim(name, path, [], {}, ())
    for field, kind in (
        ("resourceClaimName", "ResourceClaim"),
        ("resourceClaimTemplateName", "ResourceClaimTemplate"),
    ):
        target = claim.get(field)
        if isinstance(target, str) and target:
            found = lookup.get(_GROUP, kind, namespace, target) if lookup else None
            if found is None:
                return _lost(followed, f"{kind} {target} is not visible here")
            asked = _devices_of(kind, found)
            if not _classes(asked):
                return _lost(followed, f"{kind} {target} names no DeviceClass")
            return _found(followed, asked, rules, lookup)
    return _lost(followed, f"claim {name} names no ResourceClaim")


def _lost(followed: PodClaim, why: str) -> PodClaim:
    return followed._replace(devices=[Devices(False, followed.name, None, why)])


def _devices_of(kind: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The DeviceClaim (k8s.io/api/resource/v1) inside a claim or a template."""
    spec = _map(found.get("spec"))
    return _map(
        (_map(spec.get("spec")) if kind == "ResourceClaimTemplate" else spec).get("devices")
    )


def _classes(asked: Mapping[str, Any]) -> list[str]:
    requests = _maps(asked.get("requests"))[:_MAX_REQUESTS]
    return list(dict.fromkeys(name for request in requests for name, _ in _asked(request)))


def _found(
    followed: PodClaim, asked: Mapping[str, Any], rules: GpuRules, lookup: Lookup | None
) -> PodClaim:
    classes = _classes(asked)
    known = {name: class_devices(name, rules, lookup) for name in classes}
    requests = _maps(asked.get("requests"))[:_MAX_REQUESTS]
    configs = [asked, *_configured(classes, lookup)]
    return followed._replace(
        devices=list(known.values()),
        requests={str(request.get("name", "")): _count(request, known) for request in requests},
        sharing=tuple(dict.fromkeys(way for config in configs for way in _sharing(config))),
    )


def _asked(request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The DeviceClasses of a request, each with what holds its count.

    ``exactly`` and ``firstAvailable`` are of v1; v1beta1 has requests without either.
    """
    exact = [request, _map(request.get("exactly"))]
    parts = [*exact, *_maps(request.get("firstAvailable"))[:_MAX_REQUESTS]]
    named = [(part.get("deviceClassName"), part) for part in parts]
    return [(name, part) for name, part in named if isinstance(name, str) and name]


def _count(request: Mapping[str, Any], known: Mapping[str, Devices]) -> int | None:
    """The GPUs of one request; alternatives (``firstAvailable``) have to agree."""
    counts = {_amount(part, known[name]) for name, part in _asked(request)}
    return counts.pop() if len(counts) == 1 else None


def _amount(part: Mapping[str, Any], devices: Devices) -> int | None:
    if devices.unknown or part.get("allocationMode", "ExactCount") != "ExactCount":
        return None
    count = part.get("count", 1)
    if type(count) is not int or not 0 < count <= _MAX_COUNT:
        return None  # which the API server refuses
    return count if devices.gpu else 0


def _configured(classes: Iterable[str], lookup: Lookup | None) -> Iterator[Mapping[str, Any]]:
    """DeviceClasses hold parameters for drivers, too."""
    if lookup is not None:
        for name in classes:
            found = lookup.get(_GROUP, "DeviceClass", None, name)
            if found is not None:
                yield _map(found.get("spec"))


def _sharing(holder: Mapping[str, Any]) -> Iterator[str]:
    """``sharing.strategy`` of NVIDIA's GpuConfig and MigDeviceConfig (resource.nvidia.com)."""
    for config in _maps(holder.get("config"))[:_MAX_REQUESTS]:
        parameters = _map(_map(config.get("opaque")).get("parameters"))
        strategy = _map(parameters.get("sharing")).get("strategy")
        if isinstance(strategy, str) and strategy:
            yield strategy


def claimed_gpus(spec: Mapping[str, Any], claims: Sequence[PodClaim]) -> int | None:
    """The GPUs that a container's ``resources.claims`` give it; ``None``: it can't be told."""
    by_name = {claim.name: claim for claim in claims}
    total = 0
    for entry in (spec.get("resources") or {}).get("claims") or ():
        claim = by_name.get(entry.get("name", ""))
        if claim is None or any(each.unknown for each in claim.devices):
            return None
        # A request may be named as `request/subrequest` (firstAvailable).
        asked = (entry.get("request") or "").partition("/")[0]
        counts = [claim.requests.get(asked)] if asked else list(claim.requests.values())
        if None in counts:
            return None
        total += sum(count for count in counts if count)
    return total


def device_class_of(resource: str, lookup: Lookup | None) -> str | None:
    """The visible DeviceClass that names a resource in ``spec.extendedResourceName``."""
    for device_class in lookup.of_kind(_GROUP, "DeviceClass") if lookup is not None else ():
        if _map(device_class.get("spec")).get("extendedResourceName") == resource:
            return str(_map(device_class.get("metadata")).get("name", ""))
    return None


def extended_resource(resource: str, rules: GpuRules, lookup: Lookup) -> Hit | None:
    """Test 2: a resource that a DeviceClass names, unless that is known to be no GPU."""
    name = device_class_of(resource, lookup)
    if name is None:
        return None
    devices = class_devices(name, rules, lookup)
    # A class of unknown devices counts, as its implicit resource name does.
    return Hit(2, devices.vendor) if devices.gpu or devices.unknown else None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
