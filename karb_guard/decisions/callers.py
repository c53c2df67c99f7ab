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
from karb_guard.workloads.owners import MIRROR_ANNOTATION, controller_of

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

    On an update too it is the caller who counts: that an object is stored tells nothing of who
    wrote its claims, and nobody judges an update of ``ownerReferences`` alone. Both versions are
    then judged without them, so that the ratchet excuses what a controller's Pod had before.
    """
    if is_controller(request, more):
        return True
    return request.group_kind == "/Pod" and NODES in request.groups


def without_claims(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without the controller that it names, and a Pod without the mark of mirror pods.

    Itself where there is neither.
    """
    metadata = _metadata(obj)
    left_out: dict[str, Any] = {}
    references = metadata.get("ownerReferences")
    if references and controller_of(metadata) is not None:
        left_out["ownerReferences"] = [each for each in references if not _is_controller(each)]
    annotations = metadata.get("annotations")
    of_a_pod = obj.get("kind") == "Pod" and isinstance(annotations, MAPS)
    if annotations and of_a_pod and MIRROR_ANNOTATION in annotations:
        left_out["annotations"] = {k: v for k, v in annotations.items() if k != MIRROR_ANNOTATION}
    return {**obj, "metadata": {**metadata, **left_out}} if left_out else obj


def _is_controller(reference: Any) -> bool:
    return isinstance(reference, MAPS) and reference.get("controller") is True


def _metadata(obj: Mapping[str, Any] | None) -> Mapping[str, Any]:
    metadata = (obj or {}).get("metadata")
    return metadata if isinstance(metadata, MAPS) else {}
