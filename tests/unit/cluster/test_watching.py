"""Watches that end, against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from karb_guard.cluster.client import connect
from karb_guard.cluster.errors import ClusterError, ExpiredError
from tests.support.api_script import Query, Reply, scripted

PATH = "/api/v1/pods"
EVENT = {"type": "ADDED", "object": {"metadata": {"name": "llm"}}}


def answer(_path: str, query: Query) -> Reply:
    assert query["watch"] == "true"
    return Reply(json.dumps(EVENT).encode() + b"\n", chunks=3, cut=query["resourceVersion"] == "2")


def test_a_watch_that_the_server_ends_just_ends(tmp_path: Path) -> None:
    with scripted(answer) as script:
        client = connect(script.kubeconfig(tmp_path))
        stream = client.watch(PATH, "1")
        assert list(stream) == [("ADDED", EVENT["object"])]
        stream.close()
        assert list(client.watch(PATH, "1")), "and the next one begins"


def test_a_watch_that_breaks_off_says_so(tmp_path: Path) -> None:
    with scripted(answer) as script:
        stream = connect(script.kubeconfig(tmp_path)).watch(PATH, "2")
        with pytest.raises(ClusterError, match="the stream broke"):
            list(stream)


def test_an_expired_version_is_told_apart(tmp_path: Path) -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
    said = Reply(json.dumps(gone).encode() + b"\n", chunks=2)
    with scripted(lambda _path, _query: said) as script:
        stream = connect(script.kubeconfig(tmp_path)).watch(PATH, "1")
        with pytest.raises(ExpiredError, match="too old"):
            list(stream)
