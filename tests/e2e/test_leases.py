"""Leader election between processes, by a Lease of the real API server; times are printed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.controlplane import REPOSITORY, Cluster
from tests.support.e2e_cluster import Namespaces, seconds_until
from tests.support.webhook_process import unique

pytestmark = pytest.mark.e2e

DURATION = 8
"""Seconds of the Lease here; 15 in production."""
WAIT = 30


class Candidate:
    """One process of ``tests.support.leader_process``."""

    def __init__(self, cluster: Cluster, namespace: str, lease: str, identity: str) -> None:
        self.identity = identity
        self.lines: list[tuple[str, float]] = []
        module = [sys.executable, "-m", "tests.support.leader_process"]
        arguments = [str(cluster.kubeconfig), namespace, lease, identity, str(DURATION)]
        self.process = subprocess.Popen(
            [*module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            what, when = line.split()
            self.lines.append((what, float(when)))

    @property
    def leads(self) -> bool:
        said = [what for what, _ in self.lines if what != "standing"]
        return said[-1:] == ["leading"]

    @property
    def stands(self) -> bool:
        return any(what == "standing" for what, _ in self.lines)

    def when(self, what: str) -> float:
        return next(when for said, when in reversed(self.lines) if said == what)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(WAIT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(WAIT)


@pytest.fixture
def pair(cluster: Cluster, namespaces: Namespaces) -> Iterator[tuple[Candidate, Candidate]]:
    """A leader and a follower."""
    where, lease = namespaces.bare(), unique("lease")
    with contextlib.ExitStack() as stack:
        made = []
        for identity in ("first", "second"):
            candidate = Candidate(cluster, where, lease, identity)
            stack.callback(candidate.end)
            made.append(candidate)
            seconds_until(lambda: made[0].leads and made[-1].stands, WAIT)
        assert made[0].leads
        assert not made[1].leads
        yield made[0], made[1]


def test_a_killed_leader_is_followed_within_the_lease(
    pair: tuple[Candidate, Candidate], say: Callable[[str], None]
) -> None:
    first, second = pair
    killed = time.time()
    first.send(signal.SIGKILL)
    seconds_until(lambda: second.leads, WAIT)
    took = second.when("leading") - killed
    say(f"leader killed: the other leads after {took:.1f} s (lease {DURATION} s)")
    # It was renewed up to a retry before it died; a follower adds a quarter of a second at most.
    assert DURATION / 2 < took < DURATION * 1.25 + 0.5


def test_a_lease_that_is_let_go_is_taken_at_once(
    pair: tuple[Candidate, Candidate], say: Callable[[str], None]
) -> None:
    first, second = pair
    first.let_go()
    seconds_until(lambda: second.leads, WAIT)
    took = second.when("leading") - first.when("stopped")
    say(f"leader stopped: the other leads after {took * 1000:.0f} ms")
    assert took < DURATION / 8 * 0.8, "waited for its next turn instead of the watch"


def test_a_leader_that_stood_still_does_not_go_on_as_one(
    pair: tuple[Candidate, Candidate],
) -> None:
    first, second = pair
    first.send(signal.SIGSTOP)
    seconds_until(lambda: second.leads, WAIT)
    first.send(signal.SIGCONT)
    seconds_until(lambda: first.lines[-1][0] == "following", WAIT)
    time.sleep(1)
    assert second.leads
    assert not first.leads


def test_a_deleted_lease_is_made_anew(cluster: Cluster, pair: tuple[Candidate, Candidate]) -> None:
    found = json.loads(cluster.kubectl("get", "leases", "-A", "-ojson").stdout)["items"]
    ours = [i["metadata"] for i in found if i["spec"].get("holderIdentity") == "first"][-1]
    name, where = ours["name"], ours["namespace"]
    cluster.kubectl("delete", "lease", name, f"-n{where}")

    def again() -> bool:
        done = cluster.kubectl("get", "lease", name, f"-n{where}", "-ojson", check=False)
        return done.returncode == 0 and bool(json.loads(done.stdout)["spec"]["holderIdentity"])

    seconds_until(again, WAIT)
    # Whoever wrote it leads; the other steps back before the Lease could have run out.
    seconds_until(lambda: pair[0].leads != pair[1].leads, DURATION)
