"""Describes what the inventory found beside an object, as ``input.context`` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from karb_guard.evaluation.prepare import Acquainted, JsonText, Prepared
from karb_guard.evaluation.slices import About, provider
from karb_guard.facts.settings import FactSettings
from karb_guard.inventory import Inventory
from karb_guard.network import Policies, isolation_of

_BY_INVENTORY = frozenset({"namespace", "networkpolicies", "isolation", "backends"})
"""Keys that ``Inventory.context`` knows; every other one is a module of ``slices``."""


def context_of(  # noqa: PLR0913 - what is known of an object, and how
    prepared: Prepared,
    keys: Iterable[str],
    inventory: Inventory | None,
    settings: FactSettings,
    *,
    complete: bool,
    written: JsonText | None = None,
    acquainted: Acquainted | None = None,
) -> dict[str, Any]:
    """The slice of related objects for ``keys``; a key that can't be supplied is absent.

    ``written``: the JSON that the inventory's objects come from, where they all come from some.
    ``acquainted``: which of them were prepared before.
    """
    if inventory is None:
        return {}
    wanted = [key for key in keys if inventory.supplies(key)]
    about = About(prepared, inventory, settings, complete, written, acquainted)
    context = inventory.context(prepared.raw, wanted, complete=complete)
    if "isolation" in context:
        context["isolation"] = _isolations(prepared, context["isolation"])
    if "backends" in context:
        context["backends"] = list(_backends(context["backends"], about))
    for key in wanted:
        if key not in _BY_INVENTORY and (value := provider(key)(about)) is not None:
            context[key] = value
    return context


def _isolations(prepared: Prepared, policies: Policies) -> list[dict[str, Any]]:
    """One entry for each of the object's pods, in their order."""
    # The operator of a custom resource labels the pods it makes.
    complete = not (prepared.workload is not None and prepared.workload.operator)
    return [
        isolation_of(
            policies,
            pod["labels"],
            complete=complete,
            host_network=pod["spec"].get("hostNetwork") is True,
        )
        for pod in prepared.pods
    ]


def _backends(objects: Iterable[Mapping[str, Any]], about: About) -> Iterator[dict[str, Any]]:
    """One entry for each pod template of ``objects``; one for an object too large to be read."""
    for obj in objects:
        backend = about.prepare(obj)
        name = f"{backend.ref.kind} {backend.ref.name}"
        if backend.refused is not None:
            yield {"name": name, "labels": None, "gpu": None, "why": backend.refused, "ports": []}
        for pod in backend.pods:
            yield {
                "name": name,
                "labels": pod["labels"],
                "gpu": _uses_gpu(pod),
                "why": pod["gpu"]["unknown"],
                "ports": list(_ports(pod)),
            }


def _uses_gpu(pod: Mapping[str, Any]) -> bool | None:
    gpu = pod["gpu"]
    if gpu["workload"] or gpu["unaccounted"]:
        return True
    return None if gpu["unknown"] is not None else False


def _ports(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The declared ports of all containers; ``gpu``: the container may be what holds the GPU."""
    # A GPU by placement or claim belongs to no container in particular.
    named = any(container["gpus"] for container in pod["containers"])
    for container in pod["containers"]:
        for port in container["spec"].get("ports") or ():
            yield {
                "name": port.get("name", ""),
                "number": port.get("containerPort", 0),
                "protocol": port.get("protocol", "TCP"),
                "gpu": bool(container["gpus"]) or not named,
            }
