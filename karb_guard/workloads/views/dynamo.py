"""Dynamo v1alpha1 components: ``extraPodSpec`` with a ``mainContainer``, and resources of its own.

The component's resources, envs and probes make the container ``main``; what ``mainContainer``
says wins over them (the operator merges with override). ``resources`` has fields of its own:
``gpu`` is a count of ``gpuType`` (``nvidia.com/gpu``), ``custom`` holds further resources.
"""

from __future__ import annotations

from typing import Any

from karb_guard.model.finding import Path
from karb_guard.workloads.containers import read_containers
from karb_guard.workloads.shapes import Alias, Container, Template
from karb_guard.workloads.views.spot import Spot, taken

MAIN_NAME = "main"
DEFAULT_GPU = "nvidia.com/gpu"

_PROBES = ("livenessProbe", "readinessProbe")


def dynamo_template(spot: Spot) -> Template | None:
    """The template of one component; ``None`` where it says nothing about its pods."""
    extra = spot.object(spot.value, spot.path, "extraPodSpec")
    if extra is None and spot.value.get("resources") is None:
        return None
    path: Path = spot.path if extra is None else (*spot.path, "extraPodSpec")
    spec = {key: value for key, value in (extra or {}).items() if key != "mainContainer"}
    containers = [_main(spot, extra or {}, path)]
    containers += read_containers(spec, path, spot.openness, spot.misfits)
    return Template(path, spec, tuple(containers), spot.metadata)


def _main(spot: Spot, extra: dict[str, Any], path: Path) -> Container:
    said = spot.object(extra, path, "mainContainer")
    main = said or {}
    written: Path = spot.path if said is None else (*path, "mainContainer")
    view: dict[str, Any] = {**taken(spot.value, _PROBES), **main, "name": MAIN_NAME}
    aliases = [
        Alias((field,), (*spot.path, field))
        for field in _PROBES
        if field in view and main.get(field) is None
    ]
    _env(spot, main, written, view, aliases)
    _resources(spot, main, written, view, aliases)
    return Container(MAIN_NAME, "main", written, view, open=True, aliases=tuple(aliases))


def _env(
    spot: Spot, main: dict[str, Any], written: Path, view: dict[str, Any], aliases: list[Alias]
) -> None:
    """The component's ``envs`` and the container's ``env`` are joined."""
    shared = spot.array(spot.value, spot.path, "envs") or []
    own = spot.array(main, written, "env") or []
    if shared:
        view["env"] = [*own, *shared]
        start = len(own)
        if not start:
            aliases.append(Alias(("env",), (*spot.path, "envs")))
        aliases += [
            Alias(("env", start + index), (*spot.path, "envs", index))
            for index in range(len(shared))
        ]


def _resources(
    spot: Spot, main: dict[str, Any], written: Path, view: dict[str, Any], aliases: list[Alias]
) -> None:
    shared = spot.object(spot.value, spot.path, "resources")
    if shared is None:
        return
    own = spot.object(main, written, "resources") or {}
    merged = dict(own)
    if not own:
        aliases.append(Alias(("resources",), (*spot.path, "resources")))
    for part in ("limits", "requests"):
        amounts = _amounts(spot, shared, part, aliases)
        mine = spot.object(own, (*written, "resources"), part) or {}
        aliases[:] = [alias for alias in aliases if not _is_overridden(alias, part, mine)]
        if amounts or mine:
            merged[part] = {**amounts, **mine}
    if "claims" not in own and shared.get("claims") is not None:
        merged["claims"] = shared["claims"]
        aliases.append(Alias(("resources", "claims"), (*spot.path, "resources", "claims")))
    view["resources"] = merged


def _is_overridden(alias: Alias, part: str, mine: dict[str, Any]) -> bool:
    return len(alias.view) > 2 and alias.view[1] == part and alias.view[2] in mine


def _amounts(
    spot: Spot, resources: dict[str, Any], part: str, aliases: list[Alias]
) -> dict[str, Any]:
    """One of ``limits`` and ``requests`` in Kubernetes' own names."""
    path: Path = (*spot.path, "resources", part)
    item = spot.object(resources, (*spot.path, "resources"), part) or {}
    gpu = item.get("gpuType")
    names = {"cpu": "cpu", "memory": "memory", "gpu": gpu if isinstance(gpu, str) else DEFAULT_GPU}
    found: dict[str, Any] = {}
    for field, name in names.items():
        if item.get(field) is not None:
            found[name] = item[field]
            aliases.append(Alias(("resources", part, name), (*path, field)))
    for name, amount in (spot.object(item, path, "custom") or {}).items():
        if isinstance(name, str):
            found[name] = amount
            aliases.append(Alias(("resources", part, name), (*path, "custom", name)))
    return found
