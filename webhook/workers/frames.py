"""Frames on a stream socket: four bytes of length, big-endian, and so many bytes."""

from __future__ import annotations

import socket
import struct

from karb_guard.model.errors import KarbGuardError

MAX_BYTES = 16 << 20
"""Of one frame. Far more than any object of an API server (1.5 MiB) or set of invariants."""
_HEAD = struct.Struct(">I")


class FrameError(KarbGuardError):
    """A frame is larger than may be, or ends before its length."""


def send(to: socket.socket, body: bytes) -> None:
    """Send one frame within the socket's time-out.

    Raises ``FrameError`` for one that is too large, and ``OSError`` (``TimeoutError``) where the
    other side is gone or does not read.
    """
    if len(body) > MAX_BYTES:
        raise FrameError(f"a message of {len(body):,} bytes; at most {MAX_BYTES:,} are sent")
    to.sendall(_HEAD.pack(len(body)) + body)


def receive(source: socket.socket) -> bytes | None:
    """The next frame; ``None`` at the end. Waits.

    Raises ``FrameError`` for a length beyond the bound and for an end within a frame.
    """
    head = _exactly(source, _HEAD.size)
    if head is None:
        return None
    (length,) = _HEAD.unpack(head)
    if length > MAX_BYTES:
        raise FrameError(f"a message of {length:,} bytes; at most {MAX_BYTES:,} are taken")
    body = _exactly(source, length)
    if body is None and length:
        raise FrameError("the other side ended within a message")
    return body or b""


def _exactly(source: socket.socket, count: int) -> bytes | None:
    """``count`` bytes; ``None`` where the stream ends before the first."""
    taken = bytearray()
    while len(taken) < count:
        more = source.recv(min(count - len(taken), 1 << 18))
        if not more:
            if taken:
                raise FrameError("the other side ended within a message")
            return None
        taken += more
    return bytes(taken)
