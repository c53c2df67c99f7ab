"""Scraping over real HTTP: every replica, or a problem with its name."""

from __future__ import annotations

import datetime
import http.server
import threading
from collections.abc import Iterator, Sequence

import pytest

from audit.controller.replicas import GivenReplicas, Replica, address_of, scraped
from karb_guard.cluster.errors import ClusterError
from karb_guard.rollout.counters import MAX_REPLICAS
from tests.support.controlplane import free_port
from webhook.metrics import Metrics

NOW = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        metrics = Metrics()
        metrics.ready.set(1)
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(metrics.render())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def replica() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_replica_is_asked(replica: str) -> None:
    scrape = scraped(GivenReplicas([replica]), lambda: NOW)
    assert (scrape.at, [s.replica for s in scrape.samples]) == (NOW, [replica])
    assert scrape.problems == []


def test_one_that_does_not_answer_is_named(replica: str) -> None:
    gone = f"127.0.0.1:{free_port()}"
    scrape = scraped(GivenReplicas([replica, gone]), lambda: NOW)
    assert [s.replica for s in scrape.samples] == [replica]
    assert scrape.problems[0].startswith(f"{gone}: ConnectionRefusedError")


def test_of_too_many_as_many_are_asked_as_are_kept_and_that_is_a_problem(replica: str) -> None:
    port = address_of(replica).port

    class Many:
        def listed(self) -> Sequence[Replica]:
            return [Replica(f"r{i:03}", "127.0.0.1", port) for i in range(MAX_REPLICAS + 2)]

    scrape = scraped(Many(), lambda: NOW)
    assert len(scrape.samples) == MAX_REPLICAS
    assert scrape.problems == [f"there are {MAX_REPLICAS + 2} replicas, {MAX_REPLICAS} are asked"]


def test_replicas_that_nobody_knows_are_a_problem() -> None:
    class Away:
        def listed(self) -> Sequence[Replica]:
            raise ClusterError("the API server is away")

    scrape = scraped(Away(), lambda: NOW)
    assert scrape.problems == ["the replicas are not known: the API server is away"]


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:0", "host:70000", "host:x"])
def test_an_address_has_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match="no HOST:PORT"):
        address_of(text)


def test_an_address_may_be_of_version_6() -> None:
    assert address_of("[::1]:8080")[1:] == ("::1", 8080)
