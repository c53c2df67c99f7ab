"""One webhook process without a cluster: TLS on loopback, certificates of its own."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.controlplane import REPOSITORY, free_port
from tests.support.webhook_process import environment, karb_guard

HOST = "127.0.0.1"
READY_SECONDS = 60
STOP_SECONDS = 15


@dataclass
class LoneWebhook:
    """A running process."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    ca: Path

    def tls(self) -> ssl.SSLContext:
        """What a client verifies it by."""
        return ssl.create_default_context(cafile=str(self.ca))

    def get(self, path: str) -> str:
        """A page of the plain HTTP port. Raises ``OSError``."""
        url = f"http://{HOST}:{self.metrics_port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def ready(self) -> bool:
        """Whether reviews may be sent."""
        assert self.process.poll() is None, "the webhook ended before it was ready"
        with contextlib.suppress(OSError):
            return bool(json.loads(self.get("/readyz"))["ready"])
        return False


@contextlib.contextmanager
def lone_webhook(config: Path, *more: str, log: IO[bytes] | None = None) -> Iterator[LoneWebhook]:
    """Start it and wait until it is ready; ended by its pid. What it says goes to ``log``."""
    port, metrics_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [
                *(*karb_guard(), "webhook", "serve", f"--config={config}", f"--address={HOST}"),
                *(f"--port={port}", f"--metrics-port={metrics_port}", f"--tls-dir={directory}"),
                *("--drain-seconds=0", "--log-level=error", *more),
            ],
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
            env=environment(),
        )
        try:
            webhook = LoneWebhook(process, port, metrics_port, Path(directory) / "ca.crt")
            deadline = time.monotonic() + READY_SECONDS
            while not webhook.ready():
                assert time.monotonic() < deadline, f"not ready after {READY_SECONDS} s"
                time.sleep(0.05)
            yield webhook
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
