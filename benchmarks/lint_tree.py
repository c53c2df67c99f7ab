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
from benchmarks.tree import write_tree

SIZES = (1, 100, 1000)
ROUNDS = 5
COMMAND = Path(sys.executable).with_name("karb-guard")


def run(sizes: tuple[int, ...] = SIZES) -> str:
    """The table: one small file, a hundred, a thousand manifests, and start-up alone."""
    rows = [("karb-guard --version", *_measure(["--version"]))]
    with tempfile.TemporaryDirectory() as directory:
        for size in sizes:
            root = Path(directory) / str(size)
            write_tree(root, size)
            rows.append((f"lint of {size} manifests", *_measure(["lint", "--quiet", str(root)])))
    return markdown(("command", "wall s, median (min-max)", "peak MB"), rows)


def _measure(arguments: list[str]) -> tuple[str, str]:
    walls, peak = [], 0
    for _ in range(ROUNDS + 1):
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
