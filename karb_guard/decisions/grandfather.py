"""What is older than the enforcement is spared: a dead node must not make an outage of it.

Pods, ReplicaSets and Jobs that a controller makes are new objects, to which no ratchet applies.
They are let in with a warning where the topmost controller above them was created before the
invariant was enforced in their namespace. Pure: owners and times are passed in.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import NamedTuple

from karb_guard.decisions.request import AdmissionRequest
from karb_guard.model.finding import ObjectRef

MADE_BY_CONTROLLERS = frozenset({"/Pod", "apps/ReplicaSet", "apps/StatefulSet", "batch/Job"})


class Spared(NamedTuple):
    """The invariants that an owner is older than."""

    owner: ObjectRef
    created: str
    """RFC 3339."""
    names: frozenset[str]


def may_apply(request: AdmissionRequest) -> bool:
    """Whether the request makes something that controllers make."""
    return request.operation == "CREATE" and request.group_kind in MADE_BY_CONTROLLERS


def spared(
    owner: ObjectRef, created: str, names: Iterable[str], since: Callable[[str], str | None]
) -> Spared:
    """Which of ``names`` the owner is older than.

    ``since`` gives the time an invariant is enforced since; ``None`` where nobody knows, which
    counts as younger than every owner: what its author applies now is judged by itself.
    Where either time can't be read, nothing is spared.
    """
    born = time_of(created)
    if born is None:
        return Spared(owner, created, frozenset())
    found = frozenset(name for name in names if _younger(since(name), born))
    return Spared(owner, created, found)


def time_of(text: str | None) -> datetime.datetime | None:
    """An RFC 3339 time, aware; ``None`` for anything else."""
    try:
        found = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _younger(since: str | None, born: datetime.datetime) -> bool:
    if since is None:
        return True
    begun = time_of(since)
    return begun is not None and born < begun
