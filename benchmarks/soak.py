"""A steady load for minutes: whether memory stays flat and the server keeps its pace.

One replica, every invariant enforced, open loop: thousands of variants of the two named pods, more
than anything in the webhook remembers. Then the same with
every review logged and the metrics scraped each second. Latency is the server's own histogram, so
that what the load and the machine's other work add does not count.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import pods
from benchmarks.load import Load, attack
from benchmarks.table import markdown
from tests.support.lone_webhook import HOST, LoneWebhook, lone_webhook
from tests.support.processes import resident_mib

ENFORCE = {"error": "enforce", "warning": "enforce", "info": "enforce"}
CONFIG = {
    "params": {"img-registry": {"registries": ["registry.example.com"]}},
    "stages": {"default": ENFORCE},
}
PARTS = 5
"""A soak of five minutes has a second and a last one; a short one has fifths."""
MEMORY_GROWTH = 0.05
P99_MS = 10.0
HISTOGRAM = "karb_guard_review_duration_seconds"


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of one soak."""

    name: str
    load: Load
    answered: int
    """By the server's own count."""
    second_mb: float
    last_mb: float
    p99_ms: float
    """Server-side, within its bucket by interpolation."""
    log_lines: int
    scrapes: int
    missed: int
    """Scrapes without an answer."""

    @property
    def growth(self) -> float:
        """Of memory, from the second part to the last, as a share."""
        return self.last_mb / self.second_mb - 1

    def problems(self, p99_ms: float = P99_MS) -> list[str]:
        """What was not as it should be."""
        found = []
        if self.load.failed:
            found.append(f"{self.name}: {self.load.failed} of {self.load.requests} failed")
        if self.growth > MEMORY_GROWTH:
            grown = f"{self.second_mb:.1f} to {self.last_mb:.1f} MB"
            found.append(f"{self.name}: memory grew by {self.growth:.1%} ({grown})")
        if self.missed:
            found.append(f"{self.name}: {self.missed} scrapes were not answered")
        if self.p99_ms > p99_ms:
            found.append(f"{self.name}: p99 is {self.p99_ms:.1f} ms, more than {p99_ms:g}")
        return found


class Observer:
    """Memory once a second, and the metrics page if asked for, until stopped."""

    def __init__(self, webhook: LoneWebhook, *, scrape: bool) -> None:
        self._webhook = webhook
        self._scrape = scrape
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer")
        self.memory: list[float] = []
        self.scrapes = 0
        self.missed = 0
        """Scrapes that were not answered within 5 s."""

    def __enter__(self) -> Observer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            self.memory.append(resident_mib(self._webhook.process.pid))
            if self._scrape:
                try:
                    self.scrapes += HISTOGRAM in self._webhook.get("/metrics")
                except OSError:
                    self.missed += 1


def buckets(page: str) -> list[tuple[float, float]]:
    """The histogram's upper bounds in seconds and how many were at most that."""
    found = re.findall(rf'^{HISTOGRAM}_bucket{{(?:.*,)?le="([^"]+)".*}} (\S+)$', page, re.M)
    return [(float(bound), float(count)) for bound, count in found]


def quantile(
    before: list[tuple[float, float]], after: list[tuple[float, float]], share: float
) -> float:
    """As Prometheus' ``histogram_quantile`` of the increase, in seconds.

    Raises ``ValueError`` where nothing was counted.
    """
    earlier = dict(before)
    grown = [(bound, count - earlier.get(bound, 0.0)) for bound, count in after]
    wanted = share * grown[-1][1] if grown else 0.0
    if not wanted:
        raise ValueError("the histogram counted nothing")
    for (low, below), (high, upto) in pairwise([(0.0, 0.0), *grown]):
        if upto >= wanted:
            return (
                low
                if high == float("inf")
                else low + (high - low) * (wanted - below) / (upto - below)
            )
    return grown[-1][0]


def soak(name: str, bodies: Sequence[bytes], seconds: float, rate: int, *, audited: bool) -> Soaked:
    """One soak of a fresh replica; ``audited``: every review logged, metrics scraped."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "karb-guard.yaml"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        log = Path(directory) / "log"
        level = ["--log-level=debug"] if audited else []
        with log.open("wb") as sink, lone_webhook(config, *level, log=sink) as webhook:
            url = f"https://{HOST}:{webhook.port}/validate"
            before = buckets(webhook.get("/metrics"))
            with Observer(webhook, scrape=audited) as observer:
                load = attack(url, webhook.ca, bodies, rate=rate, seconds=seconds)
            after = buckets(webhook.get("/metrics"))
        part = max(1, int(seconds / PARTS))
        samples = observer.memory[: int(seconds)]
        return Soaked(
            name,
            load,
            int(after[-1][1] - (before[-1][1] if before else 0)),
            statistics.mean(samples[part : 2 * part]),
            statistics.mean(samples[-part:]),
            quantile(before, after, 0.99) * 1000,
            log.read_bytes().count(b"\n"),
            observer.scrapes,
            observer.missed,
        )


def mixed(kind: Callable[[str], list[bytes]]) -> list[bytes]:
    """Reviews of both pods in turn; ``kind`` is one of ``benchmarks.pods``."""
    return [body for both in zip(*map(kind, pods.PODS), strict=True) for body in both]


def both(bodies: Sequence[bytes], seconds: float, rate: int) -> list[Soaked]:
    """Quiet, then with every review logged and the metrics scraped."""
    return [
        soak("as it is", bodies, seconds, rate, audited=False),
        soak("logged and scraped", bodies, seconds, rate, audited=True),
    ]


def table(soaks: list[Soaked]) -> str:
    """What was measured."""
    head = (
        *("soak", "reviews", "reviews/s", "failed", "memory MB, second and last part", "growth"),
        *("p99 ms, server", "p99 ms, client", "log lines", "scrapes"),
    )
    rows = [
        (
            *(s.name, s.answered, f"{s.load.rate:.0f}", s.load.failed),
            *(f"{s.second_mb:.1f}, {s.last_mb:.1f}", f"{s.growth:+.1%}"),
            *(f"{s.p99_ms:.2f}", f"{s.load.p99:.2f}", s.log_lines, s.scrapes),
        )
        for s in soaks
    ]
    return markdown(head, rows)


def main() -> int:
    """``make soak``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--seconds", type=float, default=300.0, help="of each of the two")
    parser.add_argument("--rate", type=int, default=300, help="reviews a second")
    args = parser.parse_args()
    started = time.monotonic()
    soaks = both(mixed(pods.workloads), args.seconds, args.rate)
    print(table(soaks))
    problems = [problem for one in soaks for problem in one.problems()]
    print("\n".join(problems) or f"held, in {time.monotonic() - started:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
