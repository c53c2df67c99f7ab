"""A real HTTP server that answers as an API server would, from a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Query = dict[str, str]


@dataclass
class Reply:
    """One answer; ``cut`` closes the connection in the middle of it."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    chunks: int = 0
    """Sent in so many chunks, instead of with a length."""
    stream: Iterator[bytes] | None = None
    """Sent chunk by chunk as it comes, instead of ``body``, after the headers: a watch."""


@dataclass
class Script:
    """What is answered, and what was asked."""

    answer: Callable[[str, Query], Reply]
    asked: list[tuple[str, Query]] = field(default_factory=list)
    url: str = ""

    def kubeconfig(self, directory: Path) -> Path:
        """A kubeconfig of this server."""
        file = directory / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "script", "cluster": {"server": self.url}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "script", "context": {"cluster": "script", "user": "nobody"}}],
            "current-context": "script",
        }
        file.write_text(json.dumps(config))
        return file


def failure(status: int, message: str, **more: Any) -> Reply:
    """A Status object; ``retry_after`` and ``token`` as API servers give them."""
    body: Json = {"kind": "Status", "code": status, "message": message, "metadata": {}}
    if "token" in more:
        body["metadata"]["continue"] = more["token"]
    headers = {"Retry-After": str(more["retry_after"])} if "retry_after" in more else {}
    return Reply(body, status, headers)


def page(names: list[str], token: str = "", remaining: int | None = None) -> Reply:
    """A page of Pods, whose items leave apiVersion and kind to the list."""
    metadata: Json = {"resourceVersion": "1"}
    if token:
        metadata["continue"] = token
    if remaining is not None:
        metadata["remainingItemCount"] = remaining
    items = [{"metadata": {"name": name, "namespace": "a"}} for name in names]
    return Reply({"apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": items})


@contextmanager
def scripted(answer: Callable[[str, Query], Reply]) -> Iterator[Script]:
    """The server, on a port of its own on loopback."""
    script = Script(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            script.asked.append((parts.path, query))
            reply = script.answer(parts.path, query)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.stream is not None:
                self._stream(reply.stream)
            elif reply.chunks:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                size = max(1, len(body) // reply.chunks)
                for start in range(0, len(body), size):
                    chunk = body[start : start + size]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                if not reply.cut:
                    self.wfile.write(b"0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if reply.cut else body)
            if reply.cut:
                self.close_connection = True

        def _stream(self, chunks: Iterator[bytes]) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for chunk in chunks:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
