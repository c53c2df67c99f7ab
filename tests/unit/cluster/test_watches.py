"""Watches end as often as API servers please, which is no mistake."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from karb_guard.cluster.client import connect
from karb_guard.cluster.reflector import SYNCED, Reflector
from tests.support.api_script import Query, Reply, page, scripted

PATH = "/api/v1/pods"
ADDED = {"type": "ADDED", "object": {"metadata": {"name": "b", "resourceVersion": "2"}}}


def watched(_path: str, query: Query) -> Reply:
    """One event, and then the regular end of a watch over a connection that stays open."""
    if query.get("watch"):
        return Reply(json.dumps(ADDED).encode() + b"\n", chunks=1)
    return page(["a"])


def test_a_watch_that_ends_is_an_end(tmp_path: Path) -> None:
    with scripted(watched) as script:
        client = connect(script.kubeconfig(tmp_path))
        assert [kind for kind, _ in client.watch(PATH, "1")] == ["ADDED"]
        client.close()


def test_after_a_watch_that_ended_nothing_is_listed_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(watched) as script:
        client = connect(script.kubeconfig(tmp_path))
        copy = Reflector(client, PATH, lambda obj: obj["metadata"]["name"])
        copy.start()
        deadline = time.monotonic() + 20
        try:
            while sum(bool(query.get("watch")) for _, query in list(script.asked)) < 3:
                assert time.monotonic() < deadline, caplog.text
                time.sleep(0.01)
            state = copy.state
        finally:
            copy.stop()
        lists = [query for _, query in script.asked if not query.get("watch")]
    assert (state, len(lists)) == (SYNCED, 1)
    assert "unexpected answer" not in caplog.text
