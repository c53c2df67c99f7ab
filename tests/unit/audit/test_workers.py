"""Work that several processes share: nothing is lost, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from audit.workers import Workers, may_fork, usable_cpus

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux only"),
    # Of Python 3.12 and newer; pytest-xdist's processes have a thread, which holds no lock of ours.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

HERE = os.getpid()


def is_gone(process: int, within: float = 10.0) -> bool:
    """Whether a process ends in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def children() -> set[int]:
    """Processes that this one started and that still run."""
    text = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return {int(each) for each in text.split()}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


@pytest.mark.parametrize("others", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_each_task_is_done_once_and_in_order(others: int, count: int, tmp_path: Path) -> None:
    """By several processes, this one among them."""

    def work(task: int) -> tuple[int, int]:
        with (tmp_path / str(task)).open("x"):  # not twice
            time.sleep(0.002)
        return task * task, os.getpid()

    with Workers(others, work) as workers:
        results = list(workers.results(range(count)))
    assert [square for square, _ in results] == [n * n for n in range(count)]
    assert sorted(int(file.name) for file in tmp_path.iterdir()) == list(range(count))
    if count == 100:
        assert len({process for _, process in results}) == others + 1


def test_answers_larger_than_a_pipe_arrive() -> None:
    with Workers(2, lambda task: bytes([task]) * 3_000_000) as workers:
        found = list(workers.results(range(20)))
    assert [(len(each), each[0]) for each in found] == [(3_000_000, n) for n in range(20)]


def test_read_only_dictionaries_arrive_as_such() -> None:
    """A finding's detail is one."""

    def work(task: int) -> tuple[int, Any]:
        return os.getpid(), MappingProxyType({"n": task})

    with Workers(1, work) as workers:
        found = list(workers.results(range(50)))
    assert any(process != HERE for process, _ in found)
    assert [detail for _, detail in found] == [{"n": n} for n in range(50)]
    assert {type(detail) for _, detail in found} == {MappingProxyType}


@pytest.mark.parametrize("lethal", [{0}, {7}, {0, 1, 2, 3}, set(range(40))])
def test_what_a_killed_worker_had_is_done_here(lethal: set[int]) -> None:
    """As by the kernel, when memory runs out."""

    def work(task: int) -> int:
        if task in lethal and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)
        return task

    with Workers(3, work) as workers:
        assert list(workers.results(range(40))) == list(range(40))


def test_an_answer_that_is_cut_in_the_middle_counts_as_none() -> None:
    def work(task: int) -> bytes:
        if task == 1 and os.getpid() != HERE:
            parent = os.getpid()
            if os.fork() == 0:
                time.sleep(0.2)  # in the middle of its long answer
                os.kill(parent, signal.SIGKILL)
                os._exit(0)
        return b"x" * 50_000_000 if task == 1 else b"y"

    with Workers(1, work) as workers:
        stream = workers.results(range(2))
        first = next(stream)
        time.sleep(0.5)
        assert [first, *stream] == [b"y", b"x" * 50_000_000]


def test_an_error_is_raised_here_and_ends_the_workers() -> None:
    def work(task: int) -> int:
        if task == 5:
            raise ValueError(f"task {task} in {os.getpid()}")
        return task

    seen = []
    with pytest.raises(ValueError, match=f"task 5 in {HERE}"), Workers(2, work) as workers:
        seen.extend(workers.results(range(20)))
    assert seen in [list(range(count)) for count in range(6)]  # nothing after it


def test_an_error_of_a_worker_alone_is_no_error() -> None:
    def work(task: int) -> int:
        if os.getpid() != HERE:
            raise MemoryError
        return task

    with Workers(2, work) as workers:
        assert list(workers.results(range(20))) == list(range(20))


def test_results_may_be_left_in_the_middle() -> None:
    def work(task: int) -> int:
        time.sleep(0.01 if task < 3 else 60)
        return task

    begun = time.monotonic()
    with Workers(3, work) as workers:
        assert next(workers.results(range(3))) == 0
    assert time.monotonic() - begun < 10


ORPHANS = """
import os, sys, time
from audit.workers import Workers
def work(task):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(0.05 if os.getpid() != here else 60)
here = os.getpid()
with Workers(3, work) as workers:
    list(workers.results(range(200)))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(how: signal.Signals) -> None:
    """Also after a kill -9; Ctrl-C, which all get, is told once."""
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHANS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    seen: set[int] = set()
    while len(seen) < 4:
        seen.add(int(process.stdout.readline()))
    if how == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, how)
    _, told = process.communicate(timeout=30)
    assert all(is_gone(each) for each in seen)
    assert told.count("Traceback") == (0 if how == signal.SIGKILL else 1)


def test_a_process_with_threads_does_not_fork() -> None:
    assert may_fork() == (threading.active_count() == 1)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not may_fork()
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("quota", "allowed"),
    [
        ("max 100000", None),
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("199999 100000", 1),
        ("", None),
        ("0 0", None),
        ("nonsense", None),
    ],
)
def test_a_container_has_the_cpus_that_it_is_allowed(
    quota: str, allowed: int | None, tmp_path: Path
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    every = len(os.sched_getaffinity(0))
    assert usable_cpus(file) == (every if allowed is None else allowed)
    assert usable_cpus(tmp_path / "none") == every
