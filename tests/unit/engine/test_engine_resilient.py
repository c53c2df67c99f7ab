"""An OPA server that goes away: never an allow, never a wait, and back by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from karb_guard.engine.interface import Answer, Answered, EngineError, NotEvaluated
from karb_guard.engine.resilient import FAILURES, ResilientEngine, begin


class Scripted:
    """Answers what it is told to."""

    name = "opa"

    def __init__(self, cause: str | None = None) -> None:
        self.cause = cause
        self.asked = 0
        self.checks = 0
        self.closed = False

    def evaluate(
        self, group: str, params: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
    ) -> list[Answer]:
        self.asked += len(inputs)
        if self.cause is None:
            return [Answered(()) for _ in inputs]
        return [NotEvaluated(self.cause, "no") for _ in inputs]

    def check(self) -> None:
        self.checks += 1
        if self.cause is not None:
            raise EngineError("still away")

    def close(self) -> None:
        self.closed = True


def judge(engine: ResilientEngine, count: int = 1) -> list[Answer]:
    return engine.evaluate("pods", {}, [{} for _ in range(count)])


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("cause", ["unavailable", "deadline"])
def test_after_failures_in_a_row_the_server_is_left_alone_and_never_an_allow(cause: str) -> None:
    server, told = Scripted(cause), list[str]()
    engine = ResilientEngine(server, None)
    engine.observe = told.append
    answers = judge(engine, 100)
    assert all(isinstance(answer, NotEvaluated) for answer in answers)
    assert server.asked == FAILURES
    assert engine.missing is not None
    assert told.count("away") == 1
    server.cause = None
    assert within(5, lambda: engine.away is None)
    assert told[-1] == "back"
    assert judge(engine) == [Answered(())]
    engine.close()


@pytest.mark.parametrize("cause", ["size", "trap", "memory", "answer"])
def test_what_the_object_is_to_blame_for_says_nothing_about_the_server(cause: str) -> None:
    server, fallback = Scripted(cause), Scripted()
    engine = ResilientEngine(server, fallback)
    answers = judge(engine, 20)
    assert all(isinstance(a, NotEvaluated) and a.cause == cause for a in answers)
    assert (server.asked, fallback.asked) == (20, 0)
    assert engine.away is None


def test_single_failures_open_nothing() -> None:
    server = Scripted()
    engine = ResilientEngine(server, None)
    for _ in range(10):
        for cause in ("unavailable", "unavailable", None):
            server.cause = cause
            judge(engine)
    assert engine.away is None


def test_the_fallback_judges_every_object_meanwhile() -> None:
    server, fallback = Scripted("unavailable"), Scripted()
    engine = ResilientEngine(server, fallback)
    assert judge(engine, 50) == [Answered(())] * 50
    assert fallback.asked == 50
    assert engine.away is not None
    assert engine.missing is None
    engine.close()
    assert server.closed
    assert fallback.closed


def test_nothing_is_sent_before_the_first_answer() -> None:
    server = Scripted("unavailable")
    engine = ResilientEngine(server, None)
    assert begin(engine, lambda _: None) is engine
    assert engine.missing
    judge(engine)
    assert server.asked == 0
    server.cause = None
    assert within(5, lambda: engine.missing is None)
    assert begin(Scripted(), lambda _: None) is None


def test_one_thread_asks_however_many_reviews_fail() -> None:
    engine = ResilientEngine(Scripted("unavailable"), None)
    threads = [threading.Thread(target=judge, args=(engine, 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([t for t in threading.enumerate() if t.name == "opa"]) == 1
    engine.close()
    assert within(10, lambda: not any(t.name == "opa" for t in threading.enumerate()))
