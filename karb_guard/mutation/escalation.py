"""``allowPrivilegeEscalation: false``, as ``pss-restricted`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.mutation.changes import Change, Kind, Subject, is_windows
from karb_guard.mutation.options import MutationOptions

_SYS_ADMIN = frozenset({"SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "CAP_ALL"})


def no_privilege_escalation(subject: Subject, options: MutationOptions) -> Iterator[Change]:
    """One change for each container that neither sets the field nor needs it.

    API servers refuse ``false`` beside ``privileged`` and beside CAP_SYS_ADMIN
    (``ValidateSecurityContext`` in k8s.io/kubernetes/pkg/apis/core/validation).
    """
    if not options.no_privilege_escalation or is_windows(subject):
        return
    for container in subject.pod["containers"]:
        context = container["spec"].get("securityContext") or {}
        if context.get("allowPrivilegeEscalation") is None and not _escalates(context):
            yield Change(
                Kind.PRIVILEGE_ESCALATION,
                (*container["path"], "securityContext", "allowPrivilegeEscalation"),
                False,
                container["name"],
                f"container {container['name']} does not say whether it may gain privileges",
            )


def _escalates(context: Mapping[str, Any]) -> bool:
    added = (context.get("capabilities") or {}).get("add") or ()
    return context.get("privileged") is True or any(name.upper() in _SYS_ADMIN for name in added)
