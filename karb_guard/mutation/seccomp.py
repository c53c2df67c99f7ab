"""The container runtime's own system call filter, as ``pss-restricted`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from karb_guard.mutation.changes import Change, Kind, Subject, is_windows
from karb_guard.mutation.options import MutationOptions

_LEGACY = (
    "seccomp.security.alpha.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
)


def seccomp_profile(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """``RuntimeDefault`` for the Pod, where neither it nor all its containers name a profile.

    Annotations from before v1.19 count as a choice: API servers up to v1.26 refuse a field that
    says something else.
    """
    pod = subject.pod
    if not options.seccomp_profile or is_windows(subject):
        return
    if (pod["spec"].get("securityContext") or {}).get("seccompProfile") is not None:
        return
    contexts = [container["spec"].get("securityContext") or {} for container in pod["containers"]]
    if all(context.get("seccompProfile") is not None for context in contexts):
        return
    if any(key.startswith(_LEGACY) for key in pod["annotations"]):
        return
    yield Change(
        Kind.SECCOMP_PROFILE,
        (*pod["path"], "securityContext", "seccompProfile"),
        {"type": "RuntimeDefault"},
        "RuntimeDefault",
        "neither the pod nor every container names a seccomp profile",
    )
