"""A TCP proxy on loopback that cuts connections when it is told to: a network in trouble."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.controlplane import Cluster

HOST = "127.0.0.1"
CHUNK = 64 * 1024


class CuttingProxy:
    """Forwards bytes unread to one port; ``cut`` resets whatever is open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server((HOST, 0), backlog=256)
        self.port: int = self._server.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.refuses = False
        """Whether new connections are closed at once."""
        self.accepted = 0
        threading.Thread(target=self._serve, name="cutting proxy", daemon=True).start()

    def cut(self) -> int:
        """Close every connection; how many there were."""
        with self._lock:
            found = list(self._open)
        for each in found:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(found) // 2

    def stop(self) -> None:
        """Close everything."""
        self.refuses = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def kubeconfig(self, cluster: Cluster, file: Path) -> Path:
        """The cluster's kubeconfig, by way of this proxy."""
        shown = cluster.kubectl("config", "view", "--raw", "--flatten", "-o", "json").stdout
        config = json.loads(shown)
        config["clusters"][0]["cluster"]["server"] = f"https://{HOST}:{self.port}"
        file.write_text(json.dumps(config))
        return file

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refuses:
                here.close()
                continue
            try:
                there = socket.create_connection((HOST, self._target), timeout=5)
            except OSError:
                here.close()
                continue
            there.settimeout(None)
            with self._lock:
                self._open |= {here, there}
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            closed = self._open & {source}
            self._open -= closed
        for each in closed:
            each.close()


@contextlib.contextmanager
def cutting(port: int) -> Iterator[CuttingProxy]:
    """A proxy to ``port`` on loopback."""
    proxy = CuttingProxy(port)
    try:
        yield proxy
    finally:
        proxy.stop()
