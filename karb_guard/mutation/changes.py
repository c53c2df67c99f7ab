"""One change of a Pod, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from karb_guard.model.finding import Path


class Kind(StrEnum):
    """The mutations there are. Metrics and the annotation carry these words."""

    GPU_TOLERATION = "gpu-toleration"
    SECCOMP_PROFILE = "seccomp-profile"
    PRIVILEGE_ESCALATION = "no-privilege-escalation"
    SHARED_MEMORY = "shared-memory"
    NAMESPACE_LABEL = "namespace-label"
    CPU_REQUEST = "cpu-request"


class Change(NamedTuple):
    """A value for a field that is not set, or one more element of a list."""

    kind: Kind
    path: Path
    """Of the field, or of the list that grows."""
    value: Any
    detail: str
    """What was chosen, in a word: a taint, a container's name. Goes into the annotation."""
    reason: str
    """Why, as a sentence for people."""
    append: bool = False
    """Whether ``value`` becomes the last element of the list at ``path``."""


Labels = Mapping[str, str]


class Subject(NamedTuple):
    """What a mutation looks at. Read, don't write."""

    obj: Mapping[str, Any]
    """The Pod as it arrived."""
    pod: Mapping[str, Any]
    """Its view as policies see it (docs/architecture.md, "The input document")."""
    namespace: str
    labels: Labels | None
    """The namespace's; ``None`` where they are not known."""


def is_windows(subject: Subject) -> bool:
    """Whether the Pod runs on Windows: it says so, or only such nodes fit.

    API servers refuse Linux fields where ``spec.os.name`` is ``windows``; the other signs are from
    before that field.
    """
    pod = subject.pod
    if pod["os"] == "windows":
        return True
    if any(s["key"] in _OS_LABELS and "windows" in s["values"] for s in pod["selectors"]):
        return True
    contexts = [pod["spec"].get("securityContext")]
    contexts += [each["spec"].get("securityContext") for each in pod["containers"]]
    return any((context or {}).get("windowsOptions") for context in contexts)


_OS_LABELS = frozenset({"kubernetes.io/os", "beta.kubernetes.io/os"})
