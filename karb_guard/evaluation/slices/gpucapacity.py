"""``gpucapacity``: the most of each accelerator resource that the cluster can ever have.

The sum of what the limits of Karpenter's NodePools allow and what the nodes of no pool have. It is
an upper bound, or nothing: where something may add nodes without a limit that is visible, no
number would be true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.objects import name_of
from karb_guard.evaluation.autoscaling.shapes import mapping, mappings
from karb_guard.evaluation.slices import nodepools
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts.gpu_rules import GpuRules, gpu_rules
from karb_guard.facts.nodes import NODE_POOL, node_facts
from karb_guard.values.quantity import Quantity, parse_quantity

POOL, NODE = ("karpenter.sh", "NodePool"), ("", "Node")
READS = Reads(
    everywhere=(
        NODE,
        ("resource.k8s.io", "DeviceClass"),
        *((group, kind) for group, _, kind in (k.partition("/") for k in sorted(nodepools.KINDS))),
    )
)
MAX_SOURCES = 3
_OF_POOL = "karpenter.sh/nodepool"
_ELASTIC = (
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
    "node.openstack.org/nodegroup",
)
"""Labels of nodes in groups that a provider makes larger; by how much is not visible here."""
_MACHINES = ("instance-type", "instance-family", "instance-category")

Json = dict[str, Any]
Object = Mapping[str, Any]


def provide(about: About) -> Json | None:
    """By resource ``amount`` (milli-units) and ``of`` (what it is the sum of, three names).

    A resource that nothing bounds is absent. ``None`` where neither nodes nor pools are known.
    """
    if not about.prepared.pods:
        return None
    known: Json | None = about.inventory.remembered(
        ("GPU capacity",), lambda: _capacity(about), of_cluster=True
    )
    return known


def _capacity(about: About) -> Json | None:
    inventory = about.inventory
    pools, nodes = inventory.of_kind(*POOL), inventory.of_kind(*NODE)
    if not pools and not nodes:
        return None
    if any(_is_elastic(node) for node in nodes) or _has_other_pools(about):
        return {}
    rules = gpu_rules(about.settings)
    limited = [(pool, _limits(pool)) for pool in pools if _may_have_gpus(pool, rules)]
    own = [_allocatable(node) for node in nodes if not _has_label(node, _OF_POOL)]
    total: Json = {}
    for resource in sorted(set().union(*(limit for _, limit in limited), *own)):
        if all(resource in limit for _, limit in limited):
            total[resource] = _sum(resource, limited, own)
    return total


def _sum(
    resource: str, limited: list[tuple[Object, dict[str, int]]], own: list[dict[str, int]]
) -> Json:
    having = [node[resource] for node in own if resource in node]
    sources = [f"NodePool {name_of(pool)}" for pool, _ in limited]
    shown = [*sources[:MAX_SOURCES], *(["..."] if len(sources) > MAX_SOURCES else [])]
    if having:
        shown.append(f"{len(having)} node{'s' if len(having) > 1 else ''}")
    return {"amount": sum(limit[resource] for _, limit in limited) + sum(having), "of": shown}


def _has_other_pools(about: About) -> bool:
    kinds = nodepools.KINDS - {NODE_POOL}
    return any(about.inventory.of_kind(*kind.split("/")) for kind in kinds)


def _is_elastic(node: Object) -> bool:
    return any(_has_label(node, key) for key in _ELASTIC)


def _has_label(node: Object, key: str) -> bool:
    return key in mapping(mapping(node.get("metadata")).get("labels"))


def _limits(pool: Object) -> dict[str, int]:
    return dict(_amounts(mapping(pool.get("spec")).get("limits")))


def _allocatable(node: Object) -> dict[str, int]:
    status = mapping(node.get("status"))
    return dict(_amounts(status.get("allocatable") or status.get("capacity")))


def _amounts(written: Any) -> Iterator[tuple[str, int]]:
    """Extended resources (``domain/name``) that are quantities, in milli-units."""
    for name, value in mapping(written).items():
        quantity = parse_quantity(value) if isinstance(name, str) and "/" in name else None
        if isinstance(quantity, Quantity):
            yield name, quantity.milli


def _may_have_gpus(pool: Object, rules: GpuRules) -> bool:
    """Whether Karpenter may make GPU nodes of the pool: not if it names machines without."""
    facts = node_facts(pool, NODE_POOL, rules) or {}
    if facts.get("accelerators") or any(taint["gpu"] for taint in facts.get("taints", ())):
        return True
    spec = mapping(mapping(mapping(pool.get("spec")).get("template")).get("spec"))
    return not any(_names_machines(each, rules) for each in mappings(spec.get("requirements")))


def _names_machines(requirement: Object, rules: GpuRules) -> bool:
    key, values = requirement.get("key"), requirement.get("values")
    if not isinstance(key, str) or requirement.get("operator") != "In":
        return False
    named = isinstance(values, list) and key.rpartition("/")[2] in _MACHINES
    return named and not any(
        isinstance(value, str) and rules.labels.valued(key, value) for value in values or ()
    )
