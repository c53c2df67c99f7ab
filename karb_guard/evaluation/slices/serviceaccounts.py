"""``serviceaccounts``: the ServiceAccounts of the judged object's pods, and who binds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import BINDINGS, Reads
from karb_guard.rbac.users import SERVICE_ACCOUNT

ACCOUNT = ("", "ServiceAccount")
READS = Reads(here=(ACCOUNT,), everywhere=BINDINGS)
DEFAULT = "default"
"""The control plane makes one of this name in every namespace."""
MAX_BINDINGS = 5

Json = dict[str, Any]


def provide(about: About) -> dict[str, Json] | None:
    """Name -> ``automount`` (``None``: not set) and ``bindings``; absent where it is not visible.

    ``default`` is always there. ``None`` where nothing says that the namespace's ServiceAccounts
    were written down; whoever writes these is taken to write their bindings, too.
    """
    namespace = about.namespace
    if not about.knows(*ACCOUNT):
        return None
    names = sorted({_name(pod["spec"]) for pod in about.prepared.pods})
    found: dict[str, Json] = {}
    for name in names:
        account = about.inventory.get(*ACCOUNT, namespace, name)
        if account is not None or name == DEFAULT:
            found[name] = {
                "automount": _automount(account),
                "bindings": _bindings(about, namespace, name),
            }
    return found


def _name(spec: Mapping[str, Any]) -> str:
    return spec.get("serviceAccountName") or DEFAULT


def _automount(account: Mapping[str, Any] | None) -> bool | None:
    value = account.get("automountServiceAccountToken") if account is not None else None
    return value if isinstance(value, bool) else None


def _bindings(about: About, namespace: str | None, name: str) -> list[str]:
    """Bindings of the account itself; those of a group give it rights that nobody chose for it."""
    index = about.inventory.rbac()
    holder = ("User", f"{SERVICE_ACCOUNT}{namespace or ''}:{name}")
    scopes = (None, namespace) if namespace else (None,)
    found = [b for scope in scopes for b in index.bindings_of(holder, scope)]
    return sorted(f"{binding.kind} {binding.name}" for binding in found)[:MAX_BINDINGS]
