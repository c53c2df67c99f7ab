"""From an object to the input document that the engine judges (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from karb_guard import facts, workloads
from karb_guard.evaluation.autoscaling.objects import described, is_made_by_keda
from karb_guard.facts import limits
from karb_guard.facts.gpu_rules import gpu_rules
from karb_guard.facts.nodes import node_facts
from karb_guard.facts.rbac import rbac_facts
from karb_guard.facts.settings import SLO_PREFIX, FactSettings
from karb_guard.inventory import Inventory
from karb_guard.model.finding import Coverage, ObjectRef, Path
from karb_guard.model.invariant import PODS_GROUP
from karb_guard.network import describe_policy

NETWORK_POLICY = "networking.k8s.io/NetworkPolicy"


_NO_DOCUMENT: Mapping[str, Any] = MappingProxyType({})
_NO_PODS = facts.PodViews([])
_DEVICES = "resource.k8s.io"
"""The API group of objects that say what devices are."""


class JsonText(NamedTuple):
    """The JSON that held an object: nothing in the object is shared, nothing is beyond JSON."""

    size: int
    """In bytes, see ``facts.limits.check``."""
    memory: facts.TemplateMemory | None = None
    """What knows the pod templates of such objects that came before."""


class Prepared(NamedTuple):
    """One object, ready for the engine."""

    raw: Mapping[str, Any]
    ref: ObjectRef
    owner: ObjectRef
    coverage: Coverage
    groups: tuple[str, ...] = ()
    """The entry point groups that this object meets."""
    document: Mapping[str, Any] = _NO_DOCUMENT
    """The input document without ``params`` and ``context``."""
    malformed: tuple[Any, ...] = ()
    refused: str | None = None
    """Why the object is too large or too deep to be judged."""
    workload: workloads.Workload | None = None
    """``None`` where nothing of the object is judged."""
    views: facts.PodViews = _NO_PODS

    def written(self, path: Path) -> Path:
        """Where a field of the pod view stands in the object as written.

        Some custom resources hold no PodSpec (a NIMService's ``spec.image.tag``); their pods are a
        view, and findings must point into the resource.
        """
        return path if self.workload is None else self.workload.written(path)

    @property
    def pods(self) -> list[dict[str, Any]]:
        """The pod views of the input document."""
        return self.views.data

    @property
    def templates(self) -> tuple[workloads.Template, ...]:
        """The pod templates that were judged, in the order of ``pods``."""
        return self.workload.templates if self.workload is not None else ()


class Acquainted:
    """Objects that one call has prepared, so that what judges them all does it once for each.

    An object is judged, and it is the neighbour of others: each quota, autoscaler and budget of a
    namespace looks at the same workloads. Only the object itself is known again, not its like.
    """

    def __init__(self, most: int = 512) -> None:
        """``most``: how many are kept; what comes later is prepared each time."""
        self._most = most
        self._known: dict[int, tuple[Mapping[str, Any], Prepared]] = {}

    def keep(self, obj: Mapping[str, Any], prepared: Prepared) -> None:
        """Know it from now on. Holding the object keeps its ``id`` its own."""
        if len(self._known) < self._most:
            self._known[id(obj)] = obj, prepared

    def get(self, obj: Mapping[str, Any]) -> Prepared | None:
        """What was made of this very object."""
        found = self._known.get(id(obj))
        return None if found is None else found[1]


def reference(obj: Mapping[str, Any]) -> ObjectRef:
    """The object's name for people; robust against any shape of metadata."""
    metadata = obj.get("metadata")
    meta: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    name = meta.get("name")
    if not isinstance(name, str) or not name:
        prefix = meta.get("generateName")
        name = f"{prefix}*" if isinstance(prefix, str) and prefix else "(no name)"
    namespace = meta.get("namespace")
    return ObjectRef(
        api_version=_word(obj, "apiVersion"),
        kind=_word(obj, "kind"),
        name=name,
        namespace=namespace if isinstance(namespace, str) and namespace else None,
    )


def _word(obj: Mapping[str, Any], key: str) -> str:
    """A scalar as text. What is nested has no end that is worth printing."""
    value = obj.get(key, "")
    return "" if isinstance(value, Mapping | list) else str(value)


def kind_group(obj: Mapping[str, Any]) -> str:
    """The match value of the object's kind: ``apps/Deployment``, ``/Namespace`` for core."""
    api_version = obj.get("apiVersion")
    group = api_version.rpartition("/")[0] if isinstance(api_version, str) else ""
    return f"{group}/{_word(obj, 'kind')}"


def without_bookkeeping(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without ``metadata.managedFields``: nobody judges them, and they are its bulk."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**obj, "metadata": kept}


def prepare(
    obj: Mapping[str, Any],
    settings: FactSettings,
    inventory: Inventory | None,
    matched_kinds: Iterable[str],
    written: JsonText | None = None,
) -> Prepared:
    """Resolve, sanitise, default and describe one object; never raises for a bad object.

    ``matched_kinds`` are the kinds that enabled invariants name in ``match``; ``written`` is the
    JSON that the object comes from, where there is one.
    """
    obj = without_bookkeeping(obj)
    ref = reference(obj)
    refused = limits.check(obj, None if written is None else written.size)
    if refused is not None:
        return Prepared(obj, ref, ref, Coverage.KNOWN, refused=refused)
    workload = workloads.resolve(obj)
    kind = kind_group(obj)
    groups = ((PODS_GROUP,) if workload.templates else ()) + (
        (kind,) if kind in matched_kinds and not is_made_by_keda(obj) else ()
    )
    coverage = Coverage.KNOWN if kind in matched_kinds else workload.coverage
    owner = workload.owner or ref
    refused = limits.check_workload(workload)
    if kind == NETWORK_POLICY:
        refused = refused or limits.check_network_policy(obj)
    if refused is not None:
        return Prepared(obj, ref, owner, coverage, groups, refused=refused)
    if not groups and not workload.misfits:
        return Prepared(obj, ref, owner, coverage)
    memory = written.memory if written is not None else None
    if inventory is not None and inventory.holds_group(_DEVICES):
        memory = None
    built = facts.build(obj, workload, settings, inventory, memory)
    document = _document(obj, kind, built, settings, inventory)
    return Prepared(
        obj,
        ref,
        owner,
        coverage,
        groups,
        document,
        tuple(built.malformed),
        workload=workload,
        views=built.views,
    )


def _document(
    obj: Mapping[str, Any],
    kind: str,
    built: facts.Facts,
    settings: FactSettings,
    inventory: Inventory | None,
) -> dict[str, Any]:
    """What a policy sees as ``input``, without the parameters and the context."""
    document: dict[str, Any] = {
        "object": built.object_view,
        "pods": built.views.writable,
    }
    if settings.slo_prefix != SLO_PREFIX:  # policies know the keys under the usual one
        document["sloKeys"] = settings.slo_keys
    if built.workload is not None:
        document["workload"] = built.workload
    rbac = rbac_facts(built.object_view, settings, inventory.rbac if inventory else None)
    if rbac is not None:
        document["rbac"] = rbac
    node = node_facts(obj, kind, gpu_rules(settings), inventory)
    if node is not None:
        document["node"] = node
    autoscaler = described(built.object_view, obj)
    if autoscaler is not None:
        document["autoscaler"] = autoscaler
    if kind == NETWORK_POLICY:
        document["networkPolicy"] = describe_policy(built.object_view)
    return document
