"""``gpudemand``: the accelerators that the workloads of a namespace ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.prepare import Prepared
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts import gpu_names
from karb_guard.inventory.keys import group_of
from karb_guard.workloads.podless import carries_no_pods

MAX_OBJECTS = 5_000
"""Of one namespace. Of more, the key is absent."""
READS = Reads(workloads=True)
MAX_NAMES = 5
"""Workloads named for each thing asked for; ``count`` counts them all."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"

_REQUESTS = "requests."
_CLASS_SUFFIX = ".deviceclass.resource.k8s.io/devices"
"""k8s.io/api/core/v1, ``ResourceClaimsPerClass``: the quota key of a DeviceClass."""
_RESOURCE, _CLASS_RESOURCE, _CLAIM, _INDIRECT = 1, 2, 3, 4
_SHARES = ("nvidia.com/gpumem", "nvidia.com/gpucores")
"""HAMi: how much of each ``nvidia.com/gpu``; a bound on those bounds these."""

Json = dict[str, Any]


def provide(about: About) -> list[Json] | None:
    """One entry for each resource or DeviceClass, in the order of their names.

    ``what`` it is, the quota ``keys`` that bound it (any of them does), ``workloads`` that ask for
    it and their ``count``, and ``queued``: all of them go through a queue of Kueue. Where a
    workload's claim can't be resolved there is one entry more, whose ``unknown`` says why.
    ``None`` where nothing of the namespace is visible, or too much.
    """
    objects = about.inventory.objects_in(about.namespace)
    seen = about.complete or (about.namespace is not None and bool(objects))
    if not seen or len(objects) > MAX_OBJECTS:
        return None
    return about.inventory.remembered(("gpudemand", about.namespace), lambda: _demand(about))


def _demand(about: About) -> list[Json]:
    found: dict[str, Json] = {}
    for obj in about.inventory.objects_in(about.namespace):
        if carries_no_pods(group_of(obj), str(obj.get("kind", ""))):
            continue
        prepared = about.prepare(obj)
        if prepared.workload is None or prepared.workload.role == "runtime":
            continue  # a runtime makes no pods of its own
        for what, keys, unknown in _asked(prepared):
            entry = found.setdefault(what, _entry(what, keys, unknown))
            _count(entry, prepared)
    return [_shown(found[what]) for what in sorted(found)]


def _entry(what: str, keys: list[str], unknown: str | None) -> Json:
    return {"what": what, "keys": keys, "workloads": {}, "queued": True, "unknown": unknown}


def _count(entry: Json, prepared: Prepared) -> None:
    """Pods that a controller made stand for it, once."""
    owner = prepared.owner
    entry["workloads"][f"{owner.kind} {owner.name}"] = None
    entry["queued"] = entry["queued"] and _queued(prepared)


def _shown(entry: Json) -> Json:
    names = sorted(entry["workloads"])
    shown = {**entry, "workloads": names[:MAX_NAMES], "count": len(names)}
    return {key: value for key, value in shown.items() if value is not None}


def _queued(prepared: Prepared) -> bool:
    """Kueue holds it back until its ClusterQueue has quota for it."""
    metadata = prepared.raw.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    if isinstance(labels, Mapping) and QUEUE_LABEL in labels:
        return True
    return bool(prepared.pods) and all(QUEUE_LABEL in pod["labels"] for pod in prepared.pods)


def _asked(prepared: Prepared) -> Iterator[tuple[str, list[str], str | None]]:
    for pod in prepared.pods:
        for evidence in pod["gpu"]["evidence"]:
            if evidence["test"] <= _INDIRECT:
                what, keys = _bounded_by(evidence["test"], evidence["value"])
                yield what, keys, None
        if (unknown := pod["gpu"]["unknown"]) is not None:
            yield f"? {unknown}", [], unknown


def _bounded_by(test: int, value: str) -> tuple[str, list[str]]:
    """What an evidence of GPU use is, and the quota keys that bound it.

    Source: ``pkg/quota/v1/evaluator/core`` of Kubernetes, ``MatchingResources`` of pods (extended
    resources only with the prefix ``requests.``) and of resource claims.
    """
    if value.startswith(gpu_names.DEVICE_CLASS_RESOURCE):
        name = value.removeprefix(gpu_names.DEVICE_CLASS_RESOURCE)
        return value, [_REQUESTS + value, name + _CLASS_SUFFIX]
    if test == _CLAIM:
        implicit = f"{_REQUESTS}{gpu_names.DEVICE_CLASS_RESOURCE}{value}"
        return f"DeviceClass {value}", [value + _CLASS_SUFFIX, implicit]
    if test == _INDIRECT:
        return _indirect(value)
    keys = [_REQUESTS + value]
    return value, [*keys, f"{_REQUESTS}nvidia.com/gpu"] if value.startswith(_SHARES) else keys


def _indirect(value: str) -> tuple[str, list[str]]:
    """Asked for through an operator or a scheduler."""
    if value == gpu_names.INDIRECT_RESOURCE:  # Dynamo makes nvidia.com/gpu of it
        return "nvidia.com/gpu", [f"{_REQUESTS}nvidia.com/gpu"]
    if "=" in value:  # an annotation; the pods request nothing that a ResourceQuota could count
        return value.partition("=")[0], []
    return f"DeviceClass {value}", [value + _CLASS_SUFFIX]
