"""A small open-loop HTTPS load generator.

Requests leave on a schedule, whether or not earlier ones came back, so that a stall shows in
the latencies instead of slowing the load down.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run. Latencies in milliseconds, sorted."""

    sent: int
    failed: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answered requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that ``share`` (0..1) of the requests didn't exceed."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class _Connection:
    """One keep-alive connection; at most one request in flight."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._address = (host, port, context)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> bytes:
        if self._streams is None:
            host, port, context = self._address
            self._streams = await asyncio.open_connection(host, port, ssl=context)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        return body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


def request_bytes(host: str, path: str, body: bytes) -> bytes:
    """A whole HTTP/1.1 POST, ready to be written again and again."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def at_rate(  # noqa: PLR0913 - a load is described by these
    host: str,
    port: int,
    context: ssl.SSLContext,
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    connections: int = 32,
) -> Load:
    """Send ``rate`` requests a second for ``seconds``; latency counts from the scheduled time."""
    idle: asyncio.Queue[_Connection] = asyncio.Queue()
    pool = [_Connection(host, port, context) for _ in range(connections)]
    for connection in pool:
        idle.put_nowait(connection)
        await connection.post(requests[0])
    latencies: list[float] = []
    failed = 0

    async def one(number: int, due: float) -> None:
        nonlocal failed
        connection = await idle.get()
        try:
            await connection.post(requests[number % len(requests)])
            latencies.append((time.perf_counter() - due) * 1000)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
        finally:
            idle.put_nowait(connection)

    start = time.perf_counter() + 0.05
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        delay = due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - start
    for connection in pool:
        connection.close()
    return Load(len(tasks), failed, elapsed, sorted(latencies))


async def flat_out(  # noqa: PLR0913 - a load is described by these
    host: str,
    port: int,
    context: ssl.SSLContext,
    requests: Sequence[bytes],
    *,
    seconds: float,
    connections: int = 16,
) -> Load:
    """Keep ``connections`` requests in flight for ``seconds``: the most the server sustains."""
    latencies: list[float] = []
    failed = 0
    pool = [_Connection(host, port, context) for _ in range(connections)]
    for connection in pool:
        await connection.post(requests[0])
    start = time.perf_counter()
    deadline = start + seconds

    async def client(connection: _Connection) -> None:
        nonlocal failed
        number = 0
        while time.perf_counter() < deadline:
            begun = time.perf_counter()
            try:
                await connection.post(requests[number % len(requests)])
                latencies.append((time.perf_counter() - begun) * 1000)
            except (OSError, asyncio.IncompleteReadError):
                failed += 1
                return
            number += 1

    await asyncio.gather(*(client(connection) for connection in pool))
    elapsed = time.perf_counter() - start
    for connection in pool:
        connection.close()
    return Load(len(latencies) + failed, failed, elapsed, sorted(latencies))
