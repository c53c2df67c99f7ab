"""The webhook over TLS on loopback: server on one core, the load on another."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.load import Load, at_rate, flat_out, request_bytes
from benchmarks.table import markdown
from tests.support.controlplane import free_port

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = Path(sys.executable).with_name("karb-guard")
HOST = "127.0.0.1"
RATES = (200, 600)
SECONDS = 10.0
READY_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A webhook process without a cluster, every invariant enforced."""

    pid: int
    port: int
    ca: Path

    def context(self) -> ssl.SSLContext:
        """Verifies the server by its own CA."""
        return ssl.create_default_context(cafile=str(self.ca))

    def cpu_seconds(self) -> float:
        """User and system time of the process so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving() -> Iterator[Server]:
    """Start the webhook pinned to the last core, and wait until it is ready."""
    config = (EXAMPLES / "karb-guard.yaml").read_text(encoding="utf-8")
    port, probes = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "karb-guard.yaml"
        stages = "stages: {default: {error: enforce, warning: enforce, info: enforce}}\n"
        file.write_text(config + stages, encoding="utf-8")
        process = subprocess.Popen(
            [
                *(str(COMMAND), "webhook", "serve", f"--config={file}", f"--address={HOST}"),
                *(f"--port={port}", f"--metrics-port={probes}", f"--tls-dir={directory}/tls"),
                *("--drain-seconds=0", "--log-level=warning"),
            ],
        )
        os.sched_setaffinity(process.pid, {(os.cpu_count() or 1) - 1})
        try:
            _wait(f"http://{HOST}:{probes}/readyz", process)
            yield Server(process.pid, port, Path(directory) / "tls" / "ca.crt")
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the webhook did not become ready")


def run() -> str:
    """The table: most reviews a second on one core, and latency at fixed rates."""
    os.sched_setaffinity(0, set(range(max(1, (os.cpu_count() or 1) - 1))))
    rows: list[tuple[str, ...]] = []
    with serving() as server:
        for name in ("clean", "ten-findings"):
            body = (EXAMPLES / "reviews" / f"{name}.json").read_bytes()
            request = request_bytes(HOST, "/validate", body)
            rows.append(_row(server, name, "flat out, 16 connections", None, request))
            rows += [_row(server, name, f"{rate}/s", rate, request) for rate in RATES]
    head = (
        "pod",
        "load",
        "reviews/s",
        "p50 ms",
        "p99 ms",
        "failed",
        "CPU ms a review",
        "memory MB",
    )
    return markdown(head, rows)


def _row(
    server: Server, name: str, label: str, rate: int | None, request: bytes
) -> tuple[str, ...]:
    before = server.cpu_seconds()
    # The cores may be two threads of one: what the load costs is taken from the server.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_drive(server, rate, request))
    cpu = (server.cpu_seconds() - before) / max(1, len(load.latencies)) * 1000
    latency = [f"{load.percentile(share):.2f}" for share in (0.5, 0.99)]
    memory = f"{server.memory_mb():.0f}"
    return (name, label, f"{load.rate:.0f}", *latency, str(load.failed), f"{cpu:.2f}", memory)


async def _drive(server: Server, rate: int | None, request: bytes) -> Load:
    context = server.context()
    if rate is None:
        return await flat_out(HOST, server.port, context, [request], seconds=SECONDS)
    return await at_rate(HOST, server.port, context, [request], rate=rate, seconds=SECONDS)
