"""HTTP/1.1 on keep-alive connections with little work a request: what generates load must be cheap.

Only what API servers and webhooks answer with is understood: a status line, headers, and a body
with ``Content-Length`` or in chunks.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.controlplane import Cluster

LIMIT = 1 << 20


class UnansweredError(Exception):
    """The connection ended, or the time was over, before there was a whole answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and how they introduce themselves."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    headers: str = ""
    """Further header lines, each ended by CR LF."""

    def request(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> bytes:
        """The bytes of a request."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{self.headers}"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def api_server(cluster: Cluster) -> Endpoint:
    """The API server of a kubeconfig with a token, as the tests' own control plane writes it."""
    config: dict[str, Any] = yaml.safe_load(Path(cluster.kubeconfig).read_text(encoding="utf-8"))
    there = config["clusters"][0]["cluster"]
    host, _, port = there["server"].removeprefix("https://").partition(":")
    tls = ssl.create_default_context(
        cadata=base64.b64decode(there["certificate-authority-data"]).decode()
    )
    token = config["users"][0]["user"]["token"]
    return Endpoint(host, int(port), tls, f"Authorization: Bearer {token}\r\n")


class Connection:
    """One keep-alive connection, opened when needed and again when it broke."""

    def __init__(self, endpoint: Endpoint, timeout: float = 15.0) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.opened = 0
        """Connections made so far, each with a TLS handshake of its own."""

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises ``UnansweredError``; never asks twice."""
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = self._streams or await self._open()
                writer.write(request)
                status, body, stays = await _answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            raise UnansweredError(f"{type(error).__name__}: {error}") from error
        if not stays:
            self.close()
        return status, body

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there = self._endpoint
        self._streams = await asyncio.open_connection(
            there.host, there.port, ssl=there.tls, limit=LIMIT
        )
        self.opened += 1
        return self._streams

    def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._streams[1].transport.abort()
        self._streams = None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    found = head.find(b"\r\ncontent-length:")
    if found >= 0:
        length = int(head[found + 17 : head.index(b"\r\n", found + 2)])
        body = await reader.readexactly(length)
    elif b"\r\ntransfer-encoding: chunked" in head:
        body = await _chunks(reader)
    else:
        body = b""
    return status, body, b"\r\nconnection: close" not in head


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
