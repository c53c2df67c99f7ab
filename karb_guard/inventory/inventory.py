"""All objects of one input, with the indexes that looking them up needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from karb_guard.inventory.backends import MAX_BACKENDS, TemplateIndex, external_selector
from karb_guard.inventory.context import (
    MAX_POLICIES,
    labels_of,
    project_namespace,
    project_policy,
)
from karb_guard.inventory.keys import Key, OwnerKey, group_of, key_of, owner_keys
from karb_guard.network import Policies
from karb_guard.network.endpoints import dns_servers
from karb_guard.rbac import RbacIndex, index_of
from karb_guard.rbac.objects import GROUP as RBAC
from karb_guard.rbac.objects import KINDS as RBAC_KINDS

NETWORK_POLICY = ("networking.k8s.io", "NetworkPolicy")
NAMESPACE = ("", "Namespace")

Object = Mapping[str, Any]
Made = TypeVar("Made")


class Inventory:
    """Objects indexed by kind, namespace, name and owner. Adding one takes constant time.

    Objects without ``metadata.namespace`` share one namespace of their own, ``None``: manifests
    often leave the namespace to ``kubectl apply -n``, which gives all of a set the same one. So a
    policy without a namespace is a neighbour of a workload without one, and of no other.

    Objects are kept as they are and never changed; what ``context`` gives is shared, not to be
    changed either. Two objects of one name are both kept (``of_kind``); ``get`` gives the one
    added last, as applying them in order would.
    """

    json_bytes: int | None = None
    """Of the longest JSON text that an object here was read from, where all were read from some."""

    beside_a_review: bool = False
    """Whether somebody writes the judged object just now, and it is judged beside what is here."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._all: list[Object] = []
        self._by_name: dict[Key, Object] = {}
        self._by_kind: dict[tuple[str, str], list[Object]] = {}
        self._by_place: dict[tuple[str, str, str | None], list[Object]] = {}
        self._by_namespace: dict[str | None, list[Object]] = {}
        self._by_owner: dict[OwnerKey, list[Object]] = {}
        self._policies: dict[str | None, list[dict[str, Any]]] = {}
        self._rbac: RbacIndex | None = None
        self._isolating: dict[str | None, Policies] = {}
        self._templates: dict[str | None, TemplateIndex] = {}
        self._remembered: dict[Hashable, Any] = {}
        for obj in objects:
            self.add(obj)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._all)

    def add(self, obj: Object) -> None:
        """Add one object of any shape; what is no map, or has no kind, is found by no index."""
        if not isinstance(obj, dict):
            return
        self._all.append(obj)
        key = key_of(obj)
        if key is None:
            return
        group, kind, namespace, _ = key
        self._by_name[key] = obj
        self._by_kind.setdefault((group, kind), []).append(obj)
        self._by_place.setdefault((group, kind, namespace), []).append(obj)
        self._by_namespace.setdefault(namespace, []).append(obj)
        self._forget(group, kind, namespace)
        for owner in owner_keys(obj):
            self._by_owner.setdefault(owner, []).append(obj)

    def _forget(self, group: str, kind: str, namespace: str | None) -> None:
        """Drop what was made of objects that this one changes."""
        self._remembered.clear()
        self._templates.pop(namespace, None)
        if (group, kind) == NETWORK_POLICY:
            self._policies.pop(namespace, None)
            self._isolating.pop(namespace, None)
        elif (group, kind) == NAMESPACE:
            self._isolating.clear()
        elif group == RBAC:
            self._rbac = None

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Object | None:
        """The object of that name; ``namespace`` is ``None`` for cluster-scoped kinds too."""
        return self._by_name.get((group, kind, namespace, name))

    def of_kind(self, group: str, kind: str) -> tuple[Object, ...]:
        """All objects of a kind, in the order in which they were added."""
        return tuple(self._by_kind.get((group, kind), ()))

    def holds_group(self, group: str) -> bool:
        """Whether there is an object of any kind of an API group."""
        return any(known == group for known, _ in self._by_kind)

    def in_namespace(self, group: str, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """All objects of a kind in one namespace, in the order in which they were added."""
        return tuple(self._by_place.get((group, kind, namespace), ()))

    def objects_in(self, namespace: str | None) -> tuple[Object, ...]:
        """All objects of one namespace; under ``None`` also what is cluster-scoped."""
        return tuple(self._by_namespace.get(namespace, ()))

    def owned_by(
        self, group: str, kind: str, namespace: str | None, name: str
    ) -> tuple[Object, ...]:
        """The objects of ``namespace`` that name this owner in ``ownerReferences``.

        Owner references never cross namespaces; a cluster-scoped owner is asked for with each
        namespace that it may have dependents in.
        """
        return tuple(self._by_owner.get((group, kind, namespace, name), ()))

    def remembered(
        self, key: Hashable, make: Callable[[], Made], *, of_cluster: bool = False
    ) -> Made:
        """What ``make`` made of this inventory, once for each ``key`` until an object is added.

        Slices that many objects ask for (all quotas of a namespace) are made once, so that judging
        a whole input stays linear. ``of_cluster``: it is the same seen from every namespace, so
        that a ``NamespaceLayer`` shares it with all others.
        """
        if key not in self._remembered:
            self._remembered[key] = make()
        found: Made = self._remembered[key]
        return found

    def supplies(self, key: str) -> bool:
        """Whether this inventory was filled with what the context key is made of."""
        return True

    def lists(self, group: str, kind: str) -> bool:
        """Whether this inventory was given the objects of a kind, if there are any.

        A whole cluster's is not where an API server would not list them: then what is missing
        may be there.
        """
        return True

    def namespace_about(self, obj: Object) -> str | None:
        """The namespace that an object is about: a Namespace's own name, else where it is."""
        return _namespace_for_context(obj)

    def is_written_down(self, group: str, kind: str, namespace: str | None) -> bool:
        """Whether whoever wrote this input wrote all objects of the kind in a namespace.

        Taken for granted where the Namespace object or one such object is here. Nobody knows
        which namespace ``None`` will be: in a tree of samples, each may get another.
        """
        if namespace is None:
            return False
        here = self.in_namespace(group, kind, namespace)
        return bool(here) or self._namespace_object(namespace) is not None

    def rbac(self) -> RbacIndex:
        """The roles and bindings that are here; made when first asked for."""
        if self._rbac is None:
            self._rbac = index_of(
                o for kind in sorted(RBAC_KINDS) for o in self.of_kind(RBAC, kind)
            )
        return self._rbac

    def context(self, obj: Object, keys: Iterable[str], *, complete: bool) -> dict[str, Any]:
        """The bounded slice of related objects that a policy may see beside ``obj``.

        ``complete`` says that this inventory holds everything of the namespace. A key that can't
        be supplied is absent, which makes an invariant that needs it answer ``unknown``:

        * ``namespace``: the Namespace object of that name is here;
        * ``networkpolicies``: ``complete``, or the Namespace object or at least one NetworkPolicy
          of that namespace is here (somebody who writes one down is taken to write all down);
          for objects that name no namespace only with ``complete``; and there are not more than
          ``MAX_POLICIES``: half of them would not be the truth.
        """
        namespace = _namespace_for_context(obj)
        slices: dict[str, Any] = {}
        wanted = frozenset(keys)
        if "namespace" in wanted:
            self._add_namespace(slices, namespace)
        if wanted & _FROM_POLICIES and self._knows_policies(namespace, complete=complete):
            if "networkpolicies" in wanted:
                slices["networkpolicies"] = self._projected(namespace)
            if "isolation" in wanted:
                slices["isolation"] = self._policies_of(namespace)
        if "backends" in wanted:
            self._add_backends(slices, namespace, obj)
        return slices

    def _namespace_object(self, namespace: str | None) -> Object | None:
        return None if namespace is None else self.get(*NAMESPACE, None, namespace)

    def _add_namespace(self, slices: dict[str, Any], namespace: str | None) -> None:
        found = self._namespace_object(namespace)
        if found is not None and namespace is not None:
            slices["namespace"] = project_namespace(found, namespace)

    def _knows_policies(self, namespace: str | None, *, complete: bool) -> bool:
        policies = self.in_namespace(*NETWORK_POLICY, namespace)
        known = complete or self.is_written_down(*NETWORK_POLICY, namespace)
        return known and len(policies) <= MAX_POLICIES

    def _projected(self, namespace: str | None) -> list[dict[str, Any]]:
        """Projected once a namespace: many workloads ask for the same policies."""
        if namespace not in self._policies:
            policies = self.in_namespace(*NETWORK_POLICY, namespace)
            projected = (project_policy(policy) for policy in policies)
            self._policies[namespace] = [policy for policy in projected if policy is not None]
        return self._policies[namespace]

    def _policies_of(self, namespace: str | None) -> Policies:
        if namespace not in self._isolating:
            servers = dns_servers(self._namespace_labels)
            self._isolating[namespace] = Policies(self._projected(namespace), namespace, servers)
        return self._isolating[namespace]

    def _namespace_labels(self, name: str) -> dict[str, str] | None:
        found = self._namespace_object(name)
        return None if found is None else labels_of(found)

    def _add_backends(self, slices: dict[str, Any], namespace: str | None, obj: Object) -> None:
        selector = external_selector(obj)
        if selector is None:
            return
        if namespace not in self._templates:
            self._templates[namespace] = TemplateIndex(self.objects_in(namespace))
        selected = self._templates[namespace].selected(selector)
        if 0 < len(selected) <= MAX_BACKENDS:
            slices["backends"] = selected


_FROM_POLICIES = frozenset({"networkpolicies", "isolation"})


def _namespace_for_context(obj: Object) -> str | None:
    """The namespace that the object is about: a Namespace object's own name, else where it is."""
    key = key_of(obj)
    if key is None:
        return None
    if (group_of(obj), key[1]) == NAMESPACE:
        return key[3]
    return key[2]
