"""Reads a request's body within bounds of size and time, and all of them within one of memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from webhook.review import MAX_HEAD_BYTES, ReviewError

MAX_BODY_BYTES = 7 * 1024 * 1024
"""Default bound. The API server takes requests of up to 3 MiB
(``MaxRequestBodyBytes`` in k8s.io/apiserver), and the review of an UPDATE carries the object twice:
a smaller bound would let a padded update past a webhook with ``failurePolicy: Ignore``."""

MAX_DISCARDED_BYTES = 32 * 1024 * 1024
"""An oversized body is read and dropped up to here, so that its sender sees the answer instead of
a reset connection."""

BODY_TIMEOUT_SECONDS = 10.0
"""The longest an API server waits for a webhook by default; a slower body has no reader left."""

MAX_HELD_BYTES = 64 * 1024 * 1024
"""Of all bodies that a process holds, read in part or waiting for their verdict. An API server
sends a body in one go, mostly of some kilobytes: so much is held only by who means no good."""

OBJECTS_WEIGHT = 4
"""What a body counts, as often as its length, once it is parsed and may wait (for the labels of a
namespace, an owner's age). Measured: 11 times its length for a Pod, 22 for one of empty maps."""


class Room:
    """The memory for bodies. What is beyond it never keeps an ordinary review out.

    A plain bound would answer 503 to whoever comes last: some connections that send large bodies
    and never finish would switch admission off wherever ``failurePolicy`` is ``Ignore``. Here the
    body that has been coming in for longest makes room, which is never an API server's.
    """

    def __init__(self, limit: int = MAX_HELD_BYTES) -> None:
        """``limit`` in bytes. One body alone always fits: it has a bound of its own."""
        self.limit = limit
        self.held = 0
        """Bytes."""
        self._reading: dict[Place, None] = {}

    def place(self) -> Place:
        """Where one body is to be held; use it as a context."""
        return Place(self)

    def begin(self, place: Place) -> None:
        """``place`` is being read from now on, and may have to make room."""
        self._reading[place] = None

    def end(self, place: Place) -> None:
        """``place`` is read, or given up."""
        self._reading.pop(place, None)

    def grow(self, place: Place, more: int) -> bool:
        """Hold ``more`` bytes in ``place``; whether there is room for them."""
        while self.held + more > self.limit and self.held > place.held:
            oldest = next(iter(self._reading), place)
            if oldest is place:
                return False
            oldest.evict()
        self.held += more
        place.held += more
        return True


class Place:
    """One body's part of the room."""

    __slots__ = ("_parts", "_room", "_wake", "evicted", "held")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._parts: list[bytes] = []
        self._wake: Callable[[], None] | None = None
        self.held = 0
        """Bytes."""
        self.evicted = False

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._room.held -= self.held
        self.held = 0
        self._room.end(self)

    def take(self, part: bytes) -> None:
        """Hold a part. Raises ``ReviewError`` 503 where there is no room for it."""
        if not self._room.grow(self, len(part)):
            raise self.refusal(self.whole() or part)
        self._parts.append(part)

    def whole(self) -> bytes:
        """What is held, in one piece."""
        parts = self._parts
        if len(parts) > 1:
            parts[:] = [b"".join(parts)]
        return parts[0] if parts else b""

    def unfold(self, body: bytes) -> None:
        """``body`` is about to become objects. Raises ``ReviewError`` 503 without room for them."""
        if not self._room.grow(self, len(body) * (OBJECTS_WEIGHT - 1)):
            raise self.refusal(body)

    def reading(self, wake: Callable[[], None]) -> None:
        """More is to come; ``wake`` ends the wait for it."""
        self._wake = wake
        self._room.begin(self)

    def read(self) -> None:
        """All there is has come: from now on the body waits for its verdict and stays."""
        self._wake = None
        self._room.end(self)

    def evict(self) -> None:
        """Let go of everything and wake the reader, who refuses the body."""
        self.evicted = True
        self._room.end(self)
        self._room.held -= self.held
        self.held = 0
        self._parts.clear()
        if self._wake is not None:
            self._wake()

    def refusal(self, head: bytes = b"") -> ReviewError:
        """What its sender is told; with a ``head``, in words of its review."""
        text = f"the webhook holds bodies of {self._room.limit} bytes already; try again"
        return ReviewError(503, "room", text, head)


async def read_body(receive: Receive, limit: int, place: Place) -> bytes:
    """The whole body, held in ``place``.

    Raises ``ReviewError`` 413 beyond ``limit`` bytes, 408 when it stalls, 503 without room for it.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= limit:
        place.take(body)
        return body
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS) as timeout:
            place.reading(lambda: timeout.reschedule(0.0))
            return await _read_rest(receive, message, limit, place)
    except TimeoutError:
        if place.evicted:
            raise place.refusal() from None
        text = f"the body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s"
        raise ReviewError(408, "timeout", text) from None
    finally:
        place.read()


async def _read_rest(receive: Receive, message: Message, limit: int, place: Place) -> bytes:
    size, head = 0, b""
    while True:
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit:
            place.take(part)
        elif not head:
            head = (place.whole() or part)[:MAX_HEAD_BYTES]
        if not message.get("more_body", False) or size > MAX_DISCARDED_BYTES:
            break
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
    if place.evicted:
        raise place.refusal()
    if size > limit:
        raise ReviewError(413, "size", f"the body is larger than {limit} bytes", head)
    return place.whole()
