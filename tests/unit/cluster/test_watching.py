"""Watches end as often as API servers please, which is no mistake; against a real HTTP server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from karb_guard.cluster.client import connect
from karb_guard.cluster.errors import ClusterError, ExpiredError
from karb_guard.cluster.reflector import SYNCED, Reflector
from tests.support.api_script import Query, Reply, page, scripted

PATH = "/api/v1/pods"
EVENT = {"type": "ADDED", "object": {"metadata": {"name": "llm", "resourceVersion": "3"}}}
BREAKS = "2"
"""The version whose watch breaks off."""


def answer(_path: str, query: Query) -> Reply:
    """One event and the end of the watch: a regular one, or in the midst of it."""
    if query.get("watch") != "true":
        return page(["llm"])
    return Reply(
        json.dumps(EVENT).encode() + b"\n", chunks=3, cut=query["resourceVersion"] == BREAKS
    )


def test_a_watch_that_the_server_ends_just_ends(tmp_path: Path) -> None:
    with scripted(answer) as script:
        client = connect(script.kubeconfig(tmp_path))
        stream = client.watch(PATH, "1")
        assert list(stream) == [("ADDED", EVENT["object"])]
        stream.close()
        assert list(client.watch(PATH, "1")), "and the next one begins"


def test_a_watch_that_breaks_off_says_so(tmp_path: Path) -> None:
    with scripted(answer) as script:
        stream = connect(script.kubeconfig(tmp_path)).watch(PATH, BREAKS)
        with pytest.raises(ClusterError, match="the stream broke"):
            list(stream)


def test_an_expired_version_is_told_apart(tmp_path: Path) -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
    said = Reply(json.dumps(gone).encode() + b"\n", chunks=2)
    with scripted(lambda _path, _query: said) as script:
        stream = connect(script.kubeconfig(tmp_path)).watch(PATH, "1")
        with pytest.raises(ExpiredError, match="too old"):
            list(stream)


def test_after_a_watch_that_ended_nothing_is_listed_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(answer) as script:
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
