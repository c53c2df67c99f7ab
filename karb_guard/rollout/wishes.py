"""What people ask for by command: changes of ``spec`` and annotations, or why they are refused.

A person writes no status. To go up, the controller is asked to spare the soak time; to go down,
``spec`` asks for less, which counts at once, also with no controller.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Mapping
from typing import Any

from karb_guard.decisions import rollouts
from karb_guard.model.errors import KarbGuardError
from karb_guard.model.stage import Stage
from karb_guard.network.selectors import InvalidPolicyError
from karb_guard.rollout import entry as entries
from karb_guard.rollout.entry import Entry, Reason
from karb_guard.rollout.machine import NEXT
from karb_guard.rollout.plan import PROMOTE, is_staged
from karb_guard.rollout.times import text_of

SHUT = frozenset(
    {
        Reason.PAUSED,
        Reason.FROZEN,
        Reason.NO_EVIDENCE,
        Reason.VIOLATIONS,
        Reason.DENIALS,
        Reason.CANARY,
        Reason.INVALID,
    }
)
"""Gates that nobody opens by asking."""

Json = dict[str, Any]
Labels = Mapping[str, str]


class RefusedError(KarbGuardError):
    """Nothing was written; the message says why and what would help."""


def entry_of(obj: Mapping[str, Any], namespace: str) -> Entry | None:
    """The namespace's entry of ``status.namespaces``."""
    listed = (obj.get("status") or {}).get("namespaces") or ()
    found = (entries.from_status(e) for e in listed)
    return next((e for e in found if e is not None and e.name == namespace), None)


def target_of(obj: Mapping[str, Any], namespace: str, labels: Labels | None) -> Stage | None:
    """The stage that ``spec`` wants. Raises ``RefusedError`` for a spec that can't be read."""
    try:
        return rollouts.read(rollouts.project(obj)).target(namespace, labels)
    except InvalidPolicyError as error:
        raise RefusedError(f"{_name(obj)}: {error}") from error


def promoted(
    obj: Json, namespace: str, labels: Labels, *, by: str, now: datetime.datetime
) -> tuple[Json, str]:
    """The object with the wish for the next stage, and what was done. Raises ``RefusedError``.

    Where ``spec`` asks for no more than was reached, its target is raised by one stage too.
    """
    if not is_staged(obj):
        raise RefusedError(
            f"{_name(obj)} has no spec.gates: its stages count at once; change spec instead"
        )
    entry = entry_of(obj, namespace)
    if entry is None:
        raise RefusedError(
            f"{_name(obj)} has no entry for namespace {namespace}: spec does not mention it, the "
            "controller does not run, or there are more namespaces than it keeps (status.beyond)"
        )
    following = NEXT.get(entry.stage)
    if following is None:
        raise RefusedError(f"namespace {namespace} is at enforce; there is nothing above it")
    if entry.reason in SHUT:
        raise RefusedError(
            f"namespace {namespace} stays at {entry.stage.value}: {entry.reason.value}: "
            f"{entry.message}; asking spares the soak time, it opens no other gate"
        )
    if entry.open:
        raise RefusedError(
            f"namespace {namespace} stays at {entry.stage.value}: the last scan has {entry.open} "
            "unwaived violations; mend or waive them, and wait for the next scan"
        )
    target = target_of(obj, namespace, labels)
    changed, done = copy.deepcopy(obj), []
    if target is None or target.rank < following.rank:
        _set_target(changed, namespace, following)
        done.append(f"spec asks for {following.value} in namespace {namespace}")
    annotations = changed["metadata"].setdefault("annotations", {})
    annotations[PROMOTE + namespace] = f"{following.value} {text_of(now)} {by}"[:1000].strip()
    done.append(
        f"the controller is asked for {entry.stage.value} -> {following.value} without soak time"
    )
    return changed, "; ".join(done)


def rolled_back(obj: Json, namespace: str, labels: Labels, to: Stage | None) -> tuple[Json, str]:
    """The object with a lower target, and what was done. Raises ``RefusedError``.

    ``to`` is one stage below the one in force where it is ``None``.
    """
    now = _in_force(obj, namespace, labels)
    lower = {following: stage for stage, following in NEXT.items()}.get(now) if to is None else to
    if lower is None or lower.rank >= now.rank:
        wanted = "anything lower" if lower is None else lower.value
        raise RefusedError(f"namespace {namespace} is at {now.value}: that is not above {wanted}")
    changed = copy.deepcopy(obj)
    _set_target(changed, namespace, lower)
    annotations = changed["metadata"].get("annotations") or {}
    annotations.pop(PROMOTE + namespace, None)
    return changed, (
        f"spec asks for {lower.value} in namespace {namespace} ({now.value} before); it counts at "
        "once and stays so until spec asks for more"
    )


def _in_force(obj: Json, namespace: str, labels: Labels) -> Stage:
    target = target_of(obj, namespace, labels)
    if target is None:
        raise RefusedError(f"{_name(obj)} says nothing about namespace {namespace}")
    if not is_staged(obj):
        return target
    entry = entry_of(obj, namespace)
    reached = Stage.AUDIT if entry is None else entry.stage
    return min(target, reached, key=lambda stage: stage.rank)


def _set_target(obj: Json, namespace: str, stage: Stage) -> None:
    listed = obj["spec"].setdefault("namespaces", [])
    for element in listed:
        if element.get("name") == namespace:
            element["stage"] = stage.value
            return
    if len(listed) >= rollouts.MAX_ENTRIES:
        raise RefusedError(
            f"{_name(obj)}: spec.namespaces has {rollouts.MAX_ENTRIES} entries, no more fit; "
            "change a selector instead"
        )
    listed.append({"name": namespace, "stage": stage.value})


def _name(obj: Mapping[str, Any]) -> str:
    return f"{rollouts.KIND} {(obj.get('metadata') or {}).get('name')}"
