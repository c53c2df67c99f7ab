"""Whether a pod uses a GPU: the eight tests of docs/gpu-detection.md."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.facts import gpu_names as names
from karb_guard.facts.gpu_claims import PodClaim, class_devices
from karb_guard.facts.gpu_rules import GpuRules
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.resources import GpuResource
from karb_guard.model.finding import Path
from karb_guard.workloads import Container, Template

_WORKLOAD, _UNACCOUNTED = 4, 7
"""Tests up to these say: a GPU workload; GPU access without accounting."""


class Evidence(NamedTuple):
    """One hit of one test."""

    test: int
    path: Path
    value: str
    name: str | None = None
    """What is asked for, where the test says so: a resource, a DeviceClass, an annotation."""
    vendor: str | None = None


class PodParts(NamedTuple):
    """What the tests look at. All of it is sanitized."""

    template: Template
    spec: Mapping[str, Any]
    """Without container lists."""
    containers: Sequence[Mapping[str, Any]]
    """In the template's order."""
    gpus: Sequence[GpuResource]
    annotations: Mapping[str, str]
    tolerations: Sequence[Mapping[str, Any]]
    selectors: Sequence[Mapping[str, Any]]
    claims: Sequence[PodClaim]
    others: Sequence[str]
    """Extended resources of which nobody here knows what they are."""


def detect(pod: PodParts, rules: GpuRules, lookup: Lookup | None) -> dict[str, Any]:
    """Run the tests; the answer is the ``gpu`` part of a pod in the input document.

    At most one of ``workload``, ``unaccounted`` and ``suspected`` is true, the strongest.
    """
    evidence = [
        Evidence(gpu.hit.test, tuple(gpu.entry["path"]), gpu.entry["resource"], *_named(gpu))
        for gpu in pod.gpus
    ]
    doubts: list[str] = []
    if pod.claims:
        evidence += _claims(pod, doubts)
    if pod.annotations:
        evidence += _annotations(pod, rules, lookup, doubts)
    for container, spec in zip(pod.template.containers, pod.containers, strict=True):
        if spec.get("env"):
            evidence += _visible_devices(container, spec)
    requested = any(each.test <= _WORKLOAD for each in evidence)
    evidence += _pod_level(pod, rules, requested=requested)
    if evidence and not requested:
        doubts += [f"nothing here says whether {name} is a GPU" for name in pod.others]
    return _verdict(evidence, doubts, rules)


def _named(gpu: GpuResource) -> tuple[str, str | None]:
    return gpu.entry["resource"], gpu.hit.vendor


def _claims(pod: PodParts, doubts: list[str]) -> Iterator[Evidence]:
    """Test 3: resource claims."""
    for claim in pod.claims:
        for devices in claim.devices:
            if devices.gpu:
                yield Evidence(3, claim.path, devices.name, devices.name, devices.vendor)
            elif devices.unknown:
                doubts.append(devices.unknown)


def _annotations(
    pod: PodParts, rules: GpuRules, lookup: Lookup | None, doubts: list[str]
) -> Iterator[Evidence]:
    """Test 4 (a GPU without a resource) and test 5 (devices injected by the runtime)."""
    for key, value in pod.annotations.items():
        if key == names.DEVICE_CLASS_ANNOTATION:
            devices = class_devices(value, rules, lookup)
            if devices.gpu:
                path = pod.template.annotation_path(key)
                yield Evidence(4, path, value, value, devices.vendor)
            elif devices.unknown:
                doubts.append(devices.unknown)
        elif key.startswith(names.CDI_ANNOTATIONS):
            yield Evidence(5, pod.template.annotation_path(key), f"{key}={value}")
        elif value and (row := rules.annotations.row(key)):
            path = pod.template.annotation_path(key)
            yield Evidence(4, path, f"{key}={value}", key, row.vendor)


def _visible_devices(container: Container, spec: Mapping[str, Any]) -> Iterator[Evidence]:
    """Test 5: the variables by which vendors' runtimes give devices away.

    A value that comes from elsewhere (``valueFrom``) counts: it can be anything.
    """
    for index, variable in enumerate(spec["env"]):
        name = variable.get("name")
        if name in names.VISIBLE_DEVICES:
            hidden = variable.get("value", "").strip().lower() in names.HIDDEN
            source = variable.get("valueFrom")
            if source or not hidden:
                value = "(valueFrom)" if source else variable["value"]
                vendor = names.VISIBLE_DEVICES[name]
                yield Evidence(
                    5, container.written(("env", index)), f"{name}={value}", None, vendor
                )


def _pod_level(pod: PodParts, rules: GpuRules, *, requested: bool) -> Iterator[Evidence]:
    """Tests 6 to 8. A pod that requested a GPU runs on a GPU node."""
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        if "hostPath" in volume:
            yield from _device_path(index, volume["hostPath"], pod.template, rules)
    runtime = pod.spec.get("runtimeClassName")
    if runtime and (row := rules.runtime_classes.row(runtime)):
        path = pod.template.written(("runtimeClassName",))
        yield Evidence(7, path, runtime, None, row.vendor)
    suspicions = list(_suspicions(pod, rules))
    if suspicions or requested:
        yield from _privileged(pod)
        yield from suspicions


def _device_path(
    index: int, source: Mapping[str, Any], template: Template, rules: GpuRules
) -> Iterator[Evidence]:
    """Test 6: device files."""
    path = source.get("path") or ""
    row = rules.device_paths.row(posixpath.normpath(path))
    if row is not None:
        where = template.written(("volumes", index, "hostPath", "path"))
        yield Evidence(6, where, path, None, row.vendor)


def _privileged(pod: PodParts) -> Iterator[Evidence]:
    """Test 6: a privileged container of a pod that is meant for GPU nodes sees all devices."""
    for container, spec in zip(pod.template.containers, pod.containers, strict=True):
        if (spec.get("securityContext") or {}).get("privileged") is True:
            path = container.written(("securityContext", "privileged"))
            yield Evidence(6, path, f"container {container.name} is privileged")


def _suspicions(pod: PodParts, rules: GpuRules) -> Iterator[Evidence]:
    """Test 8: the pod is let onto, or sent to, GPU nodes."""
    for toleration in pod.tolerations:
        if toleration["gpu"]:
            row = rules.taints.row(toleration["key"])
            vendor = row.vendor if row else None
            yield Evidence(8, tuple(toleration["path"]), toleration["key"], None, vendor)
    for selector in pod.selectors:
        if selector["gpu"]:
            row = rules.labels.row(selector["key"])
            vendor = row.vendor if row else None
            yield Evidence(8, tuple(selector["path"]), selector["key"], None, vendor)


def _verdict(evidence: list[Evidence], doubts: list[str], rules: GpuRules) -> dict[str, Any]:
    if len(evidence) > 1:
        evidence.sort(key=lambda each: each.test)
    strongest = evidence[0].test if evidence else 0
    workload = 0 < strongest <= _WORKLOAD
    return {
        "workload": workload,
        "unaccounted": _WORKLOAD < strongest <= _UNACCOUNTED,
        "suspected": strongest > _UNACCOUNTED,
        "unknown": "; ".join(dict.fromkeys(doubts)) if doubts and not workload else None,
        "resources": sorted({each.name for each in evidence if each.name}),
        "vendors": _vendors(evidence),
        "evidence": [
            {"test": each.test, "path": list(each.path), "value": each.value} for each in evidence
        ],
    }


def _vendors(evidence: list[Evidence]) -> list[str]:
    """Vendors by the strongest tests that know any: 1-4, else 5-7, else 8."""
    for low, high in ((1, _WORKLOAD), (_WORKLOAD + 1, _UNACCOUNTED), (_UNACCOUNTED + 1, 8)):
        found = {each.vendor for each in evidence if low <= each.test <= high and each.vendor}
        if found:
            return sorted(found)
    return []
