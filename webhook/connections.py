"""How long connections may stay, and how many: idle ones never keep a review out.

uvicorn's own bound (``limit_concurrency``) counts open connections and answers 503 beyond it:
whoever opens enough of them would switch admission off wherever ``failurePolicy`` is ``Ignore``.
Here the connection that has been quiet for longest makes room.
"""

from __future__ import annotations

import asyncio
import itertools

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_CONNECTIONS = 2000
"""Open connections of one port. A further one closes the one that is idle for longest."""

REQUEST_SECONDS = 11.0
"""From the connection, or from a request's first byte, until the request is there. A second more
than a body may take (``webhook.body``), whose refusal is one in words."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request without its body: line, headers, framing, trailers. One read may exceed it."""

MAX_HEADERS = 100
"""Of one request. An API server sends eight; each costs more memory than its text."""

FAREWELL_SECONDS = 0.5
"""How long a client may take to answer the end of TLS once this process ends. API servers answer
at once; without this bound a client that doesn't would hold the process up for many seconds."""

_turns = itertools.count()
"""Tells what was earlier: a loop's clock says the same of all that came in one turn of it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, which ends when its request doesn't come or somebody else needs the room."""

    max_connections = MAX_CONNECTIONS
    request_seconds = REQUEST_SECONDS

    _awaiting: asyncio.TimerHandle | None = None
    _since = 0
    _head_bytes = 0
    _ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; make room where there is none."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that has no end."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self._await_request()

    def on_headers_complete(self) -> None:
        """Refuse what has too many headers: the parser ends, with a 400."""
        if len(self.headers) > MAX_HEADERS:
            raise ValueError(f"more than {MAX_HEADERS} headers")
        super().on_headers_complete()
        if self._ending:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Bodies have a bound of their own."""
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there with its body."""
        self._stop_waiting()
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """From now on idle."""
        self._since = next(_turns)
        super().on_response_complete()
        if self._ending:
            self._say_farewell()

    def shutdown(self) -> None:
        """The process ends: an idle connection at once, another one with its answer."""
        self._ending = True
        if self._head_bytes and self._idle():
            return  # a request is coming in
        super().shutdown()
        if self._idle():
            self._say_farewell()

    def _await_request(self) -> None:
        self._stop_waiting()
        self._since = next(_turns)
        # To close would wait for the other side's end of TLS, for up to half a minute.
        self._awaiting = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._awaiting is not None:
            self._awaiting.cancel()
            self._awaiting = None

    def _say_farewell(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
        self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)

    def _make_room(self) -> None:
        others = [c for c in self.connections if isinstance(c, BoundedProtocol) and c is not self]
        if not others:
            return
        victim = min(others, key=BoundedProtocol._worth)
        # It is lost at the loop's next turn; until then nobody may choose it again.
        self.connections.discard(victim)
        victim.transport.abort()

    def _worth(self) -> tuple[bool, int]:
        """What is being answered goes last, what has been quiet for longest first."""
        answering = self._awaiting is None and not self._idle()
        return answering, self._since

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse_head(self) -> None:
        if self._idle():
            self.send_400_response(f"The request's head is larger than {MAX_HEAD_BYTES} bytes.")
        else:
            self.transport.abort()
