"""``nodepools``: the GPU node pools that an object describes, and what keeps nodes in them.

Read from Karpenter v1 (``NodePool``), Cluster API's autoscaler annotations (cluster-autoscaler,
``cloudprovider/clusterapi``), and the managed pools of Cluster API's providers, Config Connector
and eksctl, which all have a lower bound and a machine type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts.gpu_rules import GpuRules, gpu_rules
from karb_guard.facts.nodes import node_facts
from karb_guard.model.finding import Path
from karb_guard.values.quantity import Quantity, parse_quantity

MAX_POOLS = 100
READS = Reads()
KARPENTER = "karpenter.sh/NodePool"
CLUSTER_API = frozenset(
    {
        "cluster.x-k8s.io/MachineDeployment",
        "cluster.x-k8s.io/MachinePool",
        "cluster.x-k8s.io/MachineSet",
    }
)
_MIN_SIZE = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
_CAPACITY = "capacity.cluster-autoscaler.kubernetes.io/"
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"

Json = dict[str, Any]
Map = Mapping[str, Any]


class Managed(NamedTuple):
    """Where a kind keeps the lower bound, the fixed size and the machine type of its pools."""

    pools: Path
    """Of the pool, or of the list of pools."""
    lower: tuple[Path, ...]
    fixed: Path
    """The size where no bound is set."""
    machines: tuple[Path, ...]
    accelerators: Path = ()


MANAGED: Mapping[str, tuple[Managed, ...]] = {
    "infrastructure.cluster.x-k8s.io/AWSManagedMachinePool": (
        Managed(("spec",), (("scaling", "minSize"),), (), (("instanceType",),)),
    ),
    "infrastructure.cluster.x-k8s.io/AzureManagedMachinePool": (
        Managed(("spec",), (("scaling", "minSize"),), (), (("sku",),)),
    ),
    "container.cnrm.cloud.google.com/ContainerNodePool": (
        Managed(
            ("spec",),
            (("autoscaling", "minNodeCount"), ("autoscaling", "totalMinNodeCount")),
            ("nodeCount",),
            (("nodeConfig", "machineType"),),
            ("nodeConfig", "guestAccelerator"),
        ),
    ),
    "eksctl.io/ClusterConfig": tuple(
        Managed((field,), (("minSize",),), ("desiredCapacity",), (("instanceType",),))
        for field in ("managedNodeGroups", "nodeGroups")
    ),
}
KINDS = frozenset({KARPENTER, *CLUSTER_API, *MANAGED})


def provide(about: About) -> list[Json] | None:
    """One entry a GPU pool: its ``name``, the ``evidence`` that it is one, and ``keeps``.

    Each of ``keeps`` is one thing that leaves nodes there without work: its ``check`` (``floor``,
    ``static``, ``never``, ``budget``), ``path``, and ``value`` (for a count of nodes, a number).
    """
    kind = _kind(about.prepared.raw)
    if kind not in KINDS:
        return None
    rules = gpu_rules(about.settings)
    return list(_pools(about.prepared.raw, kind, rules))[:MAX_POOLS]


def _pools(obj: Map, kind: str, rules: GpuRules) -> Iterator[Json]:
    if kind == KARPENTER:
        yield from _pool(_name(obj), _karpenter_gpu(obj, rules), _karpenter_keeps(obj))
    elif kind in CLUSTER_API:
        yield from _pool(_name(obj), _cluster_api_gpu(obj, rules), _cluster_api_keeps(obj))
    else:
        for row in MANAGED[kind]:
            for path, pool in _each(obj, row.pools):
                name = _text(pool.get("name")) or _name(obj)
                yield from _pool(name, _managed_gpu(pool, row, rules), _bounds(pool, path, row))


def _pool(name: str, evidence: str | None, keeps: Iterator[Json]) -> Iterator[Json]:
    if evidence is not None:
        yield {"name": name, "evidence": evidence, "keeps": list(keeps)}


def _keep(check: str, path: Path, value: Any) -> Json:
    return {"check": check, "path": list(path), "value": value}


def _karpenter_gpu(obj: Map, rules: GpuRules) -> str | None:
    facts = node_facts(obj, KARPENTER, rules) or {}
    taints = (f"taint {taint['key']}" for taint in facts.get("taints", ()) if taint["gpu"])
    return next((each["name"] for each in facts.get("accelerators", ())), next(taints, None))


def _karpenter_keeps(obj: Map) -> Iterator[Json]:
    spec = _map(obj.get("spec"))
    replicas = _count(spec.get("replicas"))
    if replicas is not None:  # static capacity: nothing below is heeded
        if replicas > 0:
            yield _keep("static", ("spec", "replicas"), replicas)
        return
    disruption = _map(spec.get("disruption"))
    if disruption.get("consolidateAfter") == "Never":
        yield _keep("never", ("spec", "disruption", "consolidateAfter"), "Never")
    for index, budget in enumerate(_list(disruption.get("budgets"))):
        if isinstance(budget, Mapping) and _always_none(budget):
            path = ("spec", "disruption", "budgets", index, "nodes")
            yield _keep("budget", path, str(budget.get("nodes")))


def _always_none(budget: Map) -> bool:
    """A budget without a schedule holds always; one with reasons, only for those."""
    reasons = _list(budget.get("reasons"))
    none = budget.get("nodes") in ("0", "0%", 0)
    return none and not budget.get("schedule") and (not reasons or "Empty" in reasons)


def _cluster_api_gpu(obj: Map, rules: GpuRules) -> str | None:
    """By the annotations that tell the autoscaler what a machine has, else by its labels."""
    annotations = _map(_map(obj.get("metadata")).get("annotations"))
    count = annotations.get(f"{_CAPACITY}gpu-count")
    if (number := _count(count)) is not None and number > 0:
        return f"{_CAPACITY}gpu-count={number}"
    for key, value in _pairs(annotations.get(f"{_CAPACITY}labels")):
        if rules.labels.valued(key, value):
            return f"{key}={value}"
    for key, value in _pairs(annotations.get(f"{_CAPACITY}taints")):
        if rules.taints.valued(key, value.partition(":")[0]):
            return f"taint {key}"
    labels = _map(_map(_at(obj, ("spec", "template", "metadata"))).get("labels"))
    return _labelled(labels, rules)


def _cluster_api_keeps(obj: Map) -> Iterator[Json]:
    metadata = _map(obj.get("metadata"))
    if _list(metadata.get("ownerReferences")):
        return  # a MachineSet of a MachineDeployment, whose bounds count
    lower = _count(_map(metadata.get("annotations")).get(_MIN_SIZE))
    replicas = _count(_map(obj.get("spec")).get("replicas"))
    if lower is not None and lower > 0:
        yield _keep("floor", ("metadata", "annotations", _MIN_SIZE), lower)
    elif lower is None and replicas is not None and replicas > 0:
        yield _keep("static", ("spec", "replicas"), replicas)


def _managed_gpu(pool: Map, row: Managed, rules: GpuRules) -> str | None:
    for item in _list(_at(pool, row.accelerators)) if row.accelerators else ():
        if isinstance(item, Mapping) and (_count(item.get("count")) or 1) > 0:
            return _text(item.get("type")) or "guestAccelerator"
    for path in row.machines:
        machine = _text(_at(pool, path))
        if machine and rules.labels.valued(_INSTANCE_TYPE, machine):
            return machine
    machines = [_text(each) for each in _list(pool.get("instanceTypes"))]
    if machines and all(rules.labels.valued(_INSTANCE_TYPE, machine) for machine in machines):
        return machines[0]
    return _labelled(_map(pool.get("labels")), rules)


def _bounds(pool: Map, path: Path, row: Managed) -> Iterator[Json]:
    set_ = False
    for lower in row.lower:
        count = _count(_at(pool, lower))
        set_ = set_ or count is not None
        if count is not None and count > 0:
            yield _keep("floor", (*path, *lower), count)
    fixed = _count(_at(pool, row.fixed)) if row.fixed else None
    if not set_ and fixed is not None and fixed > 0:
        yield _keep("static", (*path, *row.fixed), fixed)


def _labelled(labels: Map, rules: GpuRules) -> str | None:
    for key, value in labels.items():
        if isinstance(key, str) and isinstance(value, str) and rules.labels.valued(key, value):
            return f"{key}={value}"
    return None


def _each(obj: Map, path: Path) -> Iterator[tuple[Path, Map]]:
    found = _at(obj, path)
    if isinstance(found, Mapping):
        yield path, found
    for index, item in enumerate(_list(found)[:MAX_POOLS]):
        if isinstance(item, Mapping):
            yield (*path, index), item


def _pairs(text: Any) -> Iterator[tuple[str, str]]:
    """``key=value`` of a list divided by commas."""
    for pair in text.split(",") if isinstance(text, str) else ():
        key, _, value = pair.strip().partition("=")
        yield key, value


def _count(value: Any) -> int | None:
    """A number of nodes, as a number or (annotations) as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    quantity = parse_quantity(value)
    return quantity.milli // 1000 if isinstance(quantity, Quantity) else None


def _kind(obj: Map) -> str:
    return f"{_text(obj.get('apiVersion')).rpartition('/')[0]}/{_text(obj.get('kind'))}"


def _name(obj: Map) -> str:
    return _text(_map(obj.get("metadata")).get("name"))


def _at(obj: Any, path: Path) -> Any:
    for step in path:
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    return obj


def _map(value: Any) -> Map:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
