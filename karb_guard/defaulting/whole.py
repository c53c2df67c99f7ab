"""A whole object of a built-in kind as the API server would store it, as far as defaults go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.defaulting.objects import default_fields
from karb_guard.defaulting.pods import default_pod_template, default_whole_pod

_TEMPLATE: tuple[str, ...] = ("spec", "template")
TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}
"""Where built-in kinds hold their pod template."""


def apply(obj: Mapping[str, Any]) -> dict[str, Any]:
    """``obj`` with the API server's static defaults; never changes ``obj``.

    Quantities stay as written (the server also rewrites them in canonical form), and nothing is
    added that depends on the cluster, the moment or an admission plugin: no uid, no
    ServiceAccount ``default``, no priority, no tolerations, no generated selectors, no status.
    An object of another kind comes back as it is. Copies share what did not change.
    """
    api_version, kind = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
    group, _, version = api_version.rpartition("/")
    new = dict(obj)
    if (group, version, kind) == ("", "v1", "Pod"):
        return {**new, "spec": default_whole_pod(_map(new.get("spec")))}
    path = TEMPLATES.get((group, kind)) if version == "v1" else None
    if path is not None:
        new = _labels(_at(new, (*path, "spec")), path, kind)
    return default_fields(new, group, version, kind)


def _at(value: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """The map with the PodSpec below it defaulted; maps on the way are made where they miss."""
    if not path:
        return default_pod_template(_map(value))
    found = _map(value)
    return {**found, path[0]: _at(found.get(path[0]), path[1:])}


def _labels(obj: dict[str, Any], path: tuple[str, ...], kind: str) -> dict[str, Any]:
    """Labels that an object takes from its template.

    ``SetDefaults_Job``, ``SetDefaults_ReplicationController`` (its selector too).
    """
    if kind not in ("Job", "ReplicationController"):
        return obj
    template: Any = obj
    for step in path:
        template = template[step]
    labels = _map(template.get("metadata")).get("labels")
    if type(labels) is not dict:
        return obj
    metadata, spec = _map(obj.get("metadata")), obj["spec"]
    if not metadata.get("labels"):
        obj = {**obj, "metadata": {**metadata, "labels": dict(labels)}}
    if kind == "ReplicationController" and not spec.get("selector"):
        obj = {**obj, "spec": {**spec, "selector": dict(labels)}}
    return obj


def _map(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}
