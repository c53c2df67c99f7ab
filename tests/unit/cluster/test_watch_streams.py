"""A watch's stream, by a real HTTP server that answers as an API server would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.errors import ClusterError, ExpiredError
from tests.support.api_script import Query, Reply, Script, scripted

PATH = "/api/v1/pods"
EVENT = {"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "a"}}}


def client_of(script: Script, directory: Path) -> ClusterClient:
    return connect(script.kubeconfig(directory))


def events(*found: object) -> Reply:
    text = "".join(json.dumps(each) + "\n" for each in found)
    return Reply(text.encode(), chunks=2)


def test_a_watch_that_the_server_ends_ends_without_an_error(tmp_path: Path) -> None:
    with scripted(lambda _path, _query: events(EVENT)) as script:
        stream = client_of(script, tmp_path).watch(PATH, "1")
        assert [kind for kind, _ in stream] == ["ADDED"]
        stream.close()


def test_a_watch_that_is_cut_is_an_error(tmp_path: Path) -> None:
    def answer(_path: str, _query: Query) -> Reply:
        reply = events(EVENT)
        reply.cut = True
        return reply

    with scripted(answer) as script:
        stream = client_of(script, tmp_path).watch(PATH, "1")
        with pytest.raises(ClusterError, match="the stream broke"):
            list(stream)


def test_an_expired_version_is_told_apart(tmp_path: Path) -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
    with scripted(lambda _path, _query: events(gone)) as script:
        stream = client_of(script, tmp_path).watch(PATH, "1")
        with pytest.raises(ExpiredError, match="too old"):
            list(stream)
