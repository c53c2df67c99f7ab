"""Loads an HTTPS server with vegeta, built once from its pinned Go module.

The load has a program of its own, and a cheap one: the two cores of a small machine are often two
threads of one, where each cycle of the load is taken from the server.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from karb_guard.toolchain import build_go_tool, cache_dir

REPOSITORY = Path(__file__).parents[1]
VERSION = "12.13.0"
PACKAGE = "github.com/tsenart/vegeta/v12"
CONNECTIONS = 16
SLACK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run. Latencies in milliseconds."""

    requests: int
    failed: int
    rate: float
    """Answered requests per second."""
    p50: float
    p99: float


def vegeta() -> Path:
    """The command, built on first use (a quarter of a minute)."""
    target = cache_dir() / "bin" / f"vegeta-{VERSION}"
    return build_go_tool(REPOSITORY / "tools" / "vegeta", PACKAGE, target)


def attack(
    url: str, ca: Path, bodies: Sequence[bytes], *, rate: int | None, seconds: float
) -> Load:
    """POST ``bodies`` as JSON, one after the other and over again, for ``seconds``.

    With a ``rate`` (requests a second) open loop: requests leave on a schedule, whether or not
    earlier ones came back, so that a stall shows in the latencies. Without, ``CONNECTIONS``
    requests are kept in flight: the most the server sustains.
    """
    pace = (
        [f"-rate={rate}", f"-workers={CONNECTIONS}"]
        if rate
        else ["-rate=0", f"-workers={CONNECTIONS}", f"-max-workers={CONNECTIONS}"]
    )
    with tempfile.TemporaryDirectory() as directory:
        results, targets = Path(directory) / "results", Path(directory) / "targets"
        targets.write_text("".join([_target(url, each) for each in bodies]), encoding="utf-8")
        _run(
            *("attack", "-format=json", "-http2=false", f"-duration={seconds}s", "-timeout=10s"),
            *(f"-root-certs={ca}", f"-output={results}", f"-targets={targets}", *pace),
            timeout=seconds + SLACK_SECONDS,
        )
        report = json.loads(_run("report", "-type=json", str(results), timeout=SLACK_SECONDS))
    return _load(report)


def _target(url: str, body: bytes) -> str:
    target = {
        "method": "POST",
        "url": url,
        "header": {"Content-Type": ["application/json"]},
        "body": base64.b64encode(body).decode(),
    }
    return json.dumps(target) + "\n"


def _load(report: dict[str, object]) -> Load:
    latencies = report["latencies"]
    answered = report["status_codes"]
    assert isinstance(latencies, dict)
    assert isinstance(answered, dict)
    sent, good = int(str(report["requests"])), int(answered.get("200", 0))
    return Load(
        requests=sent,
        failed=sent - good,
        rate=float(str(report["throughput"])),
        p50=latencies["50th"] / 1e6,
        p99=latencies["99th"] / 1e6,
    )


def _run(*args: str, timeout: float) -> str:
    done = subprocess.run(
        [str(vegeta()), *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        # One core is the server's; Go would start a thread for each.
        env={**os.environ, "GOMAXPROCS": "1"},
    )
    if done.returncode:
        raise SystemExit(f"vegeta {args[0]} failed: {done.stderr.strip()}")
    return done.stdout
