"""The drills' balancer does what a Service does, and no more."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.balancer import DROP_SECONDS, HOST, Balancer, balancing, until


class Replica:
    """Says its name on every connection; its readiness is the test's."""

    def __init__(self, name: bytes) -> None:
        self.name, self.ready = name, True
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        owner = self

        class Probe(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if owner.ready else 503)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.probe = http.server.ThreadingHTTPServer((HOST, 0), Probe)
        threading.Thread(target=self.probe.serve_forever, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(100):
                connection.sendall(self.name + data)

    def vanish(self) -> None:
        # A thread that waits in accept() keeps a closed socket listening.
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def close(self) -> None:
        self.vanish()
        self.probe.shutdown()
        self.probe.server_close()


@contextlib.contextmanager
def connected(balancer: Balancer) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, balancer.port), timeout=5) as client:
        yield client


def ask(client: socket.socket) -> bytes:
    client.sendall(b"?")
    return client.recv(100)


def asked(balancer: Balancer) -> bytes:
    try:
        with connected(balancer) as client:
            return ask(client)
    except ConnectionError:
        return b""


@pytest.fixture
def pair() -> Iterator[tuple[Balancer, Replica, Replica]]:
    with balancing() as balancer:
        one, two = Replica(b"1"), Replica(b"2")
        for replica in (one, two):
            balancer.add(replica.port, replica.probe.server_port)
        until(lambda: balancer.ready() == 2, 5, "both ready")
        yield balancer, one, two
        for replica in (one, two):
            replica.close()


def test_connections_go_to_all_ready_backends_in_turn(
    pair: tuple[Balancer, Replica, Replica],
) -> None:
    assert sorted(asked(pair[0]) for _ in range(6)) == [b"1?"] * 3 + [b"2?"] * 3


def test_a_backend_takes_connections_for_a_second_after_its_readiness_failed(
    pair: tuple[Balancer, Replica, Replica],
) -> None:
    balancer, one, _ = pair
    one.ready = False
    until(lambda: balancer._backends[0].unready_since is not None, 5, "noticed")
    assert b"1?" in [asked(balancer) for _ in range(4)]
    took = until(lambda: balancer.ready() == 1, 5, "dropped")
    assert took > DROP_SECONDS / 2
    assert {asked(balancer) for _ in range(6)} == {b"2?"}


def test_an_established_connection_stays_with_its_backend(
    pair: tuple[Balancer, Replica, Replica],
) -> None:
    balancer, one, _ = pair
    with connected(balancer) as client, connected(balancer) as other:
        mine = client if ask(client) == b"1?" else other
        one.ready = False
        until(lambda: balancer.ready() == 1, 5, "dropped")
        assert ask(mine) == b"1?"


def test_nobody_is_asked_a_second_time_for_a_backend_that_is_gone(
    pair: tuple[Balancer, Replica, Replica],
) -> None:
    balancer, one, _ = pair
    one.vanish()
    answers = [asked(balancer) for _ in range(6)]
    assert answers.count(b"") == 3
    assert balancer.refused == 3


def test_without_backends_connections_are_reset_at_once() -> None:
    with balancing() as balancer:
        started = time.monotonic()
        assert asked(balancer) == b""
        assert time.monotonic() - started < 1
