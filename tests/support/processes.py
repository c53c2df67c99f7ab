"""What Linux tells of processes (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        state = _stat(pid)[0]
    except OSError:
        return False
    return state != "Z"  # whoever adopts it may not have asked for its end yet


def children(pid: int | str = "self") -> set[int]:
    """The processes that one started and that are still there."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def cpu_seconds(*pids: int) -> float:
    """User and system time of processes so far (fields 14 and 15)."""
    return sum(int(fields[11]) + int(fields[12]) for fields in map(_stat, pids)) / TICKS


def resident_mib(*pids: int | str) -> float:
    """Resident memory now; pages that several share count for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mib(pid: int) -> float:
    """The most resident memory that a process has had."""
    return _kib(f"/proc/{pid}/status", "VmHWM:") / 1024


def together_mib(*pids: int) -> float:
    """Memory now; of pages that several share each has its part."""
    return sum(_kib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) / 1024


def _stat(pid: int) -> list[str]:
    """The fields from the third on: the second, its name, may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _kib(file: str, field: str) -> int:
    (found,) = [
        line.split()[1] for line in Path(file).read_text().splitlines() if line.startswith(field)
    ]
    return int(found)
