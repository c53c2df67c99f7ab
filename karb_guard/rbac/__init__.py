"""What the RBAC objects of one inventory allow, by the rules of Kubernetes' own authorizer."""

from karb_guard.rbac.access import Grant, allowed, grants_for
from karb_guard.rbac.index import Effective, RbacIndex, index_of
from karb_guard.rbac.matching import Request, ResourceRequest, UrlRequest, allows
from karb_guard.rbac.objects import (
    Binding,
    Role,
    RoleRef,
    Rule,
    Subject,
    parse_binding,
    parse_role,
)
from karb_guard.rbac.users import User, service_account

__all__ = [
    "Binding",
    "Effective",
    "Grant",
    "RbacIndex",
    "Request",
    "ResourceRequest",
    "Role",
    "RoleRef",
    "Rule",
    "Subject",
    "UrlRequest",
    "User",
    "allowed",
    "allows",
    "grants_for",
    "index_of",
    "parse_binding",
    "parse_role",
    "service_account",
]
