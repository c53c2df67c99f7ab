"""What of a cluster a slice is made of: whoever lists a cluster has to list these kinds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from karb_guard.rbac.objects import GROUP as RBAC
from karb_guard.rbac.objects import KINDS as RBAC_KINDS

GroupKind = tuple[str, str]
"""(API group, kind)."""


class Reads(NamedTuple):
    """What one slice asks its inventory for."""

    here: tuple[GroupKind, ...] = ()
    """Kinds whose objects are looked for in the judged object's namespace, or by name."""
    everywhere: tuple[GroupKind, ...] = ()
    """Kinds whose objects are looked for in all namespaces, or that are in none."""
    workloads: bool = False
    """It looks at whatever carries pods in the namespace."""
    labelled: Mapping[GroupKind, str] = MappingProxyType({})
    """Of these kinds only objects with such labels (a label selector) are read."""


NETWORK_POLICY: GroupKind = ("networking.k8s.io", "NetworkPolicy")
NAMESPACE: GroupKind = ("", "Namespace")
BINDINGS: tuple[GroupKind, ...] = tuple((RBAC, kind) for kind in sorted(RBAC_KINDS))

_BY_INVENTORY: Mapping[str, Reads] = {
    "namespace": Reads(everywhere=(NAMESPACE,)),
    "networkpolicies": Reads(here=(NETWORK_POLICY,)),
    "isolation": Reads(here=(NETWORK_POLICY,), everywhere=(NAMESPACE,)),
    "backends": Reads(workloads=True),
}
"""Of the keys that ``Inventory.context`` knows."""

FACTS = Reads(
    here=(("resource.k8s.io", "ResourceClaim"), ("resource.k8s.io", "ResourceClaimTemplate")),
    everywhere=(("resource.k8s.io", "DeviceClass"),),
)
"""What the facts of every pod ask for; where it is not visible they say ``unknown``."""
RBAC_FACTS = Reads(everywhere=BINDINGS)
"""The same for roles and bindings."""


def reads_of(key: str) -> Reads:
    """What the slice of a context key reads: ``READS`` of its module."""
    if key in _BY_INVENTORY:
        return _BY_INVENTORY[key]
    found: Reads = import_module(f"karb_guard.evaluation.slices.{key}").READS
    return found
