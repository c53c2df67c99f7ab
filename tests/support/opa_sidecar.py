"""An OPA server that can be killed and started again on its port, as a kubelet does."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from karb_guard.engine.bundles import bundle_for
from karb_guard.toolchain import find_opa
from tests.support.balancer import HOST, until
from tests.support.controlplane import free_port

READY_SECONDS = 30.0


class OpaSidecar:
    """The engine of one replica."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What the configuration says."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it has loaded our bundle."""
        address = f"{HOST}:{self.port}"
        command = [str(find_opa()), "run", "--server", "--addr", address, "--disable-telemetry"]
        command += ["--log-level=error", str(bundle_for([]).server_bundle)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._listens, READY_SECONDS, "OPA listens")

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _listens(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1):
                return True
        except OSError:
            return False
