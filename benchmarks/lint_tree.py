"""``karb-guard lint`` on a generated tree: wall time and peak memory of the whole process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import markdown
from benchmarks.tree import PER_NAMESPACE, write_tree

SIZES = (1, 100, 1000, 10_000)
ROUNDS = {1: 5, 100: 5, 1000: 5, 10_000: 2}
COMMAND = Path(sys.executable).with_name("karb-guard")


def run(sizes: tuple[int, ...] = SIZES) -> str:
    """The table: from one small file to ten thousand, and start-up alone.

    With 60 objects a namespace, and with all of them in one: what looks at neighbours must stay
    linear there too.
    """
    rows = [("karb-guard --version", *_measure(["--version"], 5))]
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        rows += [_row(f"lint of {n:,} manifests", root, n, PER_NAMESPACE) for n in sizes]
        rows += [_row(f"{n:,} in one namespace", root, n, n) for n in sizes[-2:]]
    return markdown(("command", "wall s, median (min-max)", "peak MB"), rows)


def _row(label: str, directory: Path, size: int, per_namespace: int) -> tuple[str, ...]:
    root = directory / f"{size}-{per_namespace}"
    write_tree(root, size, per_namespace)
    return (label, *_measure(["lint", "--quiet", str(root)], ROUNDS.get(size, 2)))


def _measure(arguments: list[str], rounds: int) -> tuple[str, str]:
    walls, peak = [], 0
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        process = subprocess.Popen([str(COMMAND), *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - begun)
        peak = max(peak, usage.ru_maxrss)
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            raise SystemExit(f"karb-guard {' '.join(arguments)} ended with {status}")
    counted = walls[1:]
    wall = f"{statistics.median(counted):.3f} ({min(counted):.3f}-{max(counted):.3f})"
    return wall, f"{peak / 1024:.0f}"
