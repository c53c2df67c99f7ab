"""Who asks: a user name with its groups, as authentication makes them."""

from __future__ import annotations

from typing import NamedTuple

SERVICE_ACCOUNT = "system:serviceaccount:"
SERVICE_ACCOUNTS = "system:serviceaccounts"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"
"""The API server allows its members everything before it asks RBAC."""


class User(NamedTuple):
    """A user. ``groups`` are taken as they are; nothing is added."""

    name: str
    groups: frozenset[str] = frozenset()


def service_account(namespace: str, name: str) -> User:
    """A ServiceAccount's user with the groups that its token carries."""
    groups = {SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}", AUTHENTICATED}
    return User(f"{SERVICE_ACCOUNT}{namespace}:{name}", frozenset(groups))


def everybody(kind: str, name: str) -> bool:
    """Whether a subject is a crowd: all users, or all ServiceAccounts (of a namespace).

    Who is in such a group is not decided by whoever wrote the binding: a new namespace or a new
    ServiceAccount is enough to belong.
    """
    if kind == "User":
        return name == ANONYMOUS
    crowds = {AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS}
    return kind == "Group" and (name in crowds or name.startswith(f"{SERVICE_ACCOUNTS}:"))
