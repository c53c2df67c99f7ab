"""RBAC objects with the indexes that questions about them need. Building one is linear."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from karb_guard.rbac.default_roles import DEFAULT_ROLES
from karb_guard.rbac.objects import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_KINDS,
    Binding,
    Role,
    RoleRef,
    Rule,
    Subject,
    kind_of,
    parse_binding,
    parse_role,
)
from karb_guard.rbac.selectors import IN, Selector, selects
from karb_guard.rbac.users import SERVICE_ACCOUNT

MAX_AGGREGATED = 1_000
"""ClusterRoles that one aggregated ClusterRole may reach, and selectors on the way; beyond, its
rules count as unknown."""

RoleKey = tuple[str, str | None, str]
BindingKey = tuple[str, str | None, str]
Scope = str | None
"""A namespace, or ``None`` for bindings that hold in the whole cluster."""
Holder = tuple[str, str]
"""``User`` or ``Group``, and its name."""


class Brought(NamedTuple):
    """A rule of an aggregated ClusterRole, and where it comes from."""

    rule: Rule
    role: Role
    """The ClusterRole that holds it."""
    selector: int
    """The index in ``clusterRoleSelectors`` through which it comes, the first of several."""


class Effective(NamedTuple):
    """What a role grants."""

    rules: tuple[Rule, ...]
    brought: tuple[Brought, ...] = ()
    """The same rules with their origins, where they are aggregated."""
    unresolved: str | None = None
    """Why there may be more rules than those; fits after "because"."""


class RbacIndex:
    """Roles by name and by label, bindings by subject.

    Of two objects of one name the later counts, as applying them in order would have it. The
    ClusterRoles that every cluster has (``default_roles``) are there unless replaced.
    """

    def __init__(self, roles: Iterable[Role], bindings: Iterable[Binding]) -> None:
        self._roles = {_role_key(role): role for role in (*DEFAULT_ROLES, *roles)}
        self._by_label: dict[tuple[str, str], list[Role]] = {}
        self._by_key: dict[str, list[Role]] = {}
        self._cluster_roles = [role for role in self._roles.values() if role.kind == CLUSTER_ROLE]
        for role in self._cluster_roles:
            for key, value in role.labels.items():
                self._by_label.setdefault((key, value), []).append(role)
                self._by_key.setdefault(key, []).append(role)
        self._selected: dict[Selector, tuple[Role, ...]] = {}
        self._effective: dict[str, Effective] = {}
        self._holders: dict[tuple[Scope, Holder], list[Binding]] = {}
        for binding in {(b.kind, b.namespace, b.name): b for b in bindings}.values():
            self._add_binding(binding)

    def _add_binding(self, binding: Binding) -> None:
        whole = binding.kind == CLUSTER_ROLE_BINDING
        if not whole and binding.namespace is None:
            return  # holds in a namespace that is not known here
        for holder in dict.fromkeys(holders(binding)):
            self._holders.setdefault((binding.namespace, holder), []).append(binding)

    def role(self, ref: RoleRef, namespace: str | None) -> Role | None:
        """The role that a binding of ``namespace`` refers to; ``None`` where it is not known."""
        if ref.kind not in ROLE_KINDS:
            return None
        return self._roles.get((ref.kind, namespace if ref.kind == ROLE else None, ref.name))

    def bindings_of(self, holder: Holder, scope: Scope) -> tuple[Binding, ...]:
        """The bindings that name ``holder``, of one namespace or (``None``) cluster-wide."""
        return tuple(self._holders.get((scope, holder), ()))

    def selected(self, selector: Selector) -> tuple[Role, ...]:
        """The known ClusterRoles that ``selector`` matches, by name."""
        if selector not in self._selected:
            found = [r for r in self._candidates(selector) if selects(selector, r.labels)]
            self._selected[selector] = tuple(sorted(found, key=lambda role: role.name))
        return self._selected[selector]

    def _candidates(self, selector: Selector) -> list[Role]:
        """The fewest ClusterRoles that an index offers for one of the requirements."""
        best = self._cluster_roles
        for requirement in selector:
            if not requirement.positive:
                continue
            if requirement.operator == IN:
                found = [
                    role
                    for value in dict.fromkeys(requirement.values)
                    for role in self._by_label.get((requirement.key, value), ())
                ]
            else:
                found = self._by_key.get(requirement.key, [])
            best = min(best, found, key=len)
        return best

    def effective(self, role: Role) -> Effective:
        """What ``role`` grants, as the controller for aggregated ClusterRoles leaves it.

        Source: kubernetes/pkg/controller/clusterroleaggregation. It replaces the rules of an
        aggregated ClusterRole by those of all that its selectors match, itself excepted; nested
        ones follow, since each is brought up to date in turn. Rules written into an aggregated
        ClusterRole are overwritten and count for nothing here.
        """
        if role.selectors is None:
            return Effective(role.rules)
        if self._roles.get(_role_key(role)) != role:
            return self._aggregate(role, role.selectors)
        if role.name not in self._effective:
            self._effective[role.name] = self._aggregate(role, role.selectors)
        return self._effective[role.name]

    def _aggregate(self, role: Role, selectors: tuple[Selector, ...]) -> Effective:
        brought: dict[Rule, Brought] = {}
        unresolved: str | None = None
        reach = _Reach(role)
        for index, selector in enumerate(selectors):
            if not any(member.name != role.name for member in self.selected(selector)):
                unresolved = unresolved or _unmatched(role, index)
            for member in self._reached(selector, reach):
                for rule in member.rules if member.selectors is None else ():
                    brought.setdefault(rule, Brought(rule, member, index))
            if reach.exhausted:
                unresolved = f"{role} aggregates more than {MAX_AGGREGATED:,} ClusterRoles"
                break
        return Effective(tuple(brought), tuple(brought.values()), unresolved)

    def _reached(self, selector: Selector, reach: _Reach) -> Iterator[Role]:
        """The ClusterRoles that ``selector`` reaches, through nested ones too, each once."""
        pending = deque([selector])
        while pending and not reach.exhausted:
            reach.selectors += 1
            for member in self.selected(pending.popleft()):
                if reach.adds(member):
                    pending.extend(member.selectors or ())
                    yield member


class _Reach:
    """What an aggregated ClusterRole has reached so far, within bounds."""

    def __init__(self, role: Role) -> None:
        self._names = {role.name}
        self.selectors = 0

    @property
    def exhausted(self) -> bool:
        """Whether there is too much of it; hostile input would take minutes otherwise."""
        return max(len(self._names) - 1, self.selectors) > MAX_AGGREGATED

    def adds(self, member: Role) -> bool:
        """Whether ``member`` is new; it is remembered."""
        if member.name in self._names or self.exhausted:
            return False
        self._names.add(member.name)
        return True


def index_of(objects: Iterable[Mapping[str, Any]]) -> RbacIndex:
    """The index of the RBAC objects among ``objects``; malformed ones are passed over."""
    roles: list[Role] = []
    bindings: list[Binding] = []
    for obj in objects:
        kind = kind_of(obj)
        if kind is None:
            continue
        if kind in ROLE_KINDS:
            role = parse_role(obj)
            roles += () if role is None else (role,)
        else:
            binding = parse_binding(obj)
            bindings += () if binding is None else (binding,)
    return RbacIndex(roles, bindings)


def holders(binding: Binding) -> Iterator[Holder]:
    """The users and groups that a binding's subjects stand for.

    A ServiceAccount is a user with a name of a fixed form (``appliesToUser`` in
    kubernetes/pkg/registry/rbac/validation). Without a namespace it is one of the RoleBinding's;
    in a ClusterRoleBinding, or under an unknown kind, it is nobody.
    """
    for subject in binding.subjects:
        if subject.kind in {"User", "Group"}:
            yield subject.kind, subject.name
        elif subject.kind == "ServiceAccount" and (namespace := _namespace(subject, binding)):
            yield "User", f"{SERVICE_ACCOUNT}{namespace}:{subject.name}"


def _namespace(subject: Subject, binding: Binding) -> str:
    return subject.namespace or binding.namespace or ""


def _role_key(role: Role) -> RoleKey:
    return role.kind, role.namespace, role.name


def _unmatched(role: Role, index: int) -> str:
    return (
        f"no ClusterRole here matches aggregationRule.clusterRoleSelectors[{index}] of {role.name}"
    )
