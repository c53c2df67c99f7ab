"""The score: how much of what was judged is as the invariants ask.

Each object starts with one point. Its worst open finding takes all of it (error), a half
(warning) or a tenth (info); the score is the percentage of points left, rounded down, so that 100
means no open finding at all. Waived findings and those of a baseline take nothing; what could not
be judged is not in it, and every report says beside the score how much that is.

An object and not a finding is the unit: ten findings on one workload are one workload to mend, and
a namespace doesn't become better by being small. Mending something never lowers a score.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from karb_guard.model.finding import Severity

TENTHS = {Severity.ERROR: 10, Severity.WARNING: 5, Severity.INFO: 1}
"""What the worst open finding of an object takes, in tenths of a point."""

FORMULA = (
    "score = 100 × points left ÷ objects judged, rounded down. Each object starts with one point; "
    "its worst open finding takes 1 (error), 0.5 (warning) or 0.1 (info)."
)


class Score(NamedTuple):
    """Points of some objects."""

    objects: int
    lost: int
    """In tenths of a point."""

    @property
    def value(self) -> int | None:
        """0 to 100; ``None`` where nothing was judged."""
        if not self.objects:
            return None
        return (10 * self.objects - self.lost) * 10 // self.objects


def score(objects: int, worst: Iterable[Severity]) -> Score:
    """The score of ``objects``, of which those with open findings have these as their worst."""
    lost = [TENTHS[severity] for severity in worst]
    # Never fewer objects than have findings: a report may not know what it judged.
    return Score(max(objects, len(lost)), sum(lost))
