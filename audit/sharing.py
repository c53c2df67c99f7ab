"""Namespaces that are judged together, and by how many processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from audit.workers import Workers, may_fork

Result = TypeVar("Result")

PART_BYTES = 1 << 19
"""Of the objects that a process judges at once: a tenth of a second, or one namespace."""
WORTH_BYTES = 1 << 21
"""Of the objects for which a process more is worth its start (a quarter of a second)."""


@dataclass(frozen=True, slots=True)
class Share(Generic[Result]):
    """What there is to judge, and how."""

    parts: Sequence[Sequence[str]]
    """Namespaces that are judged at once."""
    weights: Sequence[int]
    """Bytes of JSON of each part."""
    judge: Callable[[Sequence[str]], Result]

    def processes(self, jobs: int) -> int:
        """How many are worth their start; ``jobs`` at most, at least 1."""
        return max(1, min(jobs, len(self.parts), sum(self.weights) // WORTH_BYTES))

    @contextmanager
    def judged(
        self, jobs: int, ready: Callable[[], None]
    ) -> Iterator[Iterator[tuple[int, Result]]]:
        """Each part's number with what was found there, as they are done.

        ``ready`` is called where other processes are about to read what this one has.
        """
        processes = self.processes(jobs)
        if processes == 1 or not may_fork():
            yield ((number, self.judge(part)) for number, part in enumerate(self.parts))
            return
        ready()
        with Workers(processes - 1, self.judge, self.parts, self.weights) as workers:
            yield workers.results()


def share(weights: Mapping[str, int], judge: Callable[[Sequence[str]], Result]) -> Share[Result]:
    """Namespaces in their order, small ones together."""
    parts: list[list[str]] = []
    sums: list[int] = []
    for name, weight in weights.items():
        if not parts or sums[-1] >= PART_BYTES:
            parts.append([])
            sums.append(0)
        parts[-1].append(name)
        sums[-1] += weight
    return Share(parts, sums, judge)
