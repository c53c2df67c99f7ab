"""The webhook over TLS on loopback: server on one core, the load on another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pods
from benchmarks.load import CONNECTIONS, Load, attack, vegeta
from benchmarks.table import markdown
from tests.support.controlplane import free_port
from tests.support.processes import children, cpu_seconds, resident_mib

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = Path(sys.executable).with_name("karb-guard")
HOST = "127.0.0.1"
FLAT_OUT = f"flat out, {CONNECTIONS} connections"
RATES = (200, 600)
SECONDS = 10.0
READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A webhook process without a cluster, every invariant enforced."""

    pid: int
    port: int
    ca: Path

    def cpu_seconds(self) -> float:
        """User and system time of all processes so far."""
        return cpu_seconds(*self._pids())

    def memory_mb(self) -> float:
        """Resident memory of all processes now."""
        return resident_mib(*self._pids())

    def _pids(self) -> list[int]:
        """The process and its workers."""
        return [self.pid, *children(self.pid)]


@contextmanager
def serving(*, judging: bool = True, workers: int = 1) -> Iterator[Server]:
    """Start the webhook pinned to the last core, and wait until it answers.

    With several ``workers`` it has a core for each, the last ones. Without ``judging`` no enabled
    invariant is about pods: what is left is TLS, HTTP and JSON.
    """
    config = (EXAMPLES / "karb-guard.yaml").read_text(encoding="utf-8")
    config += "stages: {default: {error: enforce, warning: enforce, info: enforce}}\n"
    if not judging:
        config += "select: [rbac-wild]\n"
    port, probes = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "karb-guard.yaml"
        file.write_text(config, encoding="utf-8")
        process = subprocess.Popen(
            [
                *(str(COMMAND), "webhook", "serve", f"--config={file}", f"--address={HOST}"),
                *(f"--port={port}", f"--metrics-port={probes}", f"--tls-dir={directory}/tls"),
                *("--drain-seconds=0", "--log-level=warning", f"--workers={workers}"),
            ],
        )
        cores = os.cpu_count() or 1
        os.sched_setaffinity(process.pid, range(max(0, cores - workers), cores))
        try:
            _wait(probes, process, workers)
            yield Server(process.pid, port, Path(directory) / "tls" / "ca.crt")
        finally:
            process.terminate()
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes], workers: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    page, needle = ("readyz", b"") if workers == 1 else ("metrics", b"workers_ready %d.0" % workers)
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/{page}", timeout=1) as answer:
                if needle in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("the webhook did not become ready")


def run() -> str:
    """The table: most reviews a second on one core, and latency at fixed rates.

    The row of two workers is of two cores; where there are only two, the load is on one of them.

    The machine's part in it is the first row of each pod, from the same minute: the same server
    with nothing to judge. ``times the bare server`` is CPU against that row.
    """
    vegeta()  # built before anything is measured
    os.sched_setaffinity(0, set(range(max(1, (os.cpu_count() or 1) - 1))))
    rows: list[tuple[str, ...]] = []
    with serving(judging=False) as bare, serving() as server:
        for name in pods.PODS:
            same = pods.same(name)
            basis = _measured(bare, same, None)
            rows += [
                _row(name, "flat out, no invariant for pods", basis, basis),
                _row(name, FLAT_OUT, _measured(server, same, None), basis),
            ]
            for label, bodies in (
                ("replicas of one template", pods.replicas(name)),
                ("no two of one template", pods.workloads(name)),
            ):
                rows.append(
                    _row(name, f"flat out, {label}", _measured(server, bodies, None), basis)
                )
            rows += [
                _row(name, f"{rate}/s", _measured(server, same, rate), basis) for rate in RATES
            ]
            with serving(workers=2) as both:
                two = _measured(both, same, None)
            rows.append(_row(name, f"{FLAT_OUT}, 2 workers", two, basis))
    head = (
        "pod",
        "load",
        "reviews/s",
        "p50 ms",
        "p99 ms",
        "failed",
        "CPU ms a review",
        "times the bare server",
        "memory MB",
    )
    return markdown(head, rows)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a server under load."""

    load: Load
    cpu_ms: float
    """A review."""
    memory_mb: float


def _measured(server: Server, bodies: Sequence[bytes], rate: int | None) -> Measured:
    before = server.cpu_seconds()
    url = f"https://{HOST}:{server.port}/validate"
    load = attack(url, server.ca, bodies, rate=rate, seconds=SECONDS)
    cpu = (server.cpu_seconds() - before) / max(1, load.requests) * 1000
    return Measured(load, cpu, server.memory_mb())


def _row(name: str, label: str, run: Measured, basis: Measured) -> tuple[str, ...]:
    load = run.load
    return (
        *(name, label, f"{load.rate:.0f}", f"{load.p50:.2f}", f"{load.p99:.2f}", str(load.failed)),
        *(f"{run.cpu_ms:.2f}", f"{run.cpu_ms / basis.cpu_ms:.1f}", f"{run.memory_mb:.0f}"),
    )
