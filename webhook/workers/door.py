"""Accepts connections and hands each to the worker that has the fewest.

An API server keeps a handful of connections for good. The kernel would spread them by a hash of
their addresses (``SO_REUSEPORT``) or by who happens to wake up (one socket for all): half of the
workers may get nothing, and what waits at a worker that dies is refused. Here the process that
doesn't die accepts, once a connection, and each worker gets its share of them.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from karb_guard.model.errors import KarbGuardError
from webhook.logs import log
from webhook.workers.pool import Pool

BACKLOG = 2048
"""As uvicorn's."""
PAUSE_SECONDS = 0.02
"""While no worker takes connections, they wait where the kernel keeps them."""
MAX_AT_ONCE = 64
"""Connections of one turn of the event loop."""


class Door:
    """A listening socket. ``start`` and ``close`` belong to the event loop."""

    def __init__(self, host: str, port: int, pool: Pool) -> None:
        """Take the address; connections are refused until ``start`` finds a worker.

        Raises ``KarbGuardError`` where somebody else has it.
        """
        self._pool = pool
        self._socket = _bound(host, port)
        self._listening = False
        self._paused: asyncio.TimerHandle | None = None
        self._held: socket.socket | None = None

    def start(self) -> None:
        """Accept as soon as a worker answers."""
        if not self._pool.choose():
            self._pause()
            return
        self._paused = None
        if not self._listening:
            self._socket.listen(BACKLOG)
            self._listening = True
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Hand over what waits, and refuse what comes."""
        loop = asyncio.get_running_loop()
        if self._paused is not None:
            self._paused.cancel()
        if self._listening:
            loop.remove_reader(self._socket.fileno())
            self._accept(BACKLOG, pause=False)
        if self._held is not None:
            self._held.close()
        self._socket.close()

    def _accept(self, most: int = MAX_AT_ONCE, *, pause: bool = True) -> None:
        for _ in range(most):
            connection, self._held = self._held, None
            if connection is None:
                connection = self._next()
            if connection is None:
                return
            if not self._handed(connection):
                self._held = connection
                if pause:
                    self._pause()
                return
            connection.close()  # the worker's copy of it stays open

    def _next(self) -> socket.socket | None:
        try:
            return self._socket.accept()[0]
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:  # too many files are open
            log(logging.WARNING, "connection not accepted", problem=str(error))
            self._pause(1.0)
            return None

    def _handed(self, connection: socket.socket) -> bool:
        return any(worker.hand(connection) for worker in self._pool.choose())

    def _pause(self, seconds: float = PAUSE_SECONDS) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket.fileno())
        self._paused = loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self.start()
        if self._held is not None and self._paused is None:
            self._accept()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise KarbGuardError(f"can't listen on {host} port {port}: {error.strerror}") from error
    return made
