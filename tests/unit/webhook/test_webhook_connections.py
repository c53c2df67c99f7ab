"""Idle and slow connections: they end, they make room, and they never keep a request out."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from webhook import serving
from webhook.connections import MAX_HEAD_BYTES, BoundedProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Small(BoundedProtocol):
    """With bounds that a test reaches."""

    max_connections = 5
    request_seconds = 0.5


class Patient(Small):
    """Few connections, which may take their time."""

    request_seconds = 60.0


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def served(protocol: type[BoundedProtocol]) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(answer, http=protocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
        listening.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def ask(connection: socket.socket, request: bytes = REQUEST) -> bytes:
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"ok") and (part := connection.recv(4096)):
        answer += part
    return answer


def ended(connection: socket.socket) -> bool:
    """Whether the other side closed within the connection's timeout."""
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def open_still(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    return not ended(connection)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nx",
    ],
)
def test_a_request_that_does_not_come_ends_its_connection(sent: bytes) -> None:
    with served(Small) as port, connect(port) as connection:
        connection.sendall(sent)
        started = time.monotonic()
        assert ended(connection)
        assert time.monotonic() - started > 0.3


def test_the_second_request_of_a_connection_is_timed_too() -> None:
    with served(Small) as port, connect(port) as connection:
        assert b" 200 " in ask(connection)
        connection.sendall(b"GET / HT")
        assert ended(connection)


def test_between_requests_a_connection_may_rest() -> None:
    with served(Small) as port, connect(port) as connection:
        assert b" 200 " in ask(connection)
        time.sleep(1.0)
        assert b" 200 " in ask(connection)


def test_idle_connections_keep_no_request_out() -> None:
    with served(Patient) as port, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(port)) for _ in range(40)]
        for _ in range(3):
            assert b" 200 " in ask(stack.enter_context(connect(port)))
        assert all(ended(connection) for connection in idle[:35])


def test_the_connection_that_rests_for_longest_makes_room() -> None:
    with served(Patient) as port, contextlib.ExitStack() as stack:
        used, *idle = [stack.enter_context(connect(port)) for _ in range(5)]
        assert b" 200 " in ask(used)
        assert b" 200 " in ask(stack.enter_context(connect(port)))
        assert ended(idle[0])
        assert open_still(idle[1])
        assert b" 200 " in ask(used)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nx: ", b"GET /"])
def test_a_head_without_end_is_refused(head: bytes) -> None:
    with served(Patient) as port, connect(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head + b"a" * (MAX_HEAD_BYTES + 1))
        assert b" 400 " in connection.recv(4096)


def test_trailers_without_end_are_cut() -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with served(Patient) as port, connect(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head + b"a: " + b"a" * (MAX_HEAD_BYTES + 1))
        assert ended(connection)


def test_a_large_body_is_no_large_head() -> None:
    body = b"x" * (4 * MAX_HEAD_BYTES)
    head = b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
    with served(Patient) as port, connect(port) as connection:
        for _ in range(3):
            assert b" 200 " in ask(connection, head + body)


@pytest.mark.parametrize("port", [8443, 8080])
def test_no_port_has_a_number_of_connections_that_leads_to_503(port: int) -> None:
    config = serving.config_of(answer, serving.Binding("127.0.0.1", port), port, "asyncio")
    assert config.limit_concurrency is None
    assert config.http is BoundedProtocol
