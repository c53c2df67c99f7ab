"""The containers of a PodSpec, with their roles and paths."""

from __future__ import annotations

from typing import Any, NamedTuple

from karb_guard.model.finding import Path
from karb_guard.workloads.patterns import json_type
from karb_guard.workloads.shapes import MISSING_NAME, Container, Misfit

LISTS = (("containers", "main"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral"))
"""The container lists of a PodSpec with the role that their elements have."""


class Openness(NamedTuple):
    """Which containers of a place are merged with something not visible here."""

    everything: bool = False
    names: frozenset[str] = frozenset()
    imageless: bool = False
    """A container without an image gets one from the operator, and with it who knows what."""

    def covers(self, name: str, container: dict[str, Any]) -> bool:
        """Whether absence of a field in this container proves nothing."""
        return (
            self.everything
            or name in self.names
            or (self.imageless and container.get("image") is None)
        )


def read_containers(
    spec: dict[str, Any], path: Path, openness: Openness, misfits: list[Misfit]
) -> list[Container]:
    """The containers of the PodSpec ``spec`` at ``path``, in the order of ``LISTS``."""
    found: list[Container] = []
    for field, role in LISTS:
        items = spec.get(field)
        if items is not None:
            found += read_list(items, (*path, field), role, openness, misfits)
    return found


def read_list(
    items: Any, path: Path, role: str, openness: Openness, misfits: list[Misfit]
) -> list[Container]:
    """The containers of one list; what is no list, or no map in it, leaves a misfit."""
    if not isinstance(items, list):
        misfits.append(Misfit(path, "array", json_type(items)))
        return []
    found: list[Container] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            misfits.append(Misfit((*path, index), "object", json_type(item)))
            continue
        name = name_of(item)
        found.append(
            Container(name, role_of(role, item), (*path, index), item, openness.covers(name, item))
        )
    return found


def name_of(container: dict[str, Any]) -> str:
    """The container's name, or nothing."""
    name = container.get("name")
    return name if isinstance(name, str) and name else MISSING_NAME


def role_of(role: str, container: dict[str, Any]) -> str:
    """An init container that restarts is a sidecar (Kubernetes 1.29)."""
    if role == "init" and container.get("restartPolicy") == "Always":
        return "sidecar"
    return role
