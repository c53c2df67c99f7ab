"""Whose word counts about where an object comes from.

``ownerReferences`` and annotations are written by whoever writes the object. Kubernetes' own
controllers and kubelets say by them who made what; from anybody else they are claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from karb_guard.decisions.request import AdmissionRequest
from karb_guard.model.path import MAPS
from karb_guard.workloads.owners import MIRROR_ANNOTATION, controller_of, pod_role

CONTROLLERS = frozenset(
    f"system:serviceaccount:kube-system:{name}-controller"
    for name in (
        "replicaset",
        "deployment",
        "statefulset",
        "daemon-set",
        "job",
        "cronjob",
        "replication",
    )
) | {"system:kube-controller-manager"}
"""Kubernetes' own; the last where the controllers share one account."""
AUTOSCALERS = frozenset(
    {
        "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
        "system:kube-controller-manager",
    }
)
"""Kubernetes' own; the last where the controllers share one account."""
NODES = "system:nodes"
"""The group of kubelets, which make mirror pods."""


def is_controller(request: AdmissionRequest, more: Sequence[str] = ()) -> bool:
    """Whether the request's user is a controller; ``more`` are globs of further ones."""
    user = request.username
    return user in CONTROLLERS or any(fnmatchcase(user, pattern) for pattern in more)


def is_autoscaler(request: AdmissionRequest, more: Sequence[str] = ()) -> bool:
    """Whether the request's user is an autoscaler; ``more`` are globs of further controllers."""
    user = request.username
    return user in AUTOSCALERS or any(fnmatchcase(user, pattern) for pattern in more)


def is_believed(request: AdmissionRequest, more: Sequence[str] = ()) -> bool:
    """Whether what the object says about its origin counts.

    On an update also what the stored object says already: it was judged when it came in.
    """
    if is_controller(request, more) or NODES in request.groups:
        return True
    old, new = _metadata(request.old), _metadata(request.obj)
    return bool(request.old) and _origin(old) == _origin(new)


def without_claims(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without what would make a ``system`` pod of it; itself where nothing would."""
    metadata = _metadata(obj)
    if obj.get("kind") != "Pod" or pod_role(dict(metadata)) != "system":
        return obj
    kept = {key: value for key, value in metadata.items() if key != "ownerReferences"}
    annotations = kept.get("annotations")
    if isinstance(annotations, Mapping):
        kept["annotations"] = {k: v for k, v in annotations.items() if k != MIRROR_ANNOTATION}
    return {**obj, "metadata": kept}


def _origin(metadata: Mapping[str, Any]) -> tuple[Any, Any]:
    annotations = metadata.get("annotations")
    mirror = annotations.get(MIRROR_ANNOTATION) if isinstance(annotations, Mapping) else None
    return controller_of(dict(metadata)), mirror


def _metadata(obj: Mapping[str, Any] | None) -> Mapping[str, Any]:
    metadata = (obj or {}).get("metadata")
    return metadata if isinstance(metadata, MAPS) else {}
