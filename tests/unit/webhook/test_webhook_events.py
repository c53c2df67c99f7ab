"""Events behind the reviews' back: bounded, limited, counted; and who is told of a denied Pod."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any, cast

import pytest

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.errors import ClusterError
from tests.support.webhook_rig import Rig, pod, review
from webhook import denials
from webhook import review as reviews
from webhook.events import BURST, MAX_NOTE_BYTES, Recorder, Reference, clip_bytes
from webhook.metrics import Metrics

Json = dict[str, Any]

DEPLOYMENT = Reference("apps/v1", "Deployment", "llm", "inference", "d-1")
REPLICA_SET = Reference("apps/v1", "ReplicaSet", "llm-5d", "inference", "r-1")


class Api:
    """Stands for an API server that may be slow, away or forgetful."""

    def __init__(self) -> None:
        self.created: list[Json] = []
        self.merged: list[Json] = []
        self.gets = 0
        self.error: int | None = None
        self.objects: dict[str, Json] = {}
        self.gate = threading.Event()
        self.gate.set()

    def create(self, path: str, body: Json, timeout: float) -> Json:
        self._answer()
        self.created.append({**body, "path": path})
        return body

    def merge(self, path: str, change: Json, timeout: float) -> Json:
        self._answer()
        self.merged.append({**change, "path": path})
        return change

    def get(self, path: str, timeout: float) -> Json | None:
        self.gets += 1
        return self.objects.get(path)

    def _answer(self) -> None:
        assert self.gate.wait(10)
        if self.error is not None:
            raise ClusterError("no", self.error)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def outcomes(metrics: Metrics) -> dict[str, float]:
    samples = [s for m in metrics.events.collect() for s in m.samples]
    return {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total")}


class Bench:
    def __init__(self, size: int = 100) -> None:
        self.api, self.clock, self.metrics = Api(), Clock(), Metrics()
        client = cast("ClusterClient", self.api)
        self.recorder = Recorder(client, "pod-1", self.metrics, self.clock, size)

    def write(self, *posts: tuple[Reference, str]) -> dict[str, float]:
        for ref, note in posts:
            self.recorder.post(ref, "PodDenied", note)
        self.recorder.start()
        self.recorder.stop(10)
        return outcomes(self.metrics)


def test_a_repetition_becomes_a_series_of_the_first() -> None:
    bench = Bench()
    assert bench.write(*[(DEPLOYMENT, "a")] * 3, (DEPLOYMENT, "b")) == {"written": 2, "series": 2}
    assert [e["note"] for e in bench.api.created] == ["a", "b"]
    assert [e["series"]["count"] for e in bench.api.merged] == [2, 3]


def test_an_object_has_a_burst_and_then_what_time_gives_back() -> None:
    bench = Bench()
    posts = [(DEPLOYMENT, str(n)) for n in range(BURST + 5)]
    assert bench.write(*posts, (REPLICA_SET, "x")) == {"written": BURST + 1, "rate-limited": 5}
    assert not bench.recorder._allowed(DEPLOYMENT)
    bench.clock.now += 61
    assert bench.recorder._allowed(DEPLOYMENT)
    assert not bench.recorder._allowed(DEPLOYMENT)


def test_invented_owners_share_one_limit() -> None:
    bench = Bench(size=1000)
    posts = [(Reference("v1", "X", f"x{n}", "a", str(n)), "a") for n in range(500)]
    found = bench.write(*posts)
    assert found["written"] == 200
    assert found["rate-limited"] == 300


def test_a_full_queue_drops_and_counts_and_never_waits() -> None:
    bench = Bench(size=5)
    bench.api.gate.clear()
    bench.recorder.start()
    started = time.monotonic()
    for n in range(100):
        bench.recorder.post(DEPLOYMENT, "PodDenied", str(n))
    assert time.monotonic() - started < 1
    assert outcomes(bench.metrics)["queue-full"] >= 94
    bench.api.gate.set()
    bench.recorder.stop(10)


def test_an_api_server_that_refuses_ends_nothing() -> None:
    bench = Bench()
    bench.api.error = 403
    assert bench.write((DEPLOYMENT, "a"), (DEPLOYMENT, "b")) == {"failed": 2}


def test_a_series_whose_event_is_gone_begins_anew() -> None:
    bench = Bench()
    bench.recorder.post(DEPLOYMENT, "PodDenied", "a")
    bench.recorder._tell(cast("Any", bench.recorder._queue.get()))
    bench.recorder.post(DEPLOYMENT, "PodDenied", "a")
    event = cast("Any", bench.recorder._queue.get())

    def gone(*_: Any) -> Json:
        raise ClusterError("gone", 404)

    bench.api.merge = gone  # type: ignore[method-assign]
    bench.recorder._tell(event)
    assert len(bench.api.created) == 2


def test_a_deployment_is_told_with_its_replica_set_and_looked_up_once() -> None:
    bench = Bench()
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm", "uid": "d-1"}
    found = {"metadata": {"uid": "r-1", "ownerReferences": [{**owner, "controller": True}]}}
    bench.api.objects["/apis/apps/v1/namespaces/inference/replicasets/llm-5d"] = found
    for note in ("a", "b"):
        bench.recorder.post(REPLICA_SET, "PodDenied", note, owners=True)
    bench.write()
    told = [e["regarding"]["kind"] for e in bench.api.created]
    assert told == ["ReplicaSet", "Deployment"] * 2
    assert bench.api.gets == 1


def test_a_made_up_reference_leads_to_nobody_else() -> None:
    bench = Bench()
    found = {"metadata": {"uid": "another"}}
    bench.api.objects["/apis/apps/v1/namespaces/inference/replicasets/llm-5d"] = found
    bench.recorder.post(REPLICA_SET, "PodDenied", "a", owners=True)
    bench.write()
    assert [e["regarding"]["uid"] for e in bench.api.created] == ["r-1"]


@pytest.mark.parametrize("text", ["a" * 2000, "ä" * 2000, "x" + "😀" * 700, "\ud800" * 3000])
def test_notes_are_cut_to_what_the_api_server_takes(text: str) -> None:
    cut = clip_bytes(text, MAX_NOTE_BYTES)
    assert 1000 <= len(cut.encode()) <= MAX_NOTE_BYTES
    assert clip_bytes("short", MAX_NOTE_BYTES) == "short"


class Told:
    def __init__(self) -> None:
        self.posts: list[tuple[Reference, str]] = []

    def post(
        self, ref: Reference, reason: str, note: str, type_: str = "", owners: bool = False
    ) -> None:
        assert reason == denials.REASON
        assert owners
        self.posts.append((ref, note))


def told_of(obj: Json, **changes: Any) -> list[tuple[Reference, str]]:
    rig, told = Rig(), Told()
    rig.service.events = told
    parsed = reviews.parse(json.dumps(review(obj, **changes)).encode(), "application/json")
    asyncio.run(rig.service.answer(parsed))
    return told.posts


OWNER = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "llm-5d",
    "uid": "r-1",
    "controller": True,
}


def test_the_controller_of_a_denied_pod_is_told_what_is_wrong() -> None:
    ((ref, note),) = told_of(pod("server", ownerReferences=[OWNER]))
    assert ref == REPLICA_SET
    assert "KARB-TEST-001 res-mem: container server has no memory limit" in note
    assert "llm (" not in note


def test_whoever_is_not_denied_or_only_tried_is_told_nothing() -> None:
    owned = pod("server", ownerReferences=[OWNER])
    assert told_of(owned, dryRun=True) == []
    assert told_of(pod("server", limit="1Gi", ownerReferences=[OWNER])) == []
    assert told_of(pod("server")) == []


@pytest.mark.parametrize(
    "references",
    [
        "x",
        [1],
        [{"controller": True}],
        [{**OWNER, "controller": "yes"}],
        [{**OWNER, "uid": 3}],
        [{**OWNER, "apiVersion": "v1", "kind": "Node"}],
    ],
)
def test_references_of_any_shape_end_nothing(references: Any) -> None:
    assert told_of(pod("server", ownerReferences=references)) == []
