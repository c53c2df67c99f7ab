"""Work that several processes share: nothing is lost, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from audit.workers import Workers
from tests.support.forks import beside_threads, needs_forks
from tests.support.processes import alive, children

pytestmark = [needs_forks, beside_threads]

HERE = os.getpid()


def is_gone(process: int, within: float = 10.0) -> bool:
    """Whether a process ends in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not alive(process):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def all_of(workers: Workers[Any, Any]) -> list[Any]:
    """The results in the order of their tasks; each came once."""
    found = list(workers.results())
    assert sorted(number for number, _ in found) == list(range(len(found)))
    return [result for _, result in sorted(found, key=lambda each: each[0])]


def workers_for(count: int, work: Any, tasks: Sequence[Any]) -> Workers[Any, Any]:
    """Their tasks weigh alike."""
    return Workers(count, work, tasks, [1] * len(tasks))


@pytest.mark.parametrize("others", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_each_task_is_done_once(others: int, count: int, tmp_path: Path) -> None:
    """By several processes, this one among them."""

    def work(task: int) -> tuple[int, int]:
        with (tmp_path / str(task)).open("x"):  # not twice
            time.sleep(0.002)
        return task * task, os.getpid()

    with workers_for(others, work, range(count)) as workers:
        results = all_of(workers)
    assert [square for square, _ in results] == [n * n for n in range(count)]
    assert sorted(int(file.name) for file in tmp_path.iterdir()) == list(range(count))
    if count == 100:
        assert len({process for _, process in results}) == others + 1


def test_tasks_and_answers_larger_than_a_pipe_arrive() -> None:
    tasks = [bytes([number]) * 3_000_000 for number in range(20)]
    with workers_for(2, lambda task: task, tasks) as workers:
        assert all_of(workers) == tasks


def test_workers_begin_with_what_takes_longest_and_this_process_with_the_shortest() -> None:
    weights = [3, 9, 1, 8, 2, 7]

    def work(task: int) -> tuple[int, int]:
        time.sleep(weights[task] / 20)
        return os.getpid(), weights[task]

    with Workers(1, work, range(6), weights) as workers:
        found = [done for _, done in workers.results()]
    assert [weight for process, weight in found if process != HERE][:2] == [9, 8]
    assert [weight for process, weight in found if process == HERE][:3] == [1, 2, 3]


def test_read_only_dictionaries_arrive_as_such() -> None:
    """A finding's detail is one."""

    def work(task: int) -> tuple[int, Any]:
        return os.getpid(), MappingProxyType({"n": task})

    with workers_for(1, work, range(50)) as workers:
        found = all_of(workers)
    assert any(process != HERE for process, _ in found)
    assert [detail for _, detail in found] == [{"n": n} for n in range(50)]
    assert {type(detail) for _, detail in found} == {MappingProxyType}


@pytest.mark.parametrize("lethal", [{0}, {7}, {0, 1, 2, 3}, set(range(40))])
def test_what_a_killed_worker_had_is_done_here(lethal: set[int]) -> None:
    def work(task: int) -> int:
        if task in lethal and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)
        return task

    with workers_for(3, work, range(40)) as workers:
        assert all_of(workers) == list(range(40))


def test_an_answer_that_is_cut_in_the_middle_counts_as_none() -> None:
    def work(task: int) -> bytes:
        if task == 0 and os.getpid() != HERE:
            parent = os.getpid()
            if os.fork() == 0:
                time.sleep(0.2)  # in the middle of its long answer
                os.kill(parent, signal.SIGKILL)
                os._exit(0)
        return b"x" * 50_000_000 if task == 0 else b"y"

    with Workers(1, work, range(3), [3, 2, 1]) as workers:
        stream = workers.results()
        first = next(stream)
        time.sleep(0.5)
        assert sorted([first, *stream]) == [(0, b"x" * 50_000_000), (1, b"y"), (2, b"y")]


class Unreadable:
    """Something that can be written and not be read."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_an_answer_that_can_not_be_read_counts_as_none() -> None:
    def work(task: int) -> Any:
        return task if os.getpid() == HERE else Unreadable()

    with workers_for(2, work, range(20)) as workers:
        assert all_of(workers) == list(range(20))


def test_an_error_is_raised_here_and_ends_the_workers() -> None:
    def work(task: int) -> int:
        if task == 5:
            raise ValueError(f"task {task} in {os.getpid()}")
        return task

    with (
        pytest.raises(ValueError, match=f"task 5 in {HERE}"),
        workers_for(2, work, range(20)) as workers,
    ):
        all_of(workers)


def test_an_error_of_a_worker_alone_is_no_error() -> None:
    def work(task: int) -> int:
        if os.getpid() != HERE:
            raise MemoryError
        return task

    with workers_for(2, work, range(20)) as workers:
        assert all_of(workers) == list(range(20))


def test_results_may_be_left_in_the_middle() -> None:
    def work(task: int) -> int:
        time.sleep(60 if os.getpid() != HERE else 0.01)
        return task

    begun = time.monotonic()
    with workers_for(3, work, range(9)) as workers:
        next(workers.results())
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("allowed", [0, 2])
def test_there_are_fewer_where_the_system_gives_no_more(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    forks, fork = [0], os.fork

    def bounded() -> int:
        forks[0] += 1
        if forks[0] > allowed:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(os, "fork", bounded)
    with workers_for(5, lambda _task: (time.sleep(0.002), os.getpid())[1], range(100)) as workers:
        assert len(set(all_of(workers))) == allowed + 1


def test_whoever_hears_of_no_child_gets_results_all_the_same() -> None:
    """As some supervisors start programs."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with workers_for(2, lambda task: task, range(20)) as workers:
            assert all_of(workers) == list(range(20))
    finally:
        signal.signal(signal.SIGCHLD, before)


INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
"""Shells let what runs in the background ignore Ctrl-C, and so do its children."""
ORPHANS = """
import os, sys, time
from audit.workers import Workers
def work(task):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
here = os.getpid()
with Workers(3, work, range(200), [1] * 200) as workers:
    list(workers.results())
"""


@contextmanager
def started(code: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that leads a group, of which nothing stays."""
    process = subprocess.Popen(
        [sys.executable, *flags, "-c", INTERRUPTIBLE + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(how: signal.Signals) -> None:
    """In the middle of a task, also after a kill -9; Ctrl-C, which all get, is told once."""
    with started(ORPHANS) as process:
        assert process.stdout is not None
        seen: set[int] = set()
        while len(seen) < 4:
            seen.add(int(process.stdout.readline()))
        if how == signal.SIGINT:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        _, told = process.communicate(timeout=30)
        assert all(is_gone(each) for each in seen)
    assert told.count("Traceback") == (how == signal.SIGINT)


INTERRUPTED = """
import signal, threading, time
from audit.workers import Workers
with Workers(40, time.sleep, [60] * 80, [1] * 80) as workers:
    list(workers.results())
"""


def test_ctrl_c_while_they_are_forked_is_told_once() -> None:
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05):
        with started(INTERRUPTED, "-X", "importtime") as process:
            assert process.stderr is not None
            for line in process.stderr:
                if line.rstrip().endswith("| audit.workers"):
                    break
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=30)
        assert told.count("Traceback") == 1, told
        assert "Exception ignored" not in told


SWALLOWED = """
import os
class Noise:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
def fork(self, fork=Workers._fork):
    fork(self)
    Noise()
Workers._fork = fork
"""
"""Ctrl-C while something is deleted, where Python tells of an error and goes on."""


def test_ctrl_c_while_something_is_deleted_is_not_lost() -> None:
    head, _, tail = INTERRUPTED.partition("with ")
    with started(head + SWALLOWED + "with " + tail) as process:
        _, told = process.communicate(timeout=30)
    assert told.count("Traceback") == 1, told
    assert "Exception ignored" not in told
