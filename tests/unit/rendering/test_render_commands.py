"""Commands are bounded, offline, and judged by their exit code alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from karb_guard.rendering.commands import (
    MAX_MESSAGE,
    Done,
    RenderLimits,
    failure,
    find,
    notes,
    offline,
    run,
)

LIMITS = RenderLimits(seconds=20)


def sh(script: str, limits: RenderLimits = LIMITS) -> Done:
    return run(["/bin/sh", "-c", script], limits)


def test_words_on_stderr_are_no_failure() -> None:
    done = sh("echo out; echo WARNING: error failed >&2")
    assert not done.failed
    assert (done.stdout, done.stderr) == (b"out\n", "WARNING: error failed\n")


def test_an_exit_code_is_a_failure_whatever_was_written() -> None:
    done = sh("echo out; exit 3")
    assert done.failed
    assert "failed (3): no message" in failure(done, "x", "place", "").message


def test_a_command_is_stopped_after_its_time_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    started = time.monotonic()
    done = sh(f"(sleep 2; touch {mark}) & sleep 60", RenderLimits(seconds=0.3))
    assert time.monotonic() - started < 5
    assert done.stopped == "it took more than 0.3 seconds"
    time.sleep(2.2)
    assert not mark.exists()


def test_a_child_that_keeps_the_output_open_does_not_block_us() -> None:
    started = time.monotonic()
    done = sh("sleep 30 & echo out", RenderLimits(seconds=0.5))
    assert time.monotonic() - started < 5
    assert done.stopped == "its output did not end within 0.5 seconds"


def test_too_much_output_stops_the_command() -> None:
    done = sh("yes | head -c 5000000; sleep 30", RenderLimits(seconds=20, output_bytes=1_000_000))
    assert done.stopped == "it wrote more than 1000000 bytes"
    assert len(done.stdout) <= 1_000_000


def test_output_up_to_the_bound_is_taken() -> None:
    done = sh("head -c 1000 /dev/zero", RenderLimits(output_bytes=1000))
    assert not done.failed
    assert len(done.stdout) == 1000


def test_much_of_stderr_is_dropped_and_blocks_nothing() -> None:
    done = sh("yes warning | head -c 3000000 >&2; echo out")
    assert done.stdout == b"out\n"
    assert len(done.stderr) == LIMITS.stderr_bytes


def test_standard_input_is_closed() -> None:
    assert sh("cat").stdout == b""


def test_a_command_that_does_not_start_is_no_crash(tmp_path: Path) -> None:
    done = run([str(tmp_path / "missing")])
    assert done.failed
    assert "does not start: No such file" in str(done.stopped)


def test_the_environment_reaches_no_other_machine() -> None:
    found = offline({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "*", "HOME": "/home/a"})
    assert found["HTTPS_PROXY"] == found["https_proxy"] == "http://127.0.0.1:9"
    assert found["NO_PROXY"] == found["no_proxy"] == ""
    assert found["KUBECONFIG"] == os.devnull
    assert found["HOME"] == "/home/a"


def test_git_clones_nothing_over_a_network() -> None:
    if find("git") is None:
        pytest.skip("git is not installed")
    done = sh("git ls-remote https://127.0.0.1:1/x.git")
    assert done.failed
    assert "not allowed" in done.stderr


def test_notes_are_bounded_and_the_rest_is_counted() -> None:
    done = Done(0, b"", "\n".join(["  a  ", "", *"bcdef"]))
    assert notes(done, "helm", "chart", RenderLimits(notes=2)) == (
        "chart: helm says: a",
        "chart: helm says: b",
        "chart: helm says 4 more lines",
    )
    assert notes(Done(0, b"", " \n"), "helm", "chart", LIMITS) == ()


def test_a_failure_says_the_commands_own_words_on_one_line() -> None:
    problem = failure(Done(1, b"", "Error: a\n\n  b\n"), "helm template", "chart", "mend it")
    assert problem.message == "`helm template` failed (1): Error: a; b"
    assert (problem.file, problem.remedy) == ("chart", "mend it")
    long = failure(Done(1, b"", "x" * 10_000), "helm", "chart", "")
    assert len(long.message) < MAX_MESSAGE + 100


def test_the_first_command_on_path_is_found(tmp_path: Path, monkeypatch) -> None:
    for name in ("two", "three"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find("one", "two", "three") == str(tmp_path / "two")
    assert find("one") is None
