"""A TCP balancer on loopback that behaves like a Service: no retries, no look into the bytes.

Each new connection goes to the next backend in turn. A backend leaves the rotation a second after
its readiness fails, as endpoints take time to reach every node; until then connections still go
there, and whoever finds nobody listening sees a reset. Established connections stay with their
backend whatever its readiness says.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.controlplane import free_port

HOST = "127.0.0.1"
PROBE_SECONDS = 0.1
DROP_SECONDS = 1.0
CHUNK = 64 * 1024
START_SECONDS = 10


@dataclass
class Backend:
    """One replica as the balancer sees it."""

    port: int
    """Connections go here."""
    probe_port: int
    """Plain HTTP; ``/readyz`` answers 200 while the replica wants connections."""
    unready_since: float | None = field(default_factory=lambda: float("-inf"))
    """``None`` while it is ready; a backend that was never ready takes no connections."""
    connections: int = 0
    """Connections that were given to it so far."""

    def takes(self, now: float) -> bool:
        """Whether new connections go there."""
        return self.unready_since is None or now < self.unready_since + DROP_SECONDS


class Balancer:
    """Runs in a thread of its own; backends come and go while it does."""

    def __init__(self) -> None:
        self.port = free_port()
        self.refused = 0
        """Connections that met no backend, or one where nobody listened."""
        self._backends: list[Backend] = []
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="balancer", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What webhooks are registered with."""
        return f"https://{HOST}:{self.port}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        assert self._up.wait(START_SECONDS), "the balancer did not start"
        if self._problem is not None:
            raise self._problem

    def stop(self) -> None:
        """Close all connections and end."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)

    def add(self, port: int, probe_port: int) -> Backend:
        """Probe a further backend from now on."""
        backend = Backend(port, probe_port)
        self._backends = [*self._backends, backend]
        self._loop.call_soon_threadsafe(self._spawn, backend)
        return backend

    def remove(self, backend: Backend) -> None:
        """Forget a backend; its connections stay."""
        self._backends = [one for one in self._backends if one is not backend]

    def ready(self) -> int:
        """How many backends are in rotation."""
        now = time.monotonic()
        return sum(backend.takes(now) for backend in self._backends)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(
                asyncio.start_server(self._accepted, HOST, self.port, backlog=512)
            )
        except BaseException as error:  # noqa: BLE001 - raised again by whoever started us
            self._problem = error
            return
        finally:
            self._up.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0.05))
            self._loop.close()

    def _spawn(self, backend: Backend) -> None:
        task = self._loop.create_task(self._probe(backend))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _probe(self, backend: Backend) -> None:
        while any(one is backend for one in self._backends):
            if await _answers_ready(backend.probe_port):
                backend.unready_since = None
            elif backend.unready_since is None:
                backend.unready_since = time.monotonic()
            await asyncio.sleep(PROBE_SECONDS)

    def _next(self) -> Backend | None:
        now = time.monotonic()
        able = [backend for backend in self._backends if backend.takes(now)]
        return able[next(self._turn) % len(able)] if able else None

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend = self._next()
        try:
            if backend is None:
                raise ConnectionRefusedError
            backend.connections += 1
            there, back = await asyncio.open_connection(HOST, backend.port)
        except OSError:
            self.refused += 1
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _answers_ready(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Carry bytes until one side ends; a reset on one side is a reset on the other."""
    try:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
        target.close()
    except (OSError, asyncio.CancelledError):
        target.transport.abort()


@contextlib.contextmanager
def balancing() -> Iterator[Balancer]:
    """A balancer without backends."""
    balancer = Balancer()
    balancer.start()
    try:
        yield balancer
    finally:
        balancer.stop()


def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for ``condition``; how long it took. Fails with ``what`` after ``seconds``."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started
