"""``scaletarget``: what the judged autoscaler scales, and what else scales that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.objects import HPA, KINDS, POD_AUTOSCALER
from karb_guard.evaluation.autoscaling.shapes import mapping, mappings, text
from karb_guard.evaluation.prepare import Prepared
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.autoscalers import MAX_AUTOSCALERS, by_target, defaulted, is_made
from karb_guard.evaluation.slices.autoscalers import READS as AUTOSCALERS
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.network.selectors import InvalidPolicyError, Labels, compile_selector

VPA = ("autoscaling.k8s.io", "VerticalPodAutoscaler")
READS = Reads(here=(*AUTOSCALERS.here, VPA), workloads=True)
MAX_OTHERS = 20
"""Other autoscalers, and other workloads, that are named."""
MAX_SCALED = 500
"""Scaled workloads of a namespace whose selectors are compared; of more, none are."""

Json = dict[str, Any]


def provide(about: About) -> Json | None:
    """The target as far as it is visible; ``None`` where nothing is known of it.

    * ``found``: whether the object is here; false only where it would have to be;
    * ``kind``, ``group``, ``name``, ``replicas`` (as written, null where not), ``controlled``,
      ``live``: it comes from a cluster, where an autoscaler writes ``replicas``;
    * ``asleep``: it has 0 replicas, and this HPA would have to wake it but can't;
    * ``defaulted``: resources whose requests LimitRanges fill in;
    * ``pods``: for each template ``gpu`` (true, false, null with ``why``), ``containers`` (name,
      role, the resources they request, ``open``), the pod's own ``requests``, ``slo`` facts, and
      ``scale``;
    * ``operator``: an operator makes the pods, and may change them;
    * ``others``: kind and name of each further autoscaler on the same target that came before;
    * ``vertical``: VerticalPodAutoscalers on it, with the resources they set;
    * ``overlapping``: scaled workloads whose pods its selector also selects.
    """
    entry = about.prepared.document.get("autoscaler")
    if entry is None or entry["target"]["name"] is None:
        return None
    kind, name = entry["target"]["kind"], entry["target"]["name"]
    group = _group(entry["target"]["apiVersion"])
    around: Json = {
        "others": _others(about, kind, name, entry),
    }
    found = about.inventory.get(group, kind, about.namespace, name) if kind else None
    prepared = None if found is None else about.prepare(found)
    containers = None if prepared is None else _containers(prepared)
    around["vertical"] = list(_vertical(about, kind, name, containers))[:MAX_OTHERS]
    if found is None or prepared is None:
        known = kind is not None and about.knows(group, kind)
        if not known and not around["others"]:
            return None
        return {"found": False if known else None, **_nothing(group, kind, name), **around}
    return {
        "found": True,
        **_nothing(group, kind, name),
        **around,
        "replicas": _replicas(found),
        "live": "uid" in mapping(found.get("metadata")),
        "asleep": entry["min"] == 0 and _replicas(found) == 0 and _is_held(about, entry),
        "defaulted": defaulted(about),
        "operator": bool(prepared.workload is not None and prepared.workload.operator),
        "controlled": bool(mapping(found.get("metadata")).get("ownerReferences")),
        "pods": [_pod(pod) for pod in prepared.pods],
        "overlapping": sorted(_overlapping(about, found, prepared))[:MAX_OTHERS],
    }


def _nothing(group: str, kind: str | None, name: str) -> Json:
    return {
        "kind": kind,
        "group": group,
        "name": name,
        "replicas": None,
        "controlled": False,
        "live": False,
        "asleep": False,
        "operator": False,
        "defaulted": [],
        "pods": [],
        "overlapping": [],
    }


def _group(api_version: str | None) -> str:
    return (api_version or "").rpartition("/")[0]


def _replicas(obj: Mapping[str, Any]) -> int | None:
    written = mapping(obj.get("spec")).get("replicas")
    return written if type(written) is int else None


def _is_held(about: About, entry: Json) -> bool:
    """Whether an HPA leaves a target at 0 replicas alone.

    It does, unless it went there itself, which its condition ScaledToZero says
    (``shouldComputeMetricsForZeroReplicas`` in Kubernetes' ``horizontal.go``).
    """
    conditions = mappings(mapping(about.prepared.raw.get("status")).get("conditions"))
    slept = any(c.get("type") == "ScaledToZero" and c.get("status") == "True" for c in conditions)
    return entry["kind"] == HPA[1] and not slept


def _pod(pod: Mapping[str, Any]) -> Json:
    gpu = pod["gpu"]
    uses = bool(gpu["workload"] or gpu["unaccounted"])
    return {
        "gpu": True if uses else None if gpu["unknown"] is not None else False,
        "why": gpu["unknown"],
        "containers": [
            {
                "name": container["name"],
                "role": container["role"],
                "requests": sorted({*container["requests"], *container["limits"]}),
                "open": container["open"],
            }
            for container in pod["containers"]
        ],
        "requests": sorted(set().union(*pod.get("podResources", {}).values())),
        "slo": pod["slo"],
        "scale": pod.get("scale"),
    }


def _others(about: About, kind: str | None, name: str, entry: Json) -> list[str]:
    ref = about.prepared.ref
    if entry["kind"] == HPA[1] and is_made(about, about.prepared.raw):
        return []
    found = {(each["kind"], each["name"]) for each in by_target(about).get((kind, name), ())}
    others = sorted(found - {(ref.kind, ref.name)})
    return [f"{k} {n}" for k, n in others if not _is_told_there(about, k, n)][:MAX_OTHERS]


def _is_told_there(about: About, kind: str, name: str) -> bool:
    """Whether the conflict with another autoscaler is reported at that one.

    A pair is one defect, and has one finding: at the one that came later. In the same second it is
    both; manifests without times, it is the HPA rather than the ScaledObject, then the later name.
    At admission it is the one that is being written, also where an older one is given the target
    of a younger one: nobody submits the other. What was in conflict before, the ratchet spares.
    """
    if about.inventory.beside_a_review:
        return False
    group = next((g for g, k in KINDS if k == kind), "")
    other = about.inventory.get(group, kind, about.namespace, name)
    if other is None or kind == POD_AUTOSCALER[1]:
        return False
    mine, theirs = _created(about.prepared.raw), _created(other)
    if mine or theirs:
        return bool(mine) and (not theirs or theirs > mine)
    ref = about.prepared.ref
    return _order(kind, name) > _order(ref.kind, ref.name)


def _created(obj: Mapping[str, Any]) -> str:
    """When the API server made the object, as a text that sorts; empty of a manifest."""
    return text(mapping(obj.get("metadata")).get("creationTimestamp")) or ""


def _order(kind: str, name: str) -> tuple[bool, str, str]:
    return (kind == HPA[1], kind, name)


def _containers(prepared: Prepared) -> frozenset[str]:
    """The names of what runs as long as the pods: no init container that ends."""
    return frozenset(
        container["name"]
        for pod in prepared.pods
        for container in pod["containers"]
        if container["role"] != "init" and isinstance(container["name"], str)
    )


def _vertical(
    about: About, kind: str | None, name: str, containers: frozenset[str] | None
) -> Iterator[Json]:
    """Those that change pods, or write recommendations that something else applies.

    ``containers`` are those of the target, where it is visible.
    """
    for obj in about.applied(*VPA):
        spec = mapping(obj.get("spec"))
        reference = mapping(spec.get("targetRef"))
        if (reference.get("kind"), reference.get("name")) != (kind, name):
            continue
        if mapping(spec.get("updatePolicy")).get("updateMode", "Auto") == "Off":
            continue
        policies = list(mappings(mapping(spec.get("resourcePolicy")).get("containerPolicies")))
        resources = _resources(policies, containers)
        shown = text(mapping(obj.get("metadata")).get("name")) or "(no name)"
        yield {"name": shown, "resources": sorted(resources)}


def _resources(policies: list[Mapping[str, Any]], containers: frozenset[str] | None) -> set[str]:
    """What a VerticalPodAutoscaler sets of any container.

    A container goes by the policy of its name, else by that of ``*``, else by the default, which
    is cpu and memory (``GetContainerResourcePolicy`` of kubernetes/autoscaler).
    """
    named = {text(policy.get("containerName")): policy for policy in reversed(policies)}
    if containers:
        of_all = named.get("*", {})
        applied = [named.get(container, of_all) for container in sorted(containers)]
    else:
        applied = policies or [{}]
    return set().union(*(_controlled(each) for each in applied if each.get("mode") != "Off"))


def _controlled(policy: Mapping[str, Any]) -> Iterator[str]:
    given = policy.get("controlledResources")
    yield from (
        (each for each in given if isinstance(each, str))
        if isinstance(given, list)
        else (
            "cpu",
            "memory",
        )
    )


def _overlapping(about: About, obj: Mapping[str, Any], prepared: Prepared) -> Iterator[str]:
    """Other scaled workloads of the namespace whose pods ``obj`` selects.

    An HPA counts the pods that its target's selector matches (``replica_calculator.go``); those of
    another workload spoil its averages and its count.
    """
    targets = by_target(about)
    own = (prepared.ref.kind, prepared.ref.name)
    if not 1 < len(targets) <= min(MAX_SCALED, MAX_AUTOSCALERS):
        return
    try:
        selector = compile_selector(mapping(obj.get("spec")).get("selector"))
    except InvalidPolicyError:
        return
    if not selector.requirements:
        return
    key = ("scaled templates", about.namespace)
    templates = about.inventory.remembered(key, lambda: _templates(about, set(targets)))
    for name, labels in templates.items():
        if name != own and any(selector.matches(Labels(each)) is True for each in labels):
            yield " ".join(name)


def _templates(
    about: About, names: set[tuple[str | None, str | None]]
) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Kind and name of each scaled workload of the namespace -> the labels of its templates."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for obj in about.inventory.objects_in(about.namespace):
        metadata = mapping(obj.get("metadata"))
        name = (str(obj.get("kind", "")), str(metadata.get("name", "")))
        if name in names and not metadata.get("ownerReferences"):
            pods = about.prepare(obj).pods
            found[name] = [pod["labels"] for pod in pods]
    return found
