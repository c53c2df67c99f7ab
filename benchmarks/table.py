"""Markdown tables and the summary of repeated timings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in row) + " |\n" for row in lines)


def timed(action: Callable[[], object], *, rounds: int = 7, seconds: float = 0.5) -> list[float]:
    """Milliseconds per call: the mean of each of ``rounds`` rounds of about ``seconds`` each."""
    action()
    begun = time.perf_counter()
    action()
    calls = max(1, int(seconds / max(time.perf_counter() - begun, 1e-6)))
    means = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(calls):
            action()
        means.append((time.perf_counter() - begun) / calls * 1000)
    return means


def spread(means: Sequence[float]) -> str:
    """``median (min-max)``, in the unit of the input."""
    return f"{statistics.median(means):.3f} ({min(means):.3f}-{max(means):.3f})"
