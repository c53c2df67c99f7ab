"""What comes next, as people read it: from ``spec`` and ``status`` alone."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from karb_guard.decisions import rollouts
from karb_guard.model.stage import Stage
from karb_guard.network.selectors import InvalidPolicyError
from karb_guard.rollout import entry as entries
from karb_guard.rollout import freeze, gates
from karb_guard.rollout.gates import GatesError
from karb_guard.rollout.machine import NEXT
from karb_guard.rollout.times import text_of

Labels = Mapping[str, str]


class Row(NamedTuple):
    """One namespace of one rollout."""

    invariant: str
    namespace: str
    stage: str
    target: str
    following: str
    """The next stage; empty where ``spec`` asks for no more."""
    since: str
    not_before: str
    """The earliest moment of the next stage, as far as time alone decides."""
    reason: str
    message: str
    violations: int | None
    denials: int
    wave: str


def rows(
    obj: Mapping[str, Any], namespaces: Mapping[str, Labels], now: datetime.datetime
) -> Sequence[Row]:
    """One a namespace that ``spec`` speaks about. Raises ``GatesError`` for an unreadable spec."""
    try:
        rollout = rollouts.read(rollouts.project(obj))
    except InvalidPolicyError as error:
        raise GatesError(f"{rollouts.KIND} {obj['metadata']['name']}: {error}") from error
    asked = gates.read(obj["spec"])
    listed = (obj.get("status") or {}).get("namespaces") or ()
    known = {e.name: e for e in map(entries.from_status, listed) if e is not None}
    found = []
    for name, labels in sorted(namespaces.items()):
        target = rollout.target(name, labels)
        if target is None:
            continue
        entry = known.get(name)
        stage = Stage.AUDIT if entry is None else entry.stage
        following = NEXT.get(stage) if stage.rank < target.rank else None
        moment = None if entry is None else entry.since + asked.soak_of(stage)
        frozen = freeze.frozen(asked.windows, now)
        found.append(
            Row(
                invariant=rollout.invariant,
                namespace=name,
                stage=stage.value,
                target=target.value,
                following=following.value if following else "",
                since=text_of(entry.since) if entry else "",
                not_before=text_of(max(moment, now)) if moment and following else "",
                reason=entry.reason.value if entry else "NotSeen",
                message=(frozen or "") if entry is None else entry.message,
                violations=entry.open if entry else None,
                denials=entry.denied if entry else 0,
                wave=asked.canary.name(asked.canary.wave(labels)) if asked.canary else "",
            )
        )
    return found
