"""How fast an HPA may change the replicas (``horizontal.go``, ``behavior``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Policy(NamedTuple):
    """One entry of ``behavior.*.policies``."""

    kind: str
    """``Pods`` or ``Percent``."""
    value: int
    period: int
    """Seconds, 1800 at most."""


class Event(NamedTuple):
    """A change that the HPA made."""

    age: float
    """Seconds ago."""
    change: int
    """Replicas, positive in both directions."""


class Rules(NamedTuple):
    """``behavior.scaleUp`` or ``scaleDown`` with the API server's defaults."""

    policies: tuple[Policy, ...]
    select: str = "Max"
    """``Max``, ``Min`` or ``Disabled``."""
    window: int | None = None
    """``stabilizationWindowSeconds``; none: the controller's flag (300 s down)."""


UP = Rules((Policy("Pods", 4, 15), Policy("Percent", 100, 15)), window=0)
DOWN = Rules((Policy("Percent", 100, 15),))
"""The API server's defaults where there is a ``behavior`` (``defaults.go``)."""


def most(
    current: int, rules: Rules, added: Sequence[Event] = (), removed: Sequence[Event] = ()
) -> int:
    """The most replicas that ``rules`` allow now (``calculateScaleUpLimitWithScalingRules``).

    Never below ``current``.
    """
    if rules.select == "Disabled":
        return current
    proposals = [_raised(_start(current, p, added, removed), p) for p in rules.policies]
    return max(current, _chosen(proposals, rules, min, max, current))


def fewest(
    current: int, rules: Rules, added: Sequence[Event] = (), removed: Sequence[Event] = ()
) -> int:
    """The fewest replicas that ``rules`` allow now (``calculateScaleDownLimitWithBehaviors``).

    Never above ``current``.
    """
    if rules.select == "Disabled":
        return current
    proposals = [_lowered(_start(current, p, added, removed), p) for p in rules.policies]
    return min(current, _chosen(proposals, rules, max, min, current))


def most_without_behavior(current: int, highest: int) -> int:
    """The limit of an HPA without ``behavior`` (``calculateScaleUpLimit``): twice, at least 4."""
    return min(highest, max(2 * current, 4))


def limited(
    current: int,
    desired: int,
    bounds: tuple[int, int],
    rules: tuple[Rules, Rules],
    events: tuple[Sequence[Event], Sequence[Event]] = ((), ()),
) -> int:
    """What becomes of ``desired`` (``convertDesiredReplicasWithBehaviorRate``).

    ``bounds`` are minimum and maximum, ``rules`` those of scale-up and scale-down, ``events`` what
    was added and what was removed.
    """
    (lowest, highest), (up, down) = bounds, rules
    if desired > current:
        return min(desired, highest, most(current, up, *events))
    if desired < current:
        return max(desired, lowest, fewest(current, down, *events))
    return desired


def _chosen(
    proposals: list[int],
    rules: Rules,
    least: Callable[[Iterable[int]], int],
    largest: Callable[[Iterable[int]], int],
    current: int,
) -> int:
    if not proposals:
        return current
    return least(proposals) if rules.select == "Min" else largest(proposals)


def _start(current: int, policy: Policy, added: Sequence[Event], removed: Sequence[Event]) -> int:
    """The replicas at the start of the policy's period."""
    plus, minus = (
        sum(event.change for event in events if event.age < policy.period)
        for events in (added, removed)
    )
    return current - plus + minus


def _raised(start: int, policy: Policy) -> int:
    if policy.kind == "Pods":
        return start + policy.value
    return math.ceil(start * (1 + policy.value / 100))


def _lowered(start: int, policy: Policy) -> int:
    if policy.kind == "Pods":
        return start - policy.value
    return int(start * (1 - policy.value / 100))
