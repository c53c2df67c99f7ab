"""A server without a socket of its own: it serves the connections that it is handed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

HANDSHAKES_SECONDS = 2.0
"""At the end, for connections that were handed over a moment ago."""


class HandedServer(uvicorn.Server):
    """Serves connections that others accepted, until no more can come."""

    def __init__(
        self,
        config: uvicorn.Config,
        connections: socket.socket,
        started: Callable[[asyncio.AbstractEventLoop], None],
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._started = started
        self._handshakes: set[asyncio.Task[None]] = set()
        self.taken = 0
        """Connections so far."""

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self._handshakes) + len(self.server_state.connections)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the supervisor's."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Never called."""

    async def main_loop(self) -> None:
        """Take connections until the supervisor hands over no more."""
        loop = asyncio.get_running_loop()
        self._connections.setblocking(False)
        loop.add_reader(self._connections.fileno(), self._take)
        self._started(loop)
        await super().main_loop()

    def _take(self) -> None:
        while True:
            try:
                # One byte belongs to each, so that a read gives exactly one.
                data, descriptors, _, _ = socket.recv_fds(self._connections, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            loop = asyncio.get_running_loop()
            if not data:
                loop.remove_reader(self._connections.fileno())
                self._keep(loop.create_task(self._leave(set(self._handshakes))))
                return
            for descriptor in descriptors:
                self.taken += 1
                self._keep(loop.create_task(self._shake(socket.socket(fileno=descriptor))))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake(self, connection: socket.socket) -> None:
        """Let TLS begin; what fails there is the client's."""
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self.config.ssl
            )
        except (OSError, ssl.SSLError):
            connection.close()

    async def _leave(self, handshakes: set[asyncio.Task[None]]) -> None:
        if handshakes:
            await asyncio.wait(handshakes, timeout=HANDSHAKES_SECONDS)
        self.should_exit = True

    def _protocol(self) -> asyncio.Protocol:
        # As uvicorn.Server.startup makes them for sockets that it listens on itself.
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return made
