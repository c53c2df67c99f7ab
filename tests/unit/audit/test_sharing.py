"""Which namespaces are judged together, and by how many processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import sharing
from audit.sharing import (
    PART_BYTES,
    WORTH_BYTES,
    Share,
    may_fork,
    share,
    usable_cpus,
)
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.opa_server import OpaServerEngine
from karb_guard.engine.resilient import ResilientEngine
from tests.support.forks import needs_forks


def names(part: Sequence[str]) -> Sequence[str]:
    return part


@given(st.lists(st.integers(1, 3 * PART_BYTES)))
def test_each_namespace_is_in_one_part_and_no_part_is_large_but_by_one(weights: list[int]) -> None:
    made = share({f"ns-{number}": weight for number, weight in enumerate(weights)}, names)
    assert [name for part in made.parts for name in part] == [
        f"ns-{n}" for n in range(len(weights))
    ]
    assert sum(made.weights) == sum(weights)
    assert len(made.parts) == len(made.weights)
    of = {f"ns-{number}": weight for number, weight in enumerate(weights)}
    for part, weight in zip(made.parts, made.weights, strict=True):
        assert weight == sum(of[name] for name in part)
        assert weight - of[part[-1]] < PART_BYTES


@pytest.mark.parametrize(
    ("jobs", "parts", "weight", "processes"),
    [
        (4, 100, 100 * WORTH_BYTES, 4),
        (4, 3, 100 * WORTH_BYTES, 3),
        (1, 100, 100 * WORTH_BYTES, 1),
        (4, 128, 2 * WORTH_BYTES, 2),
        (4, 128, 2 * WORTH_BYTES - 128, 1),
        (4, 0, 0, 1),
    ],
)
def test_a_process_more_is_for_enough_to_do(
    jobs: int, parts: int, weight: int, processes: int
) -> None:
    made = Share([["ns"]] * parts, [weight // parts] * parts if parts else [], names)
    assert made.processes(jobs) == processes


SHARED = """
import os, sys
from audit.sharing import WORTH_BYTES, share
here = os.getpid()
shared = share({f"ns-{n}": WORTH_BYTES for n in range(9)}, lambda part: (part, os.getpid() == here))
ready = []
with shared.judged(int(sys.argv[1]), lambda: ready.append(True)) as results:
    found = dict(results)
assert [found[n][0] for n in range(9)] == [[f"ns-{n}"] for n in range(9)]
print(len(ready), all(own for _, own in found.values()))
"""


@pytest.mark.parametrize(("jobs", "said"), [("1", "0 True"), ("3", "1 False")])
def test_other_processes_are_asked_where_they_may(jobs: str, said: str) -> None:
    """In a process of its own, which has no thread."""
    done = subprocess.run(
        [sys.executable, "-c", SHARED, jobs], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == (said if sys.platform == "linux" else "0 True")


def test_without_forks_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "may_fork", lambda: False)
    made = share({f"ns-{n}": WORTH_BYTES for n in range(9)}, lambda part: (part, os.getpid()))
    with made.judged(4, pytest.fail) as results:
        found = dict(results)
    assert {process for _, process in found.values()} == {os.getpid()}
    assert len(found) == 9


def test_only_an_engine_without_connections_may_fork() -> None:
    assert EmbeddedEngine.may_fork
    assert not OpaServerEngine.may_fork
    assert not ResilientEngine(OpaServerEngine.__new__(OpaServerEngine), None).may_fork


@needs_forks
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


@needs_forks
@pytest.mark.parametrize(
    ("quota", "allowed"),
    [
        ("max 100000", 6),
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("199999 100000", 1),
        ("200000 100000", 2),
        ("450000 100000", 4),
        ("900000 100000", 6),
        ("", 6),
        ("0 0", 6),
        ("nonsense", 6),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        ("0::/", "cpu.max"),
        ("0::/a/b", "a/b/cpu.max"),
        ("0::/a/b", "a/cpu.max"),
        ("1:cpu:/x\n0::/a", "a/cpu.max"),
        ("0::/../..", "cpu.max"),
        ("", "cpu.max"),
        (None, "cpu.max"),
    ],
)
def test_a_container_has_the_cpus_that_it_is_allowed(
    quota: str,
    allowed: int,
    place: tuple[str | None, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(6)))
    root, groups = tmp_path / "cgroup", tmp_path / "groups"
    group, file = place
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(quota)
    if group is not None:
        groups.write_text(group)
    assert usable_cpus(groups, root) == allowed
