"""With a cluster, nobody is sent here before its namespaces were listed once."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from karb_guard.cluster.client import connect
from karb_guard.cluster.namespaces import NamespaceLabels
from webhook import server, setup
from webhook.health import Readiness

LIST = {
    "kind": "NamespaceList",
    "apiVersion": "v1",
    "metadata": {"resourceVersion": "1"},
    "items": [{"metadata": {"name": "inference", "labels": {"a": "b"}}}],
}


class ApiServer(ThreadingHTTPServer):
    """Knows no token until it is told to."""

    trusting = False
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    """Lists namespaces."""

    def do_GET(self) -> None:
        assert isinstance(self.server, ApiServer)
        status = 200 if self.server.trusting and "watch" not in self.path else 401
        content = json.dumps(LIST if status == 200 else {"kind": "Status", "code": status})
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextlib.contextmanager
def api_server() -> Iterator[ApiServer]:
    found = ApiServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        found.shutdown()
        found.server_close()


def kubeconfig(folder: Path, port: int) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "stale"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    return file


def test_without_a_list_the_webhook_is_not_ready_and_with_one_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "SYNC_SECONDS", 0.2)
    readiness = Readiness()
    with api_server() as api:
        cluster = connect(kubeconfig(tmp_path, api.server_port))
        with server._namespaces(NamespaceLabels(cluster), readiness) as namespaces:
            assert "never listed" in readiness.missing()["namespaces"]
            assert "credentials" in readiness.missing()["namespaces"]
            api.trusting = True
            deadline = time.monotonic() + 20
            while readiness.missing():
                assert time.monotonic() < deadline, "still not ready"
                time.sleep(0.05)
            assert namespaces.labels("inference") == {"a": "b"}


def test_without_a_cluster_there_is_nothing_to_wait_for() -> None:
    readiness = Readiness()
    readiness.require("policies", lambda: None)
    with server._namespaces(None, readiness):
        assert not readiness.missing()
