"""``webhook serve --workers N``: one supervisor and N processes that answer reviews."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.webhook.test_serving_process import CONFIG, Process, ask, started
from tests.support.processes import alive
from tests.support.webhook_rig import body, pod
from webhook.certificates import issue_leaf, new_authority
from webhook.keeper import utc_now

Connection = http.client.HTTPSConnection
LENIENT = CONFIG.replace("enforce", "warn")
BAD = "stages: {namespaces: [{match: inference, default: enforced}]}\n"
DENIED = body(pod("server"))
PATIENCE_SECONDS = 180
"""Processes start; the machine may have other work."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A process with two workers; what tests kill comes back."""
    folder = tmp_path_factory.mktemp("workers")
    with started(folder, "--tls-dir", str(folder / "tls"), "--workers=2") as process:
        yield process


def until(what: str, said: Callable[[], object], process: Process) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not said():
        log = (process.folder / "log").read_text()[-3000:]
        assert time.monotonic() < deadline, f"{what}:\n{log}"
        time.sleep(0.05)


def log_of(process: Process) -> list[dict[str, object]]:
    lines = (process.folder / "log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def metrics(process: Process) -> str:
    url = f"http://127.0.0.1:{process.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def total(text: str, name: str) -> float:
    return sum(map(float, re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.M)))


def all_ready(process: Process, count: int) -> None:
    until(
        f"{count} workers are ready",
        lambda: total(metrics(process), "karb_guard_workers_ready") == count,
        process,
    )


def pids(process: Process) -> dict[int, int]:
    """Worker -> the process that it is now."""
    begun = [line for line in log_of(process) if line["message"] == "worker started"]
    return {int(str(line["worker"])): int(str(line["pid"])) for line in begun}


def one_to_each(process: Process, count: int) -> list[Connection]:
    """A connection to each worker: a new one goes to who has the fewest."""
    all_ready(process, count)
    made = [process.connect() for _ in range(count)]
    for connection in made:
        connection.connect()
    return made


def who_answered(process: Process, uid: str) -> list[object]:
    return [line.get("worker") for line in log_of(process) if line.get("uid") == uid]


def named(uid: str) -> bytes:
    review = json.loads(DENIED)
    review["request"]["uid"] = review["request"]["name"] = uid  # the log spares repetitions
    return json.dumps(review).encode()


def test_connections_are_shared_evenly_and_logs_name_the_worker(two: Process) -> None:
    each = one_to_each(two, 2)
    each += [two.connect() for _ in range(6)]
    for number, connection in enumerate(each):
        assert ask(connection, named(f"share-{number}"))["allowed"] is False
    until("all are logged", lambda: who_answered(two, "share-7"), two)
    answered = Counter(who_answered(two, f"share-{n}")[0] for n in range(8))
    assert answered == {1: 4, 2: 4}, answered
    for connection in each:
        connection.close()


def test_every_worker_switches_to_a_new_configuration_or_none_does(tmp_path: Path) -> None:
    file = tmp_path / "karb-guard.yaml"
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls"), "--workers=2") as process:
        each = one_to_each(process, 2)
        assert [ask(c, DENIED)["allowed"] for c in each] == [False, False]
        file.write_text(LENIENT)
        until(
            "all judge by the new one",
            lambda: all(ask(c, DENIED)["allowed"] for c in each),
            process,
        )
        loaded = metrics(process)
        assert total(loaded, "karb_guard_reloads_total") == 1, "one reload, not one a worker"
        file.write_text(BAD)
        until(
            "the bad one is refused",
            lambda: 'karb_guard_reloads_total{outcome="refused"} 1.0' in metrics(process),
            process,
        )
        assert [ask(c, DENIED)["allowed"] for c in each] == [True, True]
        refused = [line for line in log_of(process) if "refused" in str(line["message"])]
        assert len(refused) == 1, "refused once"
        assert "worker" not in refused[0], "by the supervisor"
        # A worker that starts now must not read the bad file: the last good state is handed over.
        for connection in each:
            connection.close()
        os.kill(pids(process)[1], signal.SIGKILL)
        until("it was missed", lambda: len(log_of(process)) and ended(process), process)
        again = one_to_each(process, 2)
        assert [ask(c, DENIED)["allowed"] for c in again] == [True, True]
        assert process.probe("/readyz") == 200


def ended(process: Process) -> list[dict[str, object]]:
    return [line for line in log_of(process) if line["message"] == "worker ended"]


def test_a_new_certificate_reaches_all_and_drops_no_connection(tmp_path: Path) -> None:
    now = utc_now()
    authority = new_authority(now)
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_bytes(authority.certificate)

    def write() -> None:
        pair = issue_leaf(authority, ["localhost"], now)
        (tmp_path / "tls.crt").write_bytes(pair.certificate)
        (tmp_path / "tls.key").write_bytes(pair.key)

    def serials(count: int) -> set[object]:
        made = [process.connect() for _ in range(count)]
        for connection in made:
            connection.connect()
        found = {connection.sock.getpeercert(binary_form=True) for connection in made}
        for connection in made:
            connection.close()
        return found

    write()
    files = ["--tls-cert", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key")]
    with started(tmp_path, *files, "--workers=2") as process:
        kept = one_to_each(process, 2)
        before = serials(2)
        assert len(before) == 1
        write()
        until("both serve the new one", lambda: not serials(4) & before, process)
        assert [ask(c, DENIED)["allowed"] for c in kept] == [False, False], "kept all the while"


def test_metrics_are_exact_across_workers_and_survive_kill_9(two: Process) -> None:
    name, ends = "karb_guard_reviews_total", "karb_guard_worker_ends_total"
    each = one_to_each(two, 2)
    before = metrics(two)
    counted, ended_before = total(before, name), total(before, ends)
    for turn in range(20):
        ask(each[turn % 2], DENIED)
    text = metrics(two)
    assert total(text, name) == counted + 20
    assert total(text, "karb_guard_review_duration_seconds_count") == counted + 20
    assert 'pid="' not in text, "the same labels as with one process"
    for _ in range(5):
        ask(each[0], DENIED)
    os.kill(pids(two)[1], signal.SIGKILL)  # at once: nobody asked for metrics since
    until("the end is counted", lambda: total(metrics(two), ends) == ended_before + 1, two)
    text = metrics(two)
    assert total(text, name) == counted + 25, "no count is lost, and none goes down"
    assert total(text, ends) == total(text, re.escape(ends) + r'(?=\{cause="killed"\})')
    each = one_to_each(two, 2)
    for connection in each:
        ask(connection, DENIED)
    assert total(metrics(two), name) == counted + 27, "the worker that follows goes on counting"
    each[0].request("GET", "/metrics")  # the port of reviews tells the same, whoever answers there
    assert total(each[0].getresponse().read().decode(), name) == counted + 27


def asked_again(process: Process) -> dict[str, Any]:
    """Ask on a new connection, as API servers do once more when one is reset.

    Those that were handed to a worker in the moment it died are lost (docs/operations.md).
    """
    deadline = time.monotonic() + 5
    while True:
        try:
            return ask(process.connect(), DENIED)
        except OSError:
            assert time.monotonic() < deadline, "connections are reset for seconds"
            time.sleep(0.05)


def test_one_worker_is_enough_and_none_is_not(two: Process) -> None:
    one_to_each(two, 2)
    before = pids(two)
    os.kill(before[2], signal.SIGKILL)
    until("it is gone", lambda: not alive(before[2]), two)  # what it had is lost with it
    for _ in range(20):
        assert asked_again(two)["allowed"] is False
        assert two.probe("/readyz") == 200
    all_ready(two, 2)
    for pid in pids(two).values():
        os.kill(pid, signal.SIGKILL)
    until("not ready without any", lambda: two.probe("/readyz") == 503, two)
    assert two.probe("/healthz") == 200, "the supervisor mends it; a restart would not"
    until("ready again", lambda: two.probe("/readyz") == 200, two)
    assert asked_again(two)["allowed"] is False


def test_drain_answers_everything_on_every_worker(tmp_path: Path) -> None:
    extra = ["--tls-dir", str(tmp_path / "tls"), "--workers=2", "--drain-seconds", "2"]
    with started(tmp_path, *extra) as process:
        one_to_each(process, 2)
        told = threading.Event()
        wrong: list[str] = []
        counts = Counter[str]()

        def load() -> None:
            connection = process.connect()
            while process.popen.poll() is None:
                try:
                    connection.request(
                        "POST", "/validate", DENIED, {"content-type": "application/json"}
                    )
                    answer = connection.getresponse()
                    denied = not json.loads(answer.read())["response"]["allowed"]
                    counts["right" if denied else "admitted"] += 1
                    if answer.getheader("connection") == "close":
                        counts["sent away"] += 1
                        connection.close()
                        if told.is_set() and counts["right"] > 400:
                            return
                except ConnectionRefusedError:
                    return  # the listening socket is closed: nobody was promised an answer
                except (OSError, http.client.HTTPException) as error:
                    wrong.append(repr(error))
                    return

        threads = [threading.Thread(target=load) for _ in range(6)]
        for thread in threads:
            thread.start()
        until("there is load", lambda: counts["right"] > 100, process)
        process.popen.send_signal(signal.SIGTERM)
        told.set()
        assert process.popen.wait(30) == 0
        for thread in threads:
            thread.join(10)
        assert counts["admitted"] == 0
        assert counts["sent away"], "clients go elsewhere while the process drains"
        assert [one for one in wrong if "reset" not in one.lower()] == [], wrong
    lines = log_of(process)
    assert lines[-1]["message"] == "ended"
    assert not [line for line in lines if line["message"] == "worker ended"], (
        "none had to be killed"
    )


def test_a_worker_that_stands_still_is_replaced_and_all_end_with_their_supervisor(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls"), "--workers=2") as process:
        one_to_each(process, 2)
        stopped = pids(process)[1]
        os.kill(stopped, signal.SIGSTOP)
        time.sleep(4)  # it was not heard of for three: it gets no connections
        for number in range(6):
            assert ask(process.connect(), named(f"still-{number}"))["allowed"] is False
        until("it is killed", lambda: not alive(stopped), process)
        all_ready(process, 2)
        assert [line["cause"] for line in ended(process)] in (["silent"], ["feed"])
        workers = list(pids(process).values())
        process.popen.kill()
        process.popen.wait(10)
        until("all are gone", lambda: not any(map(alive, workers)), process)
