"""Namespaces that are judged together, and by how many processes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Result = TypeVar("Result")

PART_BYTES = 1 << 19
"""Of the objects that a process judges at once: a tenth of a second, or one namespace."""
WORTH_BYTES = 1 << 21
"""Of the objects for which a process more is worth its start (a quarter of a second)."""


def usable_cpus(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> int:
    """CPUs that this process may use, whatever else the machine has; at least 1.

    Counted are its affinity and, on Linux with cgroup v2, what its control group and those above it
    allow (``cpu.max``: microseconds of quota and period, or ``max``).
    """
    only_some = hasattr(os, "sched_getaffinity")  # not on macOS
    cpus = len(os.sched_getaffinity(0)) if only_some else os.cpu_count() or 1
    place = root
    with suppress(OSError):
        lines = groups.read_text().splitlines()
        own = next((line for line in lines if line.startswith("0::/")), "").removeprefix("0::/")
        place = root if ".." in own else root / own
    for folder in (place, *place.parents):
        with suppress(OSError, ValueError, ZeroDivisionError):
            allowed, _, period = (folder / "cpu.max").read_text().partition(" ")
            cpus = min(cpus, max(1, int(allowed) // int(period)))
        if folder == root:
            break
    return cpus


def may_fork() -> bool:
    """Whether a fork of this process can go on with its work.

    On macOS the system's libraries break in one; locks that another thread held stay locked.
    """
    return sys.platform == "linux" and threading.active_count() == 1


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
        from audit.workers import Workers  # 10 ms, which a small cluster need not spend

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
