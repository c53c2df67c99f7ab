"""Argo Workflows: a template and its workflow together make a pod.

The rules are those of the workflow controller (workflowpod.go): a template's scheduling fields
replace the workflow's, volumes and host aliases of both are used, and some fields exist at the
workflow only. ``templateDefaults`` stands between the two. The boundary template (the ``steps``
or ``dag`` that calls this one), whose scheduling fields also apply, is not followed.
"""

from __future__ import annotations

from typing import Any

from karb_guard.model.finding import Path
from karb_guard.workloads.containers import Openness, name_of, read_list
from karb_guard.workloads.shapes import Alias, Container, Template
from karb_guard.workloads.views.spot import Spot

MAIN_NAME = "main"
"""common.MainContainerName: the name where the author gives none."""

_REPLACED = {
    "nodeSelector": "nodeSelector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "schedulerName": "schedulerName",
    "priorityClassName": "podPriorityClassName",
    "priority": "podPriority",
    "securityContext": "securityContext",
    "serviceAccountName": "serviceAccountName",
    "automountServiceAccountToken": "automountServiceAccountToken",
    "hostNetwork": "hostNetwork",
    "dnsPolicy": "dnsPolicy",
    "dnsConfig": "dnsConfig",
    "imagePullSecrets": "imagePullSecrets",
}
"""PodSpec field (the template's name for it) -> the workflow's name for it."""

_WORKFLOW_ONLY = frozenset({"hostNetwork", "dnsPolicy", "dnsConfig", "imagePullSecrets"})
_JOINED = ("volumes", "hostAliases")


def argo_template(spot: Spot) -> Template | None:
    """The template of one pod template; ``None`` for steps, DAGs and the executor's own pods."""
    containers = _containers(spot)
    if not containers:
        return None
    spec: dict[str, Any] = {"restartPolicy": "Never"}
    aliases: list[Alias] = []
    layers = _layers(spot)
    for field in _REPLACED:
        _replace(field, layers, spec, aliases)
    for field in _JOINED:
        _join(field, layers, spot, spec, aliases)
    return spot.template(spec, containers, aliases)


def _containers(spot: Spot) -> list[Container]:
    value, path, openness = spot.value, spot.path, _openness(spot)
    found: list[Container] = []
    for field in ("container", "script"):
        container = spot.object(value, path, field)
        if container is not None:
            found.append(_main(container, (*path, field), openness))
    group = spot.object(value, path, "containerSet")
    if group is not None and group.get("containers") is not None:
        where = (*path, "containerSet", "containers")
        found += read_list(group["containers"], where, "main", openness, spot.misfits)
    if not found:
        return []
    for field, role in (("sidecars", "main"), ("initContainers", "init")):
        if value.get(field) is not None:
            found += read_list(value[field], (*path, field), role, openness, spot.misfits)
    return found


def _main(container: dict[str, Any], path: Path, openness: Openness) -> Container:
    name = name_of(container)
    if not name:
        name = MAIN_NAME
        container = {**container, "name": name}
    return Container(name, "main", path, container, openness.covers(name, container))


def _openness(spot: Spot) -> Openness:
    """A patch or a default container can add anything to a container."""
    workflow = _workflow(spot)
    defaults = workflow.get("templateDefaults")
    patched = bool(spot.value.get("podSpecPatch") or workflow.get("podSpecPatch"))
    return Openness(everything=patched or isinstance(defaults, dict), imageless=True)


def _workflow(spot: Spot) -> dict[str, Any]:
    """The WorkflowSpec around the template: two steps up, ``templates`` and the index."""
    value: Any = spot.root
    for part in spot.path[:-2]:
        value = value[part]
    return value if isinstance(value, dict) else {}


def _layers(spot: Spot) -> list[tuple[dict[str, Any], Path, bool]]:
    """Maps that a pod's fields come from, the strongest first; True: the WorkflowSpec."""
    workflow, path = _workflow(spot), spot.path[:-2]
    layers = [(spot.value, spot.path, False)]
    defaults = spot.object(workflow, path, "templateDefaults")
    if defaults is not None:
        layers.append((defaults, (*path, "templateDefaults"), False))
    return [*layers, (workflow, path, True)]


def _replace(
    field: str,
    layers: list[tuple[dict[str, Any], Path, bool]],
    spec: dict[str, Any],
    aliases: list[Alias],
) -> None:
    for index, (layer, path, is_workflow) in enumerate(layers):
        if not is_workflow and field in _WORKFLOW_ONLY:
            continue
        key = _REPLACED[field] if is_workflow else field
        value = layer.get(key)
        if value is None or value in ({}, [], ""):
            continue
        spec[field] = value
        if index:
            aliases.append(Alias((field,), (*path, key)))
        return


def _join(
    field: str,
    layers: list[tuple[dict[str, Any], Path, bool]],
    spot: Spot,
    spec: dict[str, Any],
    aliases: list[Alias],
) -> None:
    joined: list[Any] = []
    for layer, path, _ in layers:
        for index, item in enumerate(spot.array(layer, path, field) or ()):
            if path != spot.path:
                aliases.append(Alias((field, len(joined)), (*path, field, index)))
            joined.append(item)
    if joined:
        spec[field] = joined
