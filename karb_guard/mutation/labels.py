"""Labels that pods take over from their namespace."""

from __future__ import annotations

from collections.abc import Iterator

from karb_guard.facts.settings import SLO_PREFIX
from karb_guard.mutation.changes import Change, Kind, Subject
from karb_guard.mutation.options import MutationOptions

_CONTROLLERS = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "job-name",
        "controller-uid",
    }
)
_PREFIXES = (
    "waive.karb.dev/",
    "karb.dev/stage",
    "pod-security.kubernetes.io/",
    "batch.kubernetes.io/",
    "apps.kubernetes.io/",
    "statefulset.kubernetes.io/",
)


def namespace_labels(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """The namespace's labels of the configured keys that the Pod has in no form."""
    if not options.namespace_labels or subject.labels is None:
        return
    pod = subject.pod
    for key in options.namespace_labels:
        value = subject.labels.get(key)
        if value and key not in pod["labels"] and key not in pod["annotations"]:
            yield Change(
                Kind.NAMESPACE_LABEL,
                (*pod["metadataPath"], "labels", key),
                value,
                f"{key}={value}",
                f"namespace {subject.namespace} carries it and the pod does not",
            )


def forbidden(key: str, slo_prefix: str = SLO_PREFIX) -> str | None:
    """Why no pod may take ``key`` over from its namespace, or ``None`` where it may."""
    if key.startswith((f"{slo_prefix}slo-", f"{SLO_PREFIX}slo-")):
        return "an objective is a promise about one workload, which only its authors can make"
    if key in _CONTROLLERS or key.startswith(_PREFIXES):
        return "this label steers controllers or admission"
    return None
