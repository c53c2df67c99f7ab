"""A webhook process under clients that mean no good: bounded memory, reviews answered, a quick end.

One process with its own bounds; slow clients wait side by side, so that the file takes seconds.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lone_webhook import HOST, LoneWebhook, lone_webhook
from tests.support.processes import resident_mib
from tests.support.webhook_rig import body, pod
from webhook.body import BODY_TIMEOUT_SECONDS, MAX_BODY_BYTES, MAX_HELD_BYTES
from webhook.connections import MAX_HEADERS, REQUEST_SECONDS

CONFIG = "stages: {namespaces: [{match: inference, default: enforce}]}\n"
HEAD = b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
MIB = 1024 * 1024
SLACK_MIB = 60
"""For the review that is judged meanwhile, and what an allocator keeps."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bounds") / "karb-guard.yaml"
    file.write_text(CONFIG)
    return file


@pytest.fixture(scope="module")
def webhook(config: Path) -> Iterator[LoneWebhook]:
    with lone_webhook(config) as running:
        yield running


def connect(webhook: LoneWebhook) -> ssl.SSLSocket:
    plain = socket.create_connection((HOST, webhook.port), timeout=20)
    return webhook.tls().wrap_socket(plain, server_hostname=HOST)


def denied(webhook: LoneWebhook) -> bool:
    """Whether a review that comes now is answered, and with the right verdict."""
    connection = http.client.HTTPSConnection(HOST, webhook.port, timeout=5, context=webhook.tls())
    headers = {"content-type": "application/json"}
    with contextlib.closing(connection):
        connection.request("POST", "/validate", body(pod("server")), headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())["response"]["allowed"] is False


def counted(webhook: LoneWebhook, cause: str) -> float:
    pattern = rf'karb_guard_bad_requests_total{{cause="{cause}"}} (\S+)'
    found = re.search(pattern, webhook.get("/metrics"))
    return float(found[1]) if found else 0.0


def answered(connection: ssl.SSLSocket) -> bytes:
    """What comes until the other side closes."""
    text = b""
    with contextlib.suppress(OSError):
        while part := connection.recv(65536):
            text += part
    return text


def test_bodies_that_never_end_take_bounded_memory_and_keep_no_review_out(
    webhook: LoneWebhook,
) -> None:
    assert denied(webhook)
    before = resident_mib(webhook.process.pid)
    size = MAX_BODY_BYTES - MIB
    part = b'{"a": "' + b"x" * size
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(3 * MAX_HELD_BYTES // size):
            connection = stack.enter_context(connect(webhook))
            connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % MAX_BODY_BYTES + part)
            held.append(connection)
        assert denied(webhook)
        assert resident_mib(webhook.process.pid) - before < MAX_HELD_BYTES / MIB + SLACK_MIB
        assert counted(webhook, "room") > 0
        refused = answered(held[0])
    assert b" 503 " in refused
    assert b"holds bodies of" in refused
    assert denied(webhook)


def test_slow_heads_and_slow_bodies_end_in_their_time(webhook: LoneWebhook) -> None:
    stalls = counted(webhook, "timeout")
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        heads = [stack.enter_context(connect(webhook)) for _ in range(20)]
        bodies = [stack.enter_context(connect(webhook)) for _ in range(20)]
        for each in bodies:
            each.sendall(HEAD + b'content-length: 100\r\n\r\n{"a"')
        for each in heads:
            each.sendall(HEAD)
        while time.monotonic() - started < BODY_TIMEOUT_SECONDS - 2:
            for each in heads:  # a header now and then
                each.sendall(b"x: y\r\n")
            assert denied(webhook)
            time.sleep(1)
        for each in bodies:
            assert b" 408 " in answered(each)
        for each in heads:
            answered(each)
    assert time.monotonic() - started < REQUEST_SECONDS + 3
    assert counted(webhook, "timeout") - stalls == len(bodies)


def test_a_request_with_too_many_headers_is_refused(webhook: LoneWebhook) -> None:
    many = b"".join(b"x-%d: y\r\n" % n for n in range(MAX_HEADERS + 1))
    with connect(webhook) as connection:
        connection.sendall(HEAD + many + b"content-length: 2\r\n\r\n{}")
        assert b" 400 " in answered(connection)
    few = b"".join(b"x-%d: y\r\n" % n for n in range(MAX_HEADERS - 20))
    with connect(webhook) as connection:
        connection.sendall(HEAD + few + b"connection: close\r\ncontent-length: 2\r\n\r\n{}")
        assert b"apiVersion is null" in answered(connection)
    assert denied(webhook)


def test_the_end_waits_for_answers_and_not_for_idle_clients(config: Path) -> None:
    with lone_webhook(config, "--drain-seconds=1") as webhook, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(webhook)) for _ in range(10)]
        content = body(pod("server"))
        request = HEAD + b"content-length: %d\r\n\r\n" % len(content)
        for each in idle:
            each.sendall(request + content)
            assert b" 200 " in each.recv(65536)
        head, half = (stack.enter_context(connect(webhook)) for _ in range(2))
        head.sendall(request[:30])
        half.sendall(request + content[:50])
        time.sleep(0.2)
        webhook.process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        time.sleep(0.7)
        idle[0].sendall(request + content)
        late = answered(idle[0])
        assert b" 200 " in late, "serves on while endpoints are taken away"
        assert b"connection: close" in late
        time.sleep(0.7)
        for client, rest in ((head, request[30:] + content), (half, content[50:])):
            client.sendall(rest)
            text = answered(client)
            assert b'"allowed":false' in text
            assert b"connection: close" in text
        assert webhook.process.wait(20) == 0
        took = time.monotonic() - signalled
    print(f"ended {took:.1f} s after the signal, of which 1 s drain")
    assert took < 5
