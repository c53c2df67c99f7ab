"""Lines that repeat are written a few times, then counted; nothing is only ever counted."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from karb_guard.cluster.logs import JsonFormatter, SparingHandler
from karb_guard.cluster.repeats import BURST, INTERVAL_SECONDS, MAX_WINDOWS

Json = dict[str, Any]


class Log:
    """A handler with a clock of the test's, and what it wrote."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stream = io.StringIO()
        self.handler = SparingHandler(self.stream, lambda: self.now)
        self.handler.setFormatter(JsonFormatter())

    def say(self, message: str, level: int = logging.WARNING, **fields: Any) -> None:
        record = logging.LogRecord("karb_guard", level, "", 0, message, None, None)
        record.fields = fields
        self.handler.handle(record)

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def denied(name: str = "llm", uid: str = "u") -> Json:
    return {
        "uid": uid,
        "operation": "CREATE",
        "kind": "/Pod",
        "namespace": "inference",
        "name": name,
        "findings": ["res-mem enforce 1"],
    }


def test_the_first_are_written_and_then_their_number(log: Log) -> None:
    for _ in range(BURST + 32):
        log.say("bad request", cause="json", problem="no JSON")
    assert len(log.lines) == BURST
    log.now = INTERVAL_SECONDS - 1
    log.say("bad request", cause="json", problem="no JSON")
    assert len(log.lines) == BURST
    log.now = INTERVAL_SECONDS + 1
    log.say("bad request", cause="json", problem="no JSON")
    *_, summary, last = log.lines
    assert summary["message"] == "repeated lines"
    assert summary["repeated"] == "bad request"
    assert summary["problem"] == "no JSON"
    assert summary["suppressed"] == 33
    assert summary["level"] == "warning"
    assert last["message"] == "bad request"


def test_another_line_brings_the_number_too_and_what_did_not_repeat_has_none(log: Log) -> None:
    log.say("once")
    for _ in range(BURST + 1):
        log.say("often")
    log.now = INTERVAL_SECONDS + 1
    log.say("later")
    assert [line["message"] for line in log.lines[-2:]] == ["repeated lines", "later"]
    assert sum(line["message"] == "repeated lines" for line in log.lines) == 1


def test_another_problem_is_another_line(log: Log) -> None:
    for number in range(BURST):
        log.say("bad request", problem=f"problem {number}")
        log.say("bad request", problem="the same")
    assert len(log.lines) == 2 * BURST


def test_a_review_is_the_same_by_its_object_and_not_by_its_uid(log: Log) -> None:
    for number in range(BURST + 5):
        log.say("review denied", logging.INFO, **denied(uid=str(number)))
    assert len(log.lines) == BURST
    log.say("review denied", logging.INFO, **denied("another"))
    assert log.lines[-1]["name"] == "another"


def test_what_is_kept_is_bounded_and_each_denied_object_is_still_written_once(log: Log) -> None:
    for number in range(3 * MAX_WINDOWS):
        log.say("bad request", problem=f"made up {number}")
    assert len(log.handler._repeats._windows) <= MAX_WINDOWS + 1
    assert len(log.lines) == MAX_WINDOWS + BURST
    for number in range(100):
        log.say("review denied", logging.INFO, **denied(f"pod-{number}"))
    assert sum(line["message"] == "review denied" for line in log.lines) == 100
    assert len(log.handler._repeats._windows) <= MAX_WINDOWS + 1


def test_debugging_is_never_spared(log: Log) -> None:
    for _ in range(BURST + 5):
        log.say("detail", logging.DEBUG)
    assert len(log.lines) == BURST + 5


def test_at_the_end_of_a_process_the_numbers_are_said() -> None:
    code = (
        "from webhook import logs; import logging; logs.configure('info')\n"
        f"for _ in range({BURST + 7}): logs.log(logging.ERROR, 'again')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(lines) == BURST + 1
    assert lines[-1]["suppressed"] == 7
