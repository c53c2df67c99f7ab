"""The ``pods`` of the input document: one view per pod template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.defaulting import PodDefaults, default_pod
from karb_guard.facts.command_line import Budget
from karb_guard.facts.gpu import PodParts, detect
from karb_guard.facts.gpu_claims import PodClaim, claimed_gpus, pod_claims
from karb_guard.facts.gpu_names import PORTION
from karb_guard.facts.gpu_rules import GpuRules
from karb_guard.facts.lifecycle import stop_sleep
from karb_guard.facts.lookup import Lookup
from karb_guard.facts.placement import selectors, tolerations
from karb_guard.facts.resources import GpuResource, ResourceFacts, amounts, resource_facts
from karb_guard.facts.schema import CleanTemplate
from karb_guard.facts.server_args import server_facts
from karb_guard.facts.settings import FactSettings
from karb_guard.facts.slo import slo_facts
from karb_guard.facts.volumes import empty_dirs
from karb_guard.values.image import parse_image
from karb_guard.workloads import Container

_NOTHING: Mapping[str, Any] = {}


class Surroundings(NamedTuple):
    """What is the same for every template of an object."""

    namespace: str | None
    settings: FactSettings
    rules: GpuRules
    lookup: Lookup | None
    commands: Budget
    """What may still be read of the commands of the object's containers."""


def pod_view(clean: CleanTemplate, around: Surroundings) -> dict[str, Any]:
    """One pod template as policies see it (docs/architecture.md, "The input document")."""
    template = clean.template
    pod = default_pod(clean.spec, clean.containers, [each.role for each in template.containers])
    claims = pod_claims(pod.spec, template, around.namespace, around.rules, around.lookup)
    containers, gpus, others = _containers(clean, pod, claims, around)
    tolerated = tolerations(pod.spec, template, around.rules)
    selected = selectors(pod.spec, template, around.rules)
    parts = PodParts(
        template,
        pod.spec,
        pod.containers,
        gpus,
        clean.annotations,
        tolerated,
        selected,
        claims,
        others,
    )
    resources = pod.spec.get("resources")
    view = {
        "path": list(template.path),
        "metadataPath": list(template.metadata_path),
        "labels": clean.labels,
        "annotations": clean.annotations,
        "spec": pod.spec,
        "os": (pod.spec.get("os") or {}).get("name") or "linux",
        "containers": containers,
        "podResources": {
            "limits": amounts(resources, "limits"),
            "requests": amounts(resources, "requests"),
        },
        "gpu": detect(parts, around.rules, around.lookup),
        "tolerations": tolerated,
        "selectors": selected,
        "slo": slo_facts(clean.labels, clean.annotations, template, around.settings),
    }
    if claims:
        view["claims"] = [claim.as_json() for claim in claims]
    if scratch := empty_dirs(pod.spec, template):
        view["emptyDirs"] = scratch
    return view


def _containers(
    clean: CleanTemplate, pod: PodDefaults, claims: Sequence[PodClaim], around: Surroundings
) -> tuple[list[dict[str, Any]], list[GpuResource], list[str]]:
    views: list[dict[str, Any]] = []
    gpus: list[GpuResource] = []
    others: list[str] = []
    for container, written, spec in zip(
        clean.template.containers, clean.containers, pod.containers, strict=True
    ):
        view, resources = _container(container, written, spec, around)
        found = resources.gpus
        if found or (spec.get("resources") or _NOTHING).get("claims"):
            view["devices"] = _devices(found, spec, claims)
            image = view.get("image", _NOTHING).get("repository") or ""
            server = server_facts(container, spec, image, around.commands)
            if server is not None:
                view["server"] = server
        views.append(view)
        gpus += found
        others += resources.others
    return views, gpus, others


def _devices(
    gpus: Sequence[GpuResource], spec: Mapping[str, Any], claims: Sequence[PodClaim]
) -> Any:
    """The accelerators (or parts of them) that a container is given; ``None``: can't be told."""
    claimed = claimed_gpus(spec, claims)
    counted = [gpu.entry for gpu in gpus if gpu.entry["form"] != PORTION]
    total = sum(entry["limit"] or entry["request"] for entry in counted)
    return None if claimed is None or total % 1000 else total // 1000 + claimed


def _container(
    container: Container,
    written: Mapping[str, Any],
    spec: dict[str, Any],
    around: Surroundings,
) -> tuple[dict[str, Any], ResourceFacts]:
    resources = resource_facts(container, written, spec, around.rules, around.lookup)
    view: dict[str, Any] = {
        "name": container.name,
        "role": container.role,
        "path": list(container.path),
        "open": container.open,
        "spec": spec,
        "limits": resources.limits,
        "requests": resources.requests,
        "declared": resources.declared,
        "gpus": [gpu.entry for gpu in resources.gpus],
    }
    if "lifecycle" in spec and (seconds := stop_sleep(spec["lifecycle"])) is not None:
        view["stopSleep"] = seconds
    image = spec.get("image")
    if image:
        view["image"] = parse_image(image).as_json()
    return view, resources
