"""NIMService: a flat spec that the NIM operator turns into a Deployment of one container.

The operator adds the probes, environment and volumes that a NIM needs (GetDeploymentParams).
"""

from __future__ import annotations

from typing import Any

from karb_guard.model.finding import Path
from karb_guard.workloads.shapes import Alias, Container, Template
from karb_guard.workloads.views.spot import Spot, taken

_POD_FIELDS = ("tolerations", "nodeSelector", "runtimeClassName", "schedulerName")
_CONTAINER_FIELDS = ("command", "args", "env", "resources")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_STORE = "model-store"
"""The operator's name of the model volume, mounted at ``/model-store``."""


def nim_template(spot: Spot) -> Template | None:
    """The template of one NIMServiceSpec."""
    spec = taken(spot.value, _POD_FIELDS)
    aliases: list[Alias] = []
    container = _container(spot)
    _affinity(spot, spec, aliases)
    _users(spot, spec, aliases)
    _pull_secrets(spot, spec, aliases)
    _storage(spot, spec, aliases)
    _claims(spot, spec, aliases)
    return spot.template(spec, [container], aliases)


def _container(spot: Spot) -> Container:
    view = taken(spot.value, _CONTAINER_FIELDS)
    view["name"] = _container_name(spot)
    aliases: list[Alias] = []
    _image(spot, view, aliases)
    for field in _PROBES:
        probe = spot.object(spot.value, spot.path, field)
        if probe is not None and probe.get("enabled") is not False:
            view |= {field: probe["probe"]} if probe.get("probe") is not None else {}
            aliases.append(Alias((field,), (*spot.path, field, "probe")))
    _mount(spot, view, aliases)
    open_ = spot.openness.covers(view["name"], view)
    return Container(view["name"], "main", spot.path, view, open_, tuple(aliases))


def _container_name(spot: Spot) -> str:
    """``<name>-ctr``; a pipeline names each of its services beside the spec."""
    holder: Any = spot.root
    for part in spot.path[:-1]:
        holder = holder[part]
    named = holder if len(spot.path) > 1 else holder.get("metadata")
    name = named.get("name") if isinstance(named, dict) else None
    return f"{name}-ctr" if isinstance(name, str) and name else "nim-ctr"


def _image(spot: Spot, view: dict[str, Any], aliases: list[Alias]) -> None:
    """``image.repository`` and ``image.tag`` become one reference (GetImage)."""
    path: Path = (*spot.path, "image")
    aliases.append(Alias(("image",), (*path, "tag"), whole=True))
    image = spot.object(spot.value, spot.path, "image")
    if image is None:
        return
    repository = spot.string(image, path, "repository")
    tag = spot.string(image, path, "tag")
    if repository:
        view["image"] = f"{repository}:{tag}" if tag else repository
    if image.get("pullPolicy") is not None:
        view["imagePullPolicy"] = image["pullPolicy"]
        aliases.append(Alias(("imagePullPolicy",), (*path, "pullPolicy")))


def _affinity(spot: Spot, spec: dict[str, Any], aliases: list[Alias]) -> None:
    affinity = spot.value.get("podAffinity")
    if affinity is not None:
        spec["affinity"] = {"podAffinity": affinity}
        aliases.append(Alias(("affinity", "podAffinity"), (*spot.path, "podAffinity")))


def _users(spot: Spot, spec: dict[str, Any], aliases: list[Alias]) -> None:
    """``userID`` and ``groupID`` become the pod's security context."""
    context: dict[str, Any] = {}
    for key, fields in (("userID", ("runAsUser",)), ("groupID", ("runAsGroup", "fsGroup"))):
        for field in fields if spot.value.get(key) is not None else ():
            context[field] = spot.value[key]
            aliases.append(Alias(("securityContext", field), (*spot.path, key)))
    if context:
        spec["securityContext"] = context


def _pull_secrets(spot: Spot, spec: dict[str, Any], aliases: list[Alias]) -> None:
    image = spot.value.get("image")
    if not isinstance(image, dict):
        return
    path: Path = (*spot.path, "image")
    secrets = spot.array(image, path, "pullSecrets")
    if secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in secrets]
        aliases.append(Alias(("imagePullSecrets",), (*path, "pullSecrets")))
        for index in range(len(secrets)):
            written = (*path, "pullSecrets", index)
            aliases.append(Alias(("imagePullSecrets", index), written, whole=True))


def _storage(spot: Spot, spec: dict[str, Any], aliases: list[Alias]) -> None:
    """The model's volume: a host path, or a claim (its name may be made by the operator)."""
    storage = spot.object(spot.value, spot.path, "storage")
    if storage is None:
        return
    path: Path = (*spot.path, "storage")
    if storage.get("hostPath") is not None:
        source: dict[str, Any] = {"hostPath": {"path": storage["hostPath"]}}
        written: Path = (*path, "hostPath")
    elif isinstance(storage.get("pvc"), dict):
        claim = storage["pvc"].get("name") or f"{_owner_name(spot)}-pvc"
        source = {"persistentVolumeClaim": {"claimName": claim, **_read_only(storage)}}
        written = (*path, "pvc")
    else:
        return
    spec["volumes"] = [{"name": _STORE, **source}]
    aliases.append(Alias(("volumes",), written, whole=True))


def _owner_name(spot: Spot) -> str:
    return _container_name(spot).removesuffix("-ctr")


def _mount(spot: Spot, view: dict[str, Any], aliases: list[Alias]) -> None:
    storage = spot.value.get("storage")
    if isinstance(storage, dict) and (storage.get("hostPath") or storage.get("pvc")):
        mount = {"name": _STORE, "mountPath": "/model-store", **_read_only(storage)}
        view["volumeMounts"] = [mount]
        written = (*spot.path, "storage", "readOnly")
        aliases.append(Alias(("volumeMounts",), written, whole=True))


def _read_only(storage: dict[str, Any]) -> dict[str, Any]:
    value = storage.get("readOnly")
    return {} if value is None else {"readOnly": value}


def _claims(spot: Spot, spec: dict[str, Any], aliases: list[Alias]) -> None:
    """``draResources`` become resource claims; one that the operator makes has a name only."""
    resources = spot.array(spot.value, spot.path, "draResources") or []
    claims = []
    for index, resource in enumerate(resources):
        known = resource if isinstance(resource, dict) else {}
        fields = taken(known, ("resourceClaimName", "resourceClaimTemplateName"))
        claims.append({"name": f"claim-{index}", **fields})
        written: Path = (*spot.path, "draResources", index)
        aliases.append(Alias(("resourceClaims", index), written))
    if claims:
        spec["resourceClaims"] = claims
        aliases.append(Alias(("resourceClaims",), (*spot.path, "draResources")))
