"""Nobody is sent here before what decisions go by was read, within a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from karb_guard.cluster import follower, reflector
from karb_guard.cluster.errors import ClusterError
from karb_guard.decisions import rollouts
from webhook import watches
from webhook.metrics import Metrics
from webhook.objects import ClusterObjects
from webhook.watches import Watches


class ApiServer:
    """Answers every list but that of rollouts, which has the trouble it is given."""

    def __init__(self, trouble: int | None) -> None:
        self.trouble = trouble
        self._closed = threading.Event()

    def list(self, path: str, _query: Any = None) -> tuple[list[Any], str]:
        if path == rollouts.PATH and self.trouble is not None:
            raise ClusterError(f"{self.trouble}", self.trouble)
        return [], "1"

    def watch(self, *_: Any) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        self._closed.wait(20)
        return iter(())

    def close(self) -> None:
        self._closed.set()


def watching(trouble: int | None) -> tuple[Watches, ApiServer]:
    server = ApiServer(trouble)
    return Watches(server, ClusterObjects(), Metrics()), server  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "SYNC_SECONDS", 0.2)


def until_ready(made: Watches) -> None:
    deadline = time.monotonic() + 20
    while made.missing():
        assert time.monotonic() < deadline, "still not ready"
        time.sleep(0.02)


def test_rollouts_that_were_never_listed_keep_the_process_unready_until_they_are() -> None:
    made, server = watching(500)
    assert made.missing()
    with made.running():
        assert made.missing() == "not read yet: invariantrollouts"
        server.trouble = None
        until_ready(made)
        server.trouble = 500
        assert made.missing() is None


@pytest.mark.parametrize("status", [404, 403])
def test_what_is_not_there_or_not_for_us_keeps_nobody(status: int) -> None:
    made, _ = watching(status)
    with made.running():
        until_ready(made)


@pytest.mark.parametrize("status", [404, 403])
def test_an_api_server_that_goes_away_later_takes_nobody_with_it(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "ABSENT_WAIT_SECONDS", 0.02)
    made, server = watching(status)
    with made.running():
        until_ready(made)
        server.trouble = 500
        deadline = time.monotonic() + 20
        while made._reflectors["invariantrollouts"].state != reflector.FAILING:
            assert time.monotonic() < deadline, "it was never asked again"
            time.sleep(0.02)
        assert made.missing() is None


def test_the_wait_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = watching(500)
    with made.running():
        assert made.missing()
        monkeypatch.setattr(watches, "READY_SECONDS", 0.0)
        assert made.missing() is None
