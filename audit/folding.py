"""Pods are many and alike: which ones are, and who is above them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from karb_guard.workloads.owners import controller_of

Json = dict[str, Any]

_TOKEN_NAME = re.compile(rb'"kube-api-access-[a-z0-9]{5}"')
_OWN_LABELS = frozenset(
    {
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
        "leaderworkerset.sigs.k8s.io/worker-index",
    }
)
"""Labels that controllers give each pod for itself."""
_OWN_ANNOTATIONS = (
    "batch.kubernetes.io/job-completion-index",
    "cni.projectcalico.org/",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.ovn.org/pod-networks",
    "kubernetes.io/config.",
)
"""Annotations that say where one pod runs, or that name it."""
_OWN_FIELDS = frozenset({"nodeName", "hostname"})
_ENDED = frozenset({"Succeeded", "Failed"})


def likeness(pod: Mapping[str, Any], bound: object = None) -> bytes:
    """A digest that two pods share which no invariant can tell apart but by their names.

    ``bound`` is what is known of the node that the pod runs on. What differs from pod to pod by
    the nature of things is left out: names, nodes, ordinals, the token's volume. Whatever else
    differs makes pods differ: each is judged for itself.
    """
    metadata, spec = _map(pod.get("metadata")), _map(pod.get("spec"))
    name = metadata.get("name")
    content = [
        {k: v for k, v in _map(metadata.get("labels")).items() if k not in _OWN_LABELS},
        {
            k: v
            for k, v in _map(metadata.get("annotations")).items()
            if not k.startswith(_OWN_ANNOTATIONS)
        },
        {k: v for k, v in spec.items() if k not in _OWN_FIELDS},
        has_ended(pod),
        bound,
    ]
    text = _TOKEN_NAME.sub(b'"token"', orjson.dumps(content, option=_KEYS))
    # DaemonSets name the node in an affinity, StatefulSets name claims after the pod.
    for own, mark in ((metadata.get("name"), b"pod"), (spec.get("nodeName"), b"node")):
        if isinstance(own, str) and own:
            name = own.encode(errors="replace")
            text = text.replace(b'"%s"' % name, b'"%s"' % mark)
            text = text.replace(b'-%s"' % name, b'-%s"' % mark)
    return hashlib.blake2b(text, digest_size=16).digest()


_KEYS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's containers have all stopped for good."""
    return _map(pod.get("status")).get("phase") in _ENDED


def controller_key(obj: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
    """(group, kind, name, uid) of the controller that an object names."""
    metadata = obj.get("metadata")
    reference = controller_of(metadata) if isinstance(metadata, dict) else None
    if reference is None:
        return None
    version, kind, name, uid = (
        str(reference.get(key) or "") for key in ("apiVersion", "kind", "name", "uid")
    )
    return version.rpartition("/")[0], kind, name, uid


def is_retired(obj: Mapping[str, Any]) -> bool:
    """Whether it is a ReplicaSet at 0 of a Deployment: an old revision, kept for a rollback."""
    spec = _map(obj.get("spec"))
    return (
        obj.get("kind") == "ReplicaSet"
        and spec.get("replicas") == 0
        and controller_key(obj) is not None
    )


def same_template(replica_set: Mapping[str, Any], deployment: Mapping[str, Any]) -> bool:
    """Whether a ReplicaSet makes the very pods that its Deployment asks for now."""
    if replica_set.get("kind") != "ReplicaSet" or deployment.get("kind") != "Deployment":
        return False
    made, asked = (_map(_map(o.get("spec")).get("template")) for o in (replica_set, deployment))
    labels = _map(_map(made.get("metadata")).get("labels"))
    without = {key: value for key, value in labels.items() if key != "pod-template-hash"}
    metadata = {**_map(made.get("metadata")), "labels": without}
    return {**made, "metadata": metadata} == asked


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
