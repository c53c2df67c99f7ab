"""Processes that do a part of a scan each, and lose none of it.

A worker is a fork: it has all that was listed without a copy of it, and nothing has to be sent
there but the name of what is to be done. Where forking is not safe (macOS, a process with threads)
there are none, and the work is done here.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
AHEAD = 2
"""Tasks that a worker has, so that it need not wait while this process does one of its own."""
GOODBYE_SECONDS = 5.0
"""For a worker to end; one that doesn't is killed."""


def usable_cpus(quota: Path = _QUOTA) -> int:
    """CPUs that this process may use, whatever else the machine has; at least 1.

    ``quota``: what a container may use of them (cgroup v2: ``QUOTA PERIOD`` in microseconds,
    or ``max``).
    """
    only_some = hasattr(os, "sched_getaffinity")  # not on macOS
    cpus = len(os.sched_getaffinity(0)) if only_some else os.cpu_count() or 1
    with suppress(OSError, ValueError, ZeroDivisionError):
        allowed, _, period = quota.read_text().partition(" ")
        cpus = min(cpus, max(1, int(allowed) // int(period)))
    return cpus


def may_fork() -> bool:
    """Whether a fork of this process can go on with its work.

    On macOS the system's libraries break in one; locks that another thread held stay locked.
    """
    return sys.platform == "linux" and threading.active_count() == 1


class Workers(Generic[Task, Result]):
    """Processes that all do the same with different tasks; this one does its share."""

    def __init__(self, others: int, work: Callable[[Task], Result]) -> None:
        """Fork ``others`` processes; ask ``may_fork`` before. Close them at the end."""
        self._work = work
        self._given: dict[Connection, deque[int]] = {}
        self._processes: dict[Connection, BaseProcess] = {}
        context = multiprocessing.get_context("fork")
        for _ in range(others):
            ours, theirs = context.Pipe()
            inherited = [*self._given, ours]
            process = context.Process(
                target=_serve, args=(theirs, inherited, work), name="karb-guard-judge", daemon=True
            )
            process.start()
            theirs.close()
            self._processes[ours] = process
            self._given[ours] = deque()

    def __enter__(self) -> Workers[Task, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for end in list(self._processes):
            self._dismiss(end)

    def results(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """What becomes of each task, in their order; once.

        What a worker fails to do (it was killed, it raised) is done here, where it may raise.
        """
        done: dict[int, Result] = {}
        waiting = deque(range(len(tasks)))
        for end in list(self._given) * AHEAD:
            self._give(end, tasks, waiting)
        for number, task in enumerate(tasks):
            while number not in done and self._is_given(number):
                answered = set(wait(list(self._given), 0 if waiting else None))
                ready = [end for end in self._given if end in answered]
                for end in ready:
                    done |= self._taken(end, tasks, waiting)
                if not ready and waiting:
                    own = waiting.popleft()
                    done[own] = self._work(tasks[own])
            if number in done:
                yield done.pop(number)
                continue
            with suppress(ValueError):
                waiting.remove(number)
            yield self._work(task)

    def _is_given(self, number: int) -> bool:
        return any(number in numbers for numbers in self._given.values())

    def _give(self, end: Connection, tasks: Sequence[Task], waiting: deque[int]) -> None:
        """Let a worker have one more task, if there is any."""
        if not waiting or end not in self._given:
            return
        number = waiting.popleft()
        self._given[end].append(number)
        try:
            end.send_bytes(pickle.dumps(tasks[number]))
        except OSError:
            self._dismiss(end)

    def _taken(
        self, end: Connection, tasks: Sequence[Task], waiting: deque[int]
    ) -> dict[int, Result]:
        """The answer of a worker; nothing where it has none, which is for this process then."""
        try:
            text = end.recv_bytes()
        except (EOFError, OSError):
            self._dismiss(end)
            return {}
        number = self._given[end].popleft()
        self._give(end, tasks, waiting)
        answer = pickle.loads(text)  # noqa: S301 - of a fork of this process
        return {} if answer is None else {number: answer[0]}

    def _dismiss(self, end: Connection) -> None:
        """End a worker, also in the middle of something; what it was given is nobody's."""
        process = self._processes.pop(end)
        del self._given[end]
        end.close()
        process.terminate()
        process.join(GOODBYE_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        process.close()


def _serve(end: Connection, inherited: Sequence[Connection], work: Callable[[Any], Any]) -> None:
    """What a worker does, until its parent closes the pipe or is gone."""
    for other in inherited:
        other.close()  # else a pipe of a parent that is gone would seem to be open for ever
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all: the parent ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(EOFError, OSError):
        while True:
            task = pickle.loads(end.recv_bytes())  # noqa: S301 - of the parent
            try:
                answer = _written((work(task),))
            except Exception:  # noqa: BLE001 - the parent does it again, and meets the error
                answer = _written(None)
            end.send_bytes(answer)


def _written(value: object) -> bytes:
    text = BytesIO()
    _Pickler(text, pickle.HIGHEST_PROTOCOL).dump(value)
    return text.getvalue()


class _Pickler(pickle.Pickler):
    """Takes read-only views of dictionaries, too."""

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, MappingProxyType):
            return _read_only, (dict(obj),)
        return NotImplemented


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """The type has no name by which a pickle could find it."""
    return MappingProxyType(content)
