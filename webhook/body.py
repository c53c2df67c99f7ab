"""Reads a request's body within bounds of size and time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from webhook.review import ReviewError

MAX_BODY_BYTES = 7 * 1024 * 1024
"""Default bound. The API server takes requests of up to 3 MiB
(``MaxRequestBodyBytes`` in k8s.io/apiserver), and the review of an UPDATE carries the object twice:
a smaller bound would let a padded update past a webhook with ``failurePolicy: Ignore``."""

MAX_DISCARDED_BYTES = 32 * 1024 * 1024
"""An oversized body is read and dropped up to here, so that its sender sees the answer instead of
a reset connection."""

BODY_TIMEOUT_SECONDS = 10.0
"""The longest an API server waits for a webhook by default; a slower body has no reader left."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises ``ReviewError`` 413 beyond ``limit`` bytes, 408 when it stalls."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= limit:
        return body
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await _read_rest(receive, body, limit, more=message.get("more_body", False))
    except TimeoutError:
        text = f"the body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s"
        raise ReviewError(408, "timeout", text) from None


async def _read_rest(receive: Receive, first: bytes, limit: int, *, more: bool) -> bytes:
    parts, size, head = [first], len(first), b""
    while more and size <= MAX_DISCARDED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif parts:
            head = b"".join(parts)
            parts.clear()
        more = message.get("more_body", False)
    if size > limit:
        text = f"the body is larger than {limit} bytes"
        raise ReviewError(413, "size", text, head or b"".join(parts))
    return b"".join(parts)
