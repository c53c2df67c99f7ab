"""KEDA's own admission webhook, built from its Go module, against a real API server."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from karb_guard.toolchain import build_go_tool, cache_dir, find_go
from tests.support import keda_scalers
from tests.support.cert_files import CertificateFiles
from tests.support.controlplane import Cluster, free_port

PACKAGE = f"{keda_scalers.MODULE}/cmd/webhooks"
READY_SECONDS = 120
LOOPBACK = "127.0.0.1"

Json = dict[str, Any]


def program() -> Path:
    """The webhook, built on first use (about 4 minutes on 2 cores)."""
    name = f"keda-admission-webhooks-{keda_scalers.version().removeprefix('v')}"
    return build_go_tool(keda_scalers.PINNED, PACKAGE, cache_dir() / "bin" / name)


@contextlib.contextmanager
def admitting(cluster: Cluster, directory: Path) -> Iterator[None]:
    """KEDA's CustomResourceDefinitions in the cluster, and its webhook, which must answer."""
    config = keda_scalers.directory(str(find_go())) / "config"
    for crd in sorted((config / "crd" / "bases").glob("*.yaml")):
        cluster.kubectl("create", "-f", str(crd))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    certificates = CertificateFiles(directory / "tls")
    port, health = free_port(), free_port()
    with (directory / "keda.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(program()),
                f"--cert-dir={certificates.directory}",
                f"--port={port}",
                "--metrics-bind-address=0",
                f"--health-probe-bind-address={LOOPBACK}:{health}",
            ],
            env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
            stdout=log,
            stderr=log,
        )
        try:
            _until_ready(process, f"http://{LOOPBACK}:{health}/readyz", directory / "keda.log")
            bundle = base64.b64encode(certificates.authority.certificate).decode()
            _register(cluster, config, f"https://{LOOPBACK}:{port}", bundle)
            yield
        finally:
            process.terminate()
            process.wait(15)


def _register(cluster: Cluster, config: Path, url: str, bundle: str) -> None:
    """KEDA's own registration of ScaledObjects, by URL, and without its leave to be absent."""
    text = (config / "webhooks" / "validation_webhooks.yaml").read_text(encoding="utf-8")
    registration: Json = yaml.safe_load(text)
    kept = [w for w in registration["webhooks"] if w["name"] == "vscaledobject.kb.io"]
    for webhook in kept:
        path = webhook["clientConfig"]["service"]["path"]
        webhook["clientConfig"] = {"url": f"{url}{path}", "caBundle": bundle}
        webhook["failurePolicy"] = "Fail"
    registration["webhooks"] = kept
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(registration))


def _until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"KEDA's webhook is not ready:\n{log.read_text()[-2000:]}")
