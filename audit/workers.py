"""Processes that do a part of a scan each, and lose none of it.

A worker is a fork: it has all that was listed, and its tasks, without a copy of them. Where forking
is not safe (macOS, a process with threads) there are none, and the work is done here.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Tasks that a worker has, so that it need not wait while this process does one of its own."""
GOODBYE_SECONDS = 5.0
"""For a worker to end; one that doesn't is killed."""
_NUMBER_BYTES = 8
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Workers(Generic[Task, Result]):
    """Processes that all do the same with different tasks; this one does its share."""

    def __init__(
        self,
        count: int,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        weights: Sequence[int],
    ) -> None:
        """``count`` of them besides this process; ask ``may_fork`` before.

        ``weights``: how long each task takes, in any unit. Workers begin with the longest, and this
        process with the shortest: they would have nothing to do while it has a long one.
        """
        self._count, self._work, self._tasks = count, work, tasks
        longest_first = sorted(range(len(tasks)), key=weights.__getitem__, reverse=True)
        self._waiting = deque(longest_first)
        self._lost: deque[int] = deque()
        self._given: dict[Connection, deque[int]] = {}
        self._processes: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Workers[Task, Result]:
        """Fork them. Where the system gives no more processes, there are fewer."""
        try:
            with _ctrl_c_waits(), suppress(OSError):
                for _ in range(self._count):
                    self._fork()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in list(self._processes):
            self._dismiss(pipe)

    def results(self) -> Iterator[tuple[int, Result]]:
        """The number of each task, and what became of it, as they are done: each once.

        What a worker fails to do (it was killed, it raised) is done here, where it may raise.
        """
        for pipe in list(self._given) * AHEAD:
            self._give(pipe)
        while self._waiting or self._lost or any(self._given.values()):
            idle = not self._waiting and not self._lost
            answered = set(wait(list(self._given), None if idle else 0))
            for pipe in [pipe for pipe in self._given if pipe in answered]:
                yield from self._taken(pipe)
            if not answered and not idle:
                number = self._lost.popleft() if self._lost else self._waiting.pop()
                yield number, self._work(self._tasks[number])

    def _fork(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        try:
            process = context.Process(
                target=_serve,
                args=(theirs, [*self._given, ours], os.getpid(), self._work, self._tasks),
                name="karb-guard-judge",
                daemon=True,
            )
            process.start()
            self._processes[ours] = process
            self._given[ours] = deque()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def _give(self, pipe: Connection) -> None:
        """Let a worker that is there have one more task, if there is any."""
        if not self._waiting or pipe not in self._given:
            return
        number = self._waiting.popleft()
        self._given[pipe].append(number)
        try:
            pipe.send_bytes(number.to_bytes(_NUMBER_BYTES))
        except OSError:
            self._dismiss(pipe)

    def _taken(self, pipe: Connection) -> Iterator[tuple[int, Result]]:
        """The answer of a worker, which gets its next task; none where it has none."""
        try:
            text = pipe.recv_bytes()
        except (EOFError, OSError):
            self._dismiss(pipe)
            return
        number = self._given[pipe].popleft()
        self._give(pipe)
        try:
            (result,) = pickle.loads(text)  # noqa: S301 - of a fork of this process
        except Exception:  # noqa: BLE001 - then it is done here
            self._lost.append(number)
        else:
            yield number, result

    def _dismiss(self, pipe: Connection) -> None:
        """End a worker, also in the middle of something; what it was given is lost."""
        process = self._processes.pop(pipe)
        self._lost.extend(self._given.pop(pipe))
        pipe.close()
        process.terminate()
        process.join(GOODBYE_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        with suppress(ValueError):  # whoever ignores SIGCHLD never hears of its end
            process.close()


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """A child that is not ready for it would print a trace, a ``__del__`` of ours would lose it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(
    pipe: Connection,
    inherited: Sequence[Connection],
    parent: int,
    work: Callable[[Any], Any],
    tasks: Sequence[Any],
) -> None:
    """What a worker does, until its parent closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all: the parent ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # in the middle of a task, too
    if os.getppid() != parent:
        return
    for other in inherited:
        other.close()  # else a pipe of a parent that is gone would seem to be open for ever
    with suppress(EOFError, OSError):
        while True:
            number = int.from_bytes(pipe.recv_bytes(_NUMBER_BYTES))
            try:
                answer = _written((work(tasks[number]),))
            except Exception:  # noqa: BLE001 - the parent does it again, and meets the error
                answer = b""
            pipe.send_bytes(answer)


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
