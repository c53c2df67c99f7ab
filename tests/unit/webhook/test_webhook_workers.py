"""What supervisor and workers say to each other, what workers are fed, how counts are summed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from karb_guard.assembly import Choices, assemble
from karb_guard.assembly.transfer import pack, unpack
from tests.support.controlplane import free_port
from webhook import loading
from webhook.workers import feed, frames, messages, samples
from webhook.workers.door import Door
from webhook.workers.feed import Sent, State
from webhook.workers.messages import Away, BreakGlass, Items, Known, Order, Report
from webhook.workers.pool import Pool, PoolMetrics

Keyed = dict[tuple[str, str], Any]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(5)
        other.settimeout(5)
        yield one, other


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3 << 20])
def test_frames_arrive_whole(pair: Pair, size: int) -> None:
    body = os.urandom(size)
    sending = threading.Thread(target=frames.send, args=(pair[0], body))
    sending.start()
    assert frames.receive(pair[1]) == body
    sending.join()
    pair[0].close()
    assert frames.receive(pair[1]) is None, "the end"


def test_frames_have_a_bound_both_ways(pair: Pair) -> None:
    with pytest.raises(frames.FrameError, match="at most"):
        frames.send(pair[0], b"x" * (frames.MAX_BYTES + 1))
    pair[0].sendall((frames.MAX_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(frames.FrameError, match="at most"):
        frames.receive(pair[1])


@pytest.mark.parametrize("cut", [1, 3, 4, 6])
def test_an_end_within_a_frame_is_no_message(pair: Pair, cut: int) -> None:
    pair[0].sendall((b"\0\0\0\x05hello")[:cut])
    pair[0].close()
    with pytest.raises(frames.FrameError, match="ended within"):
        frames.receive(pair[1])


def test_whoever_does_not_read_is_noticed(pair: Pair) -> None:
    pair[0].settimeout(0.2)
    with pytest.raises(TimeoutError):
        frames.send(pair[0], b"x" * (8 << 20))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"kind": "alive", "taken": -1}',
        b'{"kind": "alive", "taken": true}',
        b'{"kind": 1}',
        b'{"kind": "event", "event": []}',
        b'{"kind": "ready", "more": 1}',
        b'{"kind": "ask", "text": "%s"}' % (b"x" * (messages.MAX_TEXT + 1)),
    ],
)
def test_reports_that_nobody_can_mean_are_refused(body: bytes) -> None:
    with pytest.raises(messages.ReportError):
        messages.read_report(body)


def test_reports_come_back_as_they_were() -> None:
    report = Report(messages.EVENT, 3, 4, 5, 6, "text", {"reason": "PodDenied"})
    assert messages.read_report(messages.report_bytes(report)) == report


class Copy:
    """What a worker has after it took the orders."""

    def __init__(self) -> None:
        self.items: Keyed = {}
        self.orders: list[Order] = []

    def take(self, sent: Sent) -> None:
        for order in sent.news():
            again = messages.read_order(messages.order_bytes(order))
            self.orders.append(again)
            if isinstance(again, Items):
                assert len(again.changed) + len(again.gone) <= feed.BATCH
                self.items.update(again.changed)
                for key in again.gone:
                    del self.items[key]


_KEYS = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["x", "y", "z"]))
_MAPS = st.dictionaries(_KEYS, st.dictionaries(st.sampled_from("kl"), st.sampled_from("12")))


@given(st.lists(_MAPS, max_size=8), st.sets(st.integers(0, 8)))
def test_a_worker_has_the_newest_state_whenever_it_reads(
    states: list[Keyed], reads: set[int]
) -> None:
    state, now = State(), {}
    state.collections["waivers"] = lambda: now
    sent, copy = Sent(state), Copy()
    for number, after in enumerate(states):
        now = after
        state.changed("waivers")
        if number in reads:
            copy.take(sent)
            assert copy.items == after
    copy.take(sent)
    assert copy.items == now
    quiet = len(copy.orders)
    copy.take(sent)
    assert len(copy.orders) == quiet, "nothing is sent twice"


def test_messages_are_bounded_whatever_a_collection_holds() -> None:
    state = State()
    labels: Keyed = {("", f"ns-{n}"): {"team": "x" * 60} for n in range(1201)}
    waivers: Keyed = {("ns", f"w-{n}"): {"spec": {"reason": "y" * 300_000}} for n in range(9)}
    state.collections["namespaces"] = lambda: labels
    state.collections["waivers"] = lambda: waivers
    sent, copy = Sent(state), Copy()
    copy.take(sent)
    assert copy.items == {**labels, **waivers}
    assert all(len(messages.order_bytes(o)) < 2 << 20 for o in copy.orders)
    assert len(copy.orders) == 3 + 3
    labels.clear()
    state.changed("namespaces")
    copy.take(sent)
    assert copy.items == waivers


def test_break_glass_and_drain_are_news_once() -> None:
    state = State()
    data = {"state": "on"}
    state.broken, state.away = lambda: data, lambda: True
    sent = Sent(state)
    assert list(sent.news()) == [BreakGlass(data), Away(True)]
    assert list(sent.news()) == []
    state.broken = lambda: None
    assert list(sent.news()) == [BreakGlass(None)]


def test_a_collection_is_known_only_with_its_items() -> None:
    state = State()
    items: Keyed = {}
    known: dict[str, bool] = {"waivers": False}
    state.collections["waivers"], state.known = lambda: items, lambda: dict(known)
    sent = Sent(state)
    assert list(sent.news()) == [Known({"waivers": False})]
    news = sent.news()
    items["ns", "w"] = {"spec": 1}
    state.changed("waivers")
    assert next(news) == Items("waivers", {("ns", "w"): {"spec": 1}})
    known["waivers"] = True  # while the items are on their way: told the next time
    assert list(news) == []
    assert list(sent.news()) == [Known({"waivers": True})]


def test_whoever_feeds_is_woken_until_it_leaves() -> None:
    state, bell = State(), threading.Event()
    state.listen(bell)
    state.changed("waivers")
    assert bell.is_set()
    bell.clear()
    state.leave(bell)
    state.ring()
    assert not bell.is_set()


def test_a_guard_that_is_handed_over_judges_alike_without_its_files(tmp_path: Path) -> None:
    file = tmp_path / "karb-guard.yaml"
    file.write_text("stages: {default: {error: enforce}}\nseverity: {res-mem: info}\n")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
    pod["spec"] = {"containers": [{"name": "c", "image": "x"}]}
    with assemble(Choices(file)) as guard:
        data = pack(guard)
        file.write_text("no: configuration\n")
        with unpack(data) as other:
            assert loading.digest_of(other) == loading.digest_of(guard)
            ours, theirs = guard.evaluator.evaluate([pod]), other.evaluator.evaluate([pod])
            assert ours == theirs
            assert ours[0].findings


COUNT = """
import os, sys
from webhook.workers import samples
samples.count_as(int(sys.argv[1]))
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
registry = CollectorRegistry()
Counter("reviews", "d", ("kind",), registry=registry).labels(sys.argv[2]).inc(int(sys.argv[3]))
Histogram("seconds", "d", buckets=(1, 2), registry=registry).observe(1.5)
Gauge("ready", "d", registry=registry).set(7)
os.kill(os.getpid(), 9)
"""


def count(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, samples.DIRECTORY_VARIABLE: str(folder)}
    command = [sys.executable, "-c", COUNT, *arguments]
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == -9


def test_counts_of_killed_processes_are_summed_and_never_go_down(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Counter("reviews", "d", ("kind",), registry=registry).labels("Pod").inc(100)
    Histogram("seconds", "d", buckets=(1, 2), registry=registry).observe(0.5)
    Gauge("ready", "d", registry=registry).set(1)

    def sampled() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        text = samples.render(registry, tmp_path).decode()
        families = list(text_string_to_metric_families(text))
        assert len({f.name for f in families}) == len(families), "each family is told once"
        return {(s.name, tuple(s.labels.items())): s.value for f in families for s in f.samples}

    alone = sampled()
    count(tmp_path, "1", "Pod", "3")
    count(tmp_path, "2", "Job", "4")
    count(tmp_path, "1", "Pod", "5")
    found = sampled()
    assert found["reviews_total", (("kind", "Pod"),)] == 108
    assert found["reviews_total", (("kind", "Job"),)] == 4
    assert found["seconds_count", ()] == 4
    assert found["seconds_sum", ()] == 0.5 + 3 * 1.5
    assert found["seconds_bucket", (("le", "1.0"),)] == 1
    assert found["seconds_bucket", (("le", "2.0"),)] == 4
    assert found["seconds_bucket", (("le", "+Inf"),)] == 4
    assert found["ready", ()] == 1, "gauges are the supervisor's"
    assert {name for name, _ in found} == {name for name, _ in alone}
    assert len(list(tmp_path.glob("*_1.db"))) == 3, "one set of files a worker, however often"


def test_folders_of_killed_supervisors_are_removed_and_those_of_others_stay(
    tmp_path: Path,
) -> None:
    left = tmp_path / "karb-guard-metrics-left"
    left.mkdir()
    (left / ".lock").touch()
    with samples.directory(2, [tmp_path]) as one:
        assert not left.exists()
        with samples.directory(2, [tmp_path]) as other:
            assert one != other
            assert one.is_dir()
        assert not other.exists()
    assert list(tmp_path.iterdir()) == []


def test_counts_are_not_kept_where_there_is_no_room(tmp_path: Path) -> None:
    nowhere, last = tmp_path / "missing", tmp_path
    with samples.directory(2, [nowhere, last]) as made:
        assert made.parent == last
    with samples.directory(1 << 40, [tmp_path / "also", last]) as made:
        assert made.parent == last, "the last one, whatever it has"
    (tmp_path / "small").mkdir()
    with samples.directory(1 << 40, [tmp_path / "small", last]) as made:
        assert made.parent == last, "no file system has room for so many"


def pool_of(registry: CollectorRegistry) -> Pool:
    def never(*_: object) -> Any:
        raise OSError("no process can be started")

    return Pool(2, never, b"", (State(), {}), PoolMetrics(registry), lambda *_: None)


def test_a_pool_that_can_start_nothing_says_so_and_goes_on() -> None:
    registry = CollectorRegistry()
    pool = pool_of(registry)
    with pool.running():
        assert pool.missing() == "none of 2 workers answers; the log says why"
        assert registry.get_sample_value("karb_guard_workers_ready") == 0
        assert pool.choose() == []
        pool.prepare(b"new")
        pool.commit()
        assert pool.generation == 2, "nobody is against it; workers begin with it"


def test_a_port_that_is_taken_is_named() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Exception, match=f"127.0.0.1 port {port}: Address already in use"):
            Door("127.0.0.1", port, pool_of(CollectorRegistry()))


def test_nothing_is_accepted_before_a_worker_answers() -> None:
    port = free_port()
    door = Door("127.0.0.1", port, pool_of(CollectorRegistry()))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    door._socket.close()
