"""Runs the application on uvicorn: TLS for reviews, plain HTTP for probes and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from webhook.connections import MAX_CONNECTIONS, BoundedProtocol
from webhook.health import Readiness

KEEP_ALIVE_SECONDS = 150
"""Longer than the 90 s after which the API server gives up idle connections: the side that is
about to send must be the one to close, or requests meet a connection that is going away."""

OPEN_FILES = 2 * MAX_CONNECTIONS + 500
"""Two ports' connections, and what else a process holds open."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where to listen."""

    host: str
    port: int
    metrics_port: int | None = None
    """Plain HTTP for ``/metrics``, ``/healthz``, ``/readyz``; ``None`` for none."""
    drain_seconds: float = 10.0
    """How long to go on serving after the signal to end, while endpoints are taken away."""
    grace_seconds: int = 10
    """How long reviews under way may take after that."""


class _Server(uvicorn.Server):
    """A uvicorn server that drains first, and whose end is not an error."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None], drain: float) -> None:
        super().__init__(config)
        self._on_exit = on_exit
        self._drain = drain
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On the first signal drain, on the second end at once."""
        self._on_exit()
        if self._loop is None or self._drain <= 0:
            self.should_exit = True
            return
        drain, self._drain = self._drain, 0.0
        self._loop.call_soon_threadsafe(self._loop.call_later, drain, self.leave)

    def leave(self) -> None:
        """End now."""
        self.should_exit = True


class Companion(uvicorn.Server):
    """A second server of the same process, which leaves signals to the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the main server's."""
        yield


def serve(
    app: ASGIApp,
    probes: ASGIApp,
    tls: ssl.SSLContext,
    binding: Binding,
    readiness: Readiness,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Raises ``SystemExit`` where an address is taken. ``tls`` may change what it serves while this
    runs (``webhook.tls.Listener``).
    """
    allow_open_files()
    loop = loop_name()
    main = _Server(
        config_of(app, binding, binding.port, loop, tls), readiness.drain, binding.drain_seconds
    )
    servers: list[uvicorn.Server] = [main]
    if binding.metrics_port is not None:
        servers.append(Companion(config_of(probes, binding, binding.metrics_port, loop)))
    runner = asyncio.Runner(loop_factory=main.config.get_loop_factory())
    with runner:
        runner.run(_together(servers))


def loop_name() -> str:
    """The event loop to use, as uvicorn calls it."""
    return "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"


def allow_open_files() -> None:
    """Ask for as many files as connections need; many runtimes start processes with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES:
        return
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _together(servers: list[uvicorn.Server]) -> None:
    main, *others = servers
    tasks = [asyncio.create_task(server.serve()) for server in others]
    try:
        await main.serve()
    finally:
        for server in others:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


def config_of(
    app: ASGIApp, binding: Binding, port: int, loop: str, tls: ssl.SSLContext | None = None
) -> uvicorn.Config:
    """How uvicorn serves ``app`` here; with ``tls`` over TLS."""
    return uvicorn.Config(
        app,
        host=binding.host,
        port=port,
        loop=loop,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=binding.grace_seconds,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )
