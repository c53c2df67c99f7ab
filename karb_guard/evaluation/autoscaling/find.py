"""The workload that somebody names, and what scales it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.evaluation.autoscaling.own import KNATIVE, KSERVE
from karb_guard.evaluation.autoscaling.shapes import Json, mapping, text
from karb_guard.evaluation.prepare import Prepared, prepare
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.autoscalers import all_of
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.model.errors import UsageError

MAX_NAMED = 5
_SHORT = {
    "deploy": "deployment",
    "sts": "statefulset",
    "rs": "replicaset",
    "lws": "leaderworkerset",
    "isvc": "inferenceservice",
    "ksvc": "service",
    "ro": "rollout",
}
_RUNS = {
    KNATIVE: "Knative's autoscaler",
    KSERVE: "KServe",
    "ray.io": "Ray's own autoscaler, in the cluster's head",
    "kubeai.org": "KubeAI, by the requests that it proxies",
    "apps.nvidia.com": "an HPA that the NIM operator makes",
    "machinelearning.seldon.io": "what Seldon makes of it",
    "grove.io": "Grove",
}
_KNATIVE_DEFAULTS = (
    ("class", "kpa.autoscaling.knative.dev"),
    ("metric", "concurrency"),
    ("target", "100"),
    ("target-utilization-percentage", "70"),
    ("window", "60s"),
)
"""knative/serving pkg/autoscaler/config/config.go; a ConfigMap of the cluster may say otherwise."""


class Found(NamedTuple):
    """A workload and its autoscalers."""

    prepared: Prepared
    scalers: tuple[Json, ...]
    """In the shape of ``autoscaling.shapes.scaler``."""
    groups: tuple[int, ...]
    """For each pod template the pods of one replica."""


class Named(NamedTuple):
    """What somebody calls a workload."""

    namespace: str | None
    kind: str
    """Lower case, as kubectl takes it: in the singular or the plural."""
    name: str
    group: str | None = None
    """Its API group, where the short name says it."""

    def fits(self, kind: str, group: str) -> bool:
        """Whether objects of a kind may be meant."""
        own = kind.lower()
        if self.group is not None and group != self.group:
            return False
        return own in (self.kind, self.kind.removesuffix("s"))


def read_name(named: str) -> Named:
    """``kind/name`` or ``namespace/kind/name``. Raises ``UsageError``."""
    parts = named.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(
            f"{named!r} names no workload: write kind/name or namespace/kind/name, such as "
            "deployment/llm"
        )
    namespace = parts[0] if len(parts) == 3 else None
    kind = parts[-2].lower()
    group = KNATIVE if kind == "ksvc" else None
    return Named(namespace, _SHORT.get(kind, kind), parts[-1], group)


def find(named: str, inventory: Inventory, settings: FactSettings) -> Found:
    """The workload ``kind/name`` or ``namespace/kind/name``, with what scales it.

    Raises ``UsageError`` where there is none of that name, where there are several, and where
    nothing scales it.
    """
    obj = _only(named, list(_matches(read_name(named), inventory)), inventory)
    prepared = prepare(obj, settings, inventory, ())
    scalers = tuple(all_of(About(prepared, inventory, settings, complete=False)))
    if not scalers:
        raise UsageError(
            f"{_called(obj)} is here, but no autoscaler that targets it; look at the "
            "scaleTargetRef of its HorizontalPodAutoscaler or ScaledObject, and give their file "
            "too where files are read"
        )
    sizes = tuple((pod.get("scale") or {}).get("size", 1) for pod in prepared.pods)
    return Found(prepared, scalers, sizes)


def notes_of_own(prepared: Prepared) -> tuple[str, ...]:
    """What is known of the autoscaler that the workload's kind brings."""
    group = "" if prepared.workload is None else prepared.workload.group
    notes = [f"run by {_RUNS[group]}"] if group in _RUNS else []
    if group == KNATIVE:
        annotations = prepared.pods[0]["annotations"] if prepared.pods else {}
        notes += [
            f"{key}: {annotations.get(f'autoscaling.knative.dev/{key}', f'{unset} (default)')}"
            for key, unset in _KNATIVE_DEFAULTS
        ]
    if group == KSERVE:
        annotations = mapping(mapping(prepared.raw.get("metadata")).get("annotations"))
        chosen = text(annotations.get("serving.kserve.io/autoscalerClass"))
        notes.append(
            f"autoscaler class: {chosen}"
            if chosen
            else "autoscaler class: not set (in Standard mode an HPA at 80 % of CPU)"
        )
    return tuple(notes)


def _matches(named: Named, inventory: Inventory) -> Iterator[Mapping[str, Any]]:
    for obj in inventory:
        metadata = mapping(obj.get("metadata"))
        group = str(obj.get("apiVersion", "")).rpartition("/")[0]
        if metadata.get("name") != named.name or not named.fits(str(obj.get("kind", "")), group):
            continue
        if named.namespace is None or metadata.get("namespace") == named.namespace:
            yield obj


def _only(
    named: str, found: Sequence[Mapping[str, Any]], inventory: Inventory
) -> Mapping[str, Any]:
    """The one of that name; of several copies of one object the last, as applying them would."""
    places = {_called(obj): obj for obj in found}
    if len(places) == 1:
        return next(iter(places.values()))
    if places:
        raise UsageError(f"{named} is not one: {_some(places)}; add the namespace in front")
    raise UsageError(f"{named} is not in what was read; there is {_some(_workloads(inventory))}")


def _workloads(inventory: Inventory) -> list[str]:
    from karb_guard import workloads

    return [_called(obj) for obj in inventory if workloads.resolve(obj).templates]


def _some(names: Any) -> str:
    listed = sorted(set(names))
    more = f" and {len(listed) - MAX_NAMED} more" if len(listed) > MAX_NAMED else ""
    return (", ".join(listed[:MAX_NAMED]) + more) or "no workload"


def _called(obj: Mapping[str, Any]) -> str:
    metadata = mapping(obj.get("metadata"))
    place = [text(metadata.get("namespace")), str(obj.get("kind")), str(metadata.get("name"))]
    return "/".join(part for part in place if part)
