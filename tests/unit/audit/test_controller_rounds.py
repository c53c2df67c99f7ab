"""A round of the controller: one object that can't be moved keeps no other one where it is."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from audit.controller.loop import NAMESPACES, Controller, Sources
from audit.controller.replicas import GivenReplicas
from audit.controller.sources import NoScans
from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.leases import Alone
from karb_guard.decisions import rollouts

NOW = datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.UTC)
SAID = "rollout not moved"

Json = dict[str, Any]


def lowered(name: str, created: str) -> Json:
    """Enforced, and asked to go back: whoever looks writes a status."""
    entry = {"name": "prod", "stage": "enforce", "since": "2026-01-01T00:00:00Z"}
    return {
        "apiVersion": "karb.dev/v1alpha1",
        "kind": "InvariantRollout",
        "metadata": {"name": name, "uid": name, "creationTimestamp": created, "generation": 1},
        "spec": {"invariant": name, "stage": "audit", "gates": {}},
        "status": {"namespaces": [entry]},
    }


class Cluster:
    """Takes every write, but those of one rollout's status."""

    def __init__(self, objects: Sequence[Json], refused: str, how: Exception) -> None:
        self.objects, self.refused, self.how = objects, refused, how
        self.tried: list[str] = []
        self.events: list[Json] = []
        self.written: list[Json] = []
        self.uid = "1"

    def list(self, path: str, query: object = None) -> tuple[Sequence[Json], str]:
        metadata = {"name": "prod", "uid": self.uid, "creationTimestamp": "2025-12-01T00:00:00Z"}
        known = {rollouts.PATH: self.objects, NAMESPACES: [{"metadata": metadata}]}
        return known[path], ""

    def replace(self, path: str, body: Json) -> Json:
        self.tried.append(body["metadata"]["name"])
        if body["metadata"]["name"] == self.refused:
            raise self.how
        self.written.append(body)
        return body

    def create(self, path: str, body: Json) -> Json:
        self.events.append(body)
        return body


def controller(cluster: Cluster, now: Callable[[], datetime.datetime] = lambda: NOW) -> Controller:
    names = {name: name for name in ("img-tag", "res-mem", "res-cpu")}
    sources = Sources(GivenReplicas(()), NoScans(), names)
    return Controller(cast(ClusterClient, cluster), sources, Alone(), now=now)


def three() -> list[Json]:
    names = ("img-tag", "res-mem", "res-cpu")
    return [lowered(name, f"2025-0{i}-01T00:00:00Z") for i, name in enumerate(names, 1)]


FAILURES = [
    ClusterError("PUT: 403 a policy says no", 403),
    ClusterError("PUT: 422 status.webhook is invalid", 422),
    ClusterError("PUT: 500", 500),
    ClusterError("PUT: 127.0.0.1 does not answer (timed out)"),
    RecursionError("something nobody thought of"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_status_that_cannot_be_written_keeps_no_other_rollout(failure: Exception) -> None:
    cluster = Cluster(three(), "img-tag", failure)
    controller(cluster).round()
    assert cluster.tried == ["img-tag", "res-mem", "res-cpu"]


def test_whose_write_failed_is_tried_again_after_the_others() -> None:
    cluster = Cluster(three(), "img-tag", FAILURES[3])
    moving = controller(cluster)
    moving.round()
    moving.round()
    assert cluster.tried[3:] == ["res-mem", "res-cpu", "img-tag"]
    cluster.refused = ""
    moving.round()
    moving.round()
    assert cluster.tried[9:] == ["img-tag", "res-mem", "res-cpu"]


def test_it_is_logged_once_and_told_by_one_event_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(three(), "res-mem", FAILURES[0])
    now = NOW
    moving = controller(cluster, lambda: now)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            moving.round()
            now += datetime.timedelta(minutes=1)
    logged = [r for r in caplog.records if r.getMessage() == SAID]
    assert len(logged) == 1, [r.getMessage() for r in caplog.records]
    told = [e for e in cluster.events if e["reason"] == "NotMoved"]
    assert [(e["type"], e["regarding"]["name"]) for e in told] == [("Warning", "res-mem")]
    assert "403 a policy says no" in told[0]["note"]
    now += datetime.timedelta(hours=1)
    moving.round()
    assert len([e for e in cluster.events if e["reason"] == "NotMoved"]) == 2


def test_where_no_answer_came_no_event_is_tried() -> None:
    cluster = Cluster(three(), "res-mem", FAILURES[3])
    controller(cluster).round()
    assert [e for e in cluster.events if e["reason"] == "NotMoved"] == []


def test_a_namespace_is_known_by_its_uid() -> None:
    obj = lowered("res-mem", "2025-01-01T00:00:00Z")
    obj["spec"]["stage"] = "enforce"
    obj["status"]["namespaces"][0]["uid"] = "old"
    cluster = Cluster([obj], "", FAILURES[0])
    cluster.uid = "new"
    controller(cluster).round()
    entry = cluster.written[-1]["status"]["namespaces"][0]
    assert (entry["stage"], entry["uid"]) == ("audit", "new")
    cluster.uid = "old"
    controller(cluster).round()
    entry = cluster.written[-1]["status"]["namespaces"][0]
    assert (entry["stage"], entry["uid"]) == ("enforce", "old")
