"""What a user can really do: every rule that some binding gives it, and what these allow.

The order of the API server: members of ``system:masters`` first, then ClusterRoleBindings, then
the RoleBindings of the request's namespace (``VisitRulesFor`` in
kubernetes/pkg/registry/rbac/validation). Rules only ever add.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from karb_guard.rbac.index import RbacIndex
from karb_guard.rbac.matching import Request, ResourceRequest, allows
from karb_guard.rbac.objects import Binding, Role, Rule
from karb_guard.rbac.users import MASTERS, User


class Grant(NamedTuple):
    """A rule that a user holds, and through what."""

    rule: Rule
    role: Role
    """The role that the binding refers to; the rule may come from one that it aggregates."""
    binding: Binding


def grants_for(index: RbacIndex, user: User, namespace: str = "") -> Iterator[Grant]:
    """Every rule that ``user`` holds in ``namespace``, or (``""``) in the whole cluster.

    A binding to a role that isn't known gives nothing, as in a cluster.
    """
    for scope in (None, namespace) if namespace else (None,):
        for binding in _bindings(index, user, scope):
            role = index.role(binding.role_ref, binding.namespace)
            if role is not None:
                yield from [Grant(rule, role, binding) for rule in index.effective(role).rules]


def _bindings(index: RbacIndex, user: User, scope: str | None) -> Iterator[Binding]:
    """The bindings of a user and its groups, each once."""
    seen: set[str] = set()
    for holder in (("User", user.name), *(("Group", group) for group in sorted(user.groups))):
        for binding in index.bindings_of(holder, scope):
            if binding.name not in seen:
                seen.add(binding.name)
                yield binding


def allowed(index: RbacIndex, user: User, request: Request) -> bool:
    """Whether the API server would allow ``request`` to ``user``, as far as RBAC decides.

    Requests for URLs have no namespace, so that no RoleBinding reaches them.
    """
    if MASTERS in user.groups:
        return True
    namespace = request.namespace if isinstance(request, ResourceRequest) else ""
    return any(allows(grant.rule, request) for grant in grants_for(index, user, namespace))
