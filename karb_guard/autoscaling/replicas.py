"""How many replicas one metric asks for (``replica_calculator.go``).

Of pods that are all measured and ready. The controller also guesses for pods that are not: it
counts them as idle on the way up and as busy on the way down, so that it moves less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

MOST = 2**31 - 1
"""Replicas are int32: larger results are cut to it."""


class Tolerances(NamedTuple):
    """By how much a ratio may miss 1 without anything being done, to both sides, inclusive."""

    down: float = 0.1
    up: float = 0.1

    def hold(self, ratio: float) -> bool:
        """Whether a ratio of use to target is near enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


DEFAULT = Tolerances()


def by_utilization(
    uses: Sequence[int],
    requests: Sequence[int],
    target: int,
    current: int,
    tolerances: Tolerances = DEFAULT,
) -> int:
    """Resource and ContainerResource metrics with a ``target`` in percent of the requests.

    ``uses`` and ``requests`` are one for each pod, in the same unit. Raises
    ``ZeroDivisionError`` where nothing is requested: the controller reports an error, too.
    """
    percent = sum(uses) * 100 // sum(requests)
    return _of_ratio(percent / target, len(uses), current, tolerances)


def by_mean(
    readings: Sequence[int], target: int, current: int, tolerances: Tolerances = DEFAULT
) -> int:
    """Pods metrics, and resources by AverageValue: the mean over the pods against the target."""
    mean = sum(readings) // len(readings)
    return _of_ratio(mean / target, len(readings), current, tolerances)


def by_value(
    reading: float, target: float, ready: int, current: int, tolerances: Tolerances = DEFAULT
) -> int:
    """Object and External metrics by Value: the *ready* pods times reading / target.

    From zero there is no tolerance, and the ratio itself is the number.
    """
    ratio = reading / target
    if current == 0:
        return _cut(math.ceil(ratio))
    return _of_ratio(ratio, ready, current, tolerances)


def by_average(total: float, target: float, current: int, tolerances: Tolerances = DEFAULT) -> int:
    """Object and External metrics by AverageValue: the total divided by the target.

    ``current`` is ``status.replicas``, by which the tolerance is measured.
    """
    if current > 0 and tolerances.hold(total / (target * current)):
        return current
    return _cut(math.ceil(total / target))


def _of_ratio(ratio: float, pods: int, current: int, tolerances: Tolerances) -> int:
    return current if tolerances.hold(ratio) else _cut(math.ceil(ratio * pods))


def _cut(replicas: int) -> int:
    return min(replicas, MOST)
