"""Defaults of a PodSpec: in a template, and in a Pod.

A Pod gets more than a template: requests from limits, host ports, pod-level resources. The
pods that a template makes get them too, so policies look at templates through ``PodDefaults``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from karb_guard.defaulting.containers import default_container, host_ports, requests_from_limits
from karb_guard.defaulting.resources import default_pod_resources
from karb_guard.defaulting.table import below_each, missing
from karb_guard.defaulting.volumes import default_volume

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


class PodDefaults(NamedTuple):
    """A PodSpec without container lists, and its containers, as the Pod will have them."""

    spec: dict[str, Any]
    containers: tuple[dict[str, Any], ...]


def default_pod(
    spec: dict[str, Any], containers: Sequence[dict[str, Any]], roles: Sequence[str]
) -> PodDefaults:
    """What the API server makes of a Pod with this spec and these containers.

    ``roles`` are the containers' roles: ``main``, ``init``, ``sidecar`` or ``ephemeral``.
    Nothing that is passed in changes; container lists in ``spec`` are neither read nor kept.
    """
    on_host = spec.get("hostNetwork") is True
    new = [
        _pod_container(container, role, on_host=on_host)
        for container, role in zip(containers, roles, strict=True)
    ]
    pod = {key: value for key, value in spec.items() if key not in CONTAINER_LISTS}
    pod.update(missing("Pod", pod))
    grace = pod.get("terminationGracePeriodSeconds")
    if type(grace) is int and grace < 0:
        pod["terminationGracePeriodSeconds"] = 1
    _pod_spec(pod)
    if "resources" in pod:
        pod["resources"] = default_pod_resources(pod["resources"], new, roles)
    return PodDefaults(pod, tuple(new))


def _pod_container(container: dict[str, Any], role: str, *, on_host: bool) -> dict[str, Any]:
    new = default_container(container)
    if role == "ephemeral":
        return new
    new = requests_from_limits(new)
    return host_ports(new) if on_host and "ports" in new else new


def default_pod_template(spec: dict[str, Any]) -> dict[str, Any]:
    """A whole PodSpec of a template. ``SetObjectDefaults_PodTemplate``."""
    new = dict(spec)
    _pod_spec(new)
    for field in CONTAINER_LISTS:
        new = below_each(new, field, default_container)
    return new


def default_whole_pod(spec: dict[str, Any]) -> dict[str, Any]:
    """A whole PodSpec of a Pod. ``SetObjectDefaults_Pod``, ``DefaultPodLevelResources``."""
    places = [(f, i) for f in CONTAINER_LISTS for i in range(len(_maps(spec, f)))]
    containers = [_maps(spec, field)[index] for field, index in places]
    roles = [_role(field, c) for (field, _), c in zip(places, containers, strict=True)]
    pod, new = default_pod(spec, containers, roles)
    whole = dict(pod)
    for field in CONTAINER_LISTS:
        if field in spec:
            whole[field] = [c for (f, _), c in zip(places, new, strict=True) if f == field]
    return whole


def _maps(spec: dict[str, Any], field: str) -> list[dict[str, Any]]:
    return [item for item in spec.get(field) or () if type(item) is dict]


def _role(field: str, container: dict[str, Any]) -> str:
    if field == "initContainers":
        return "sidecar" if container.get("restartPolicy") == "Always" else "init"
    return "main" if field == "containers" else "ephemeral"


def _pod_spec(pod: dict[str, Any]) -> None:
    """``SetDefaults_PodSpec`` and the volumes', on a fresh copy."""
    pod.update(missing("PodSpec", pod))
    account = pod.get("serviceAccountName") or pod.get("serviceAccount")
    if account:
        pod["serviceAccountName"] = pod["serviceAccount"] = account
    if pod.get("volumes"):
        pod["volumes"] = below_each(pod, "volumes", default_volume)["volumes"]
