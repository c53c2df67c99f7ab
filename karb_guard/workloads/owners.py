"""Who made an object, as far as its own ``ownerReferences`` tell.

Owner references are written by whoever writes the object. The API server removes objects whose
owner does not exist, but it does not check that the owner made them: a door that has the owner
at hand should look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.model.finding import ObjectRef
from karb_guard.workloads.kinds import ROWS

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
"""On the API object of a static pod, set by the kubelet."""
HASH_LABEL = "pod-template-hash"
"""On the ReplicaSets and Pods of a Deployment, set by the deployment controller."""


def controller_of(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """The owner reference with ``controller: true``, which can be one at most."""
    references = metadata.get("ownerReferences")
    if not isinstance(references, list):
        return None
    for reference in references:
        if isinstance(reference, dict) and reference.get("controller") is True:
            return reference
    return None


def owner_of(metadata: dict[str, Any]) -> ObjectRef | None:
    """The topmost template owner that the object names, or ``None``.

    A Pod's ReplicaSet stands for its Deployment where the pod-template-hash label is there, since
    the ReplicaSet's name is the Deployment's and the hash. A Job stays a Job: whether a CronJob
    made it can't be told from the Pod. A Node owns its mirror pods but no template.
    """
    reference = controller_of(metadata)
    if reference is None:
        return None
    api_version, kind, name = (reference.get(key) for key in ("apiVersion", "kind", "name"))
    if not (isinstance(api_version, str) and isinstance(kind, str) and isinstance(name, str)):
        return None
    if kind == "Node" and api_version == "v1":
        return None
    if kind == "ReplicaSet" and api_version.startswith("apps/"):
        deployment = _without_hash(name, metadata)
        kind, name = ("Deployment", deployment) if deployment else (kind, name)
    namespace = metadata.get("namespace")
    return ObjectRef(
        api_version, kind, name, namespace if isinstance(namespace, str) and namespace else None
    )


def _without_hash(name: str, metadata: dict[str, Any]) -> str | None:
    labels = metadata.get("labels")
    value = labels.get(HASH_LABEL) if isinstance(labels, dict) else None
    if isinstance(value, str) and value and name.endswith(f"-{value}"):
        return name[: -len(value) - 1] or None
    return None


def pod_role(metadata: dict[str, Any]) -> str:
    """The role of a Pod: that of the kind that made it, ``system`` for static pods.

    ``pod`` for a bare Pod and where the owner's kind is not in the table.
    """
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and MIRROR_ANNOTATION in annotations:
        return "system"
    reference = controller_of(metadata)
    if reference is None:
        return "pod"
    api_version, kind = reference.get("apiVersion"), reference.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return "pod"
    if kind == "Node" and api_version == "v1":
        return "system"
    row = ROWS.get((api_version.rpartition("/")[0], kind))
    return "pod" if row is None or row.role == "runtime" else row.role


def owner_is_known(owner: ObjectRef) -> bool:
    """Whether the owner's kind is in the table, so that it is judged itself where it is seen."""
    return (owner.api_version.rpartition("/")[0], owner.kind) in ROWS
