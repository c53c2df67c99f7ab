"""Defaults of one container."""

from __future__ import annotations

from functools import partial
from typing import Any

from karb_guard.defaulting.table import below, below_each, filled, missing
from karb_guard.values.image import parse_image

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_HTTP = partial(filled, "HTTPGetAction")
_GRPC = partial(filled, "GRPCAction")


def default_container(container: dict[str, Any]) -> dict[str, Any]:
    """A container of any of the three lists, as every template gets it.

    ``SetDefaults_Container`` and the field tags of core/v1.
    """
    new = {**container, **missing("Container", container)}
    if not container.get("imagePullPolicy"):
        new["imagePullPolicy"] = pull_policy(container.get("image"))
    ports = container.get("ports")
    if ports:
        new = below_each(new, "ports", partial(filled, "ContainerPort"))
    if container.get("env"):
        new = below_each(new, "env", _env)
    for field in _PROBES:
        if field in container:
            new = below(new, field, _probe)
    if "lifecycle" in container:
        new = below(new, "lifecycle", _lifecycle)
    return new


def pull_policy(image: Any) -> str:
    """``imagePullPolicy`` of an image, ``pullPolicy`` of an image volume.

    ``Always`` for the tag ``latest``, also where neither tag nor digest is written
    (``parsers.ParseImageName``); a reference that can't be read counts as tagged.
    """
    reference = parse_image(image if isinstance(image, str) else "")
    tag = reference.tag
    if reference.error is None and tag is None and reference.digest is None:
        tag = "latest"
    return "Always" if tag == "latest" else "IfNotPresent"


def requests_from_limits(container: dict[str, Any]) -> dict[str, Any]:
    """A resource with a limit and no request requests its limit. ``SetDefaults_Pod``.

    Done for Pods only: a template keeps what its author wrote.
    """
    resources = container.get("resources")
    if not isinstance(resources, dict):
        return container
    limits, requests = resources.get("limits"), resources.get("requests")
    if not isinstance(limits, dict):
        return container
    requests = requests if isinstance(requests, dict) else {}
    if limits.keys() <= requests.keys():
        return container
    return {**container, "resources": {**resources, "requests": {**limits, **requests}}}


def host_ports(container: dict[str, Any]) -> dict[str, Any]:
    """Under ``hostNetwork`` a port without host port takes its own number. ``SetDefaults_Pod``."""
    return below_each(container, "ports", _host_port)


def _host_port(port: dict[str, Any]) -> dict[str, Any]:
    if port.get("hostPort") or "containerPort" not in port:
        return port
    return {**port, "hostPort": port["containerPort"]}


def _env(variable: dict[str, Any]) -> dict[str, Any]:
    return below(variable, "valueFrom", _env_source) if "valueFrom" in variable else variable


def _env_source(source: dict[str, Any]) -> dict[str, Any]:
    source = below(source, "fieldRef", partial(filled, "ObjectFieldSelector"))
    source = below(source, "resourceFieldRef", partial(filled, "ResourceFieldSelector"))
    return below(source, "fileKeyRef", partial(filled, "FileKeySelector"))


def _probe(probe: dict[str, Any]) -> dict[str, Any]:
    new = filled("Probe", probe)
    if "httpGet" in probe:
        new = below(new, "httpGet", _HTTP)
    if "grpc" in probe:
        new = below(new, "grpc", _GRPC)
    return new


def _lifecycle(lifecycle: dict[str, Any]) -> dict[str, Any]:
    for hook in _HOOKS:
        lifecycle = below(lifecycle, hook, lambda handler: below(handler, "httpGet", _HTTP))
    return lifecycle
