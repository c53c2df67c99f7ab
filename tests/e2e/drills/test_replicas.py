"""Replicas that die, restart, come and go while pods are created."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.balancer import until
from tests.support.controlplane import ControlPlane
from tests.support.drilling import Drill, held_abruptly, held_gracefully, held_in_every_drill
from tests.support.fleet import Fleet, Replica

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

Make = Callable[[str, Fleet], Drill]


def test_kill_9_of_a_replica(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("kill -9 of a replica", fleet)
        with this.load() as load:
            event = time.monotonic()
            fleet.kill(fleet.replicas[0])
            fleet.start_ready()
            held_abruptly(this.finish(load, event), event)


def test_kill_9_of_a_worker(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy(replicas=1, arguments=("--workers=2",)) as fleet:
        (replica,) = fleet.replicas

        def both() -> bool:
            return replica.metric("karb_guard_workers_ready") == 2

        until(both, 60, "both workers answer")
        this = drill("kill -9 of a worker of the only replica", fleet)
        with this.load() as load:
            event = time.monotonic()
            os.kill(busy_worker(replica), signal.SIGKILL)
            held_abruptly(this.finish(load, event), event)
        until(both, 60, "the worker was started again")
        assert replica.metric("karb_guard_worker_ends_total") == 1


def busy_worker(replica: Replica) -> int:
    """The process that denied something last: it holds a connection of the API server."""
    lines = [json.loads(line) for line in replica.log.read_text().splitlines() if line[-1:] == "}"]
    started = {x["worker"]: int(x["pid"]) for x in lines if x["message"] == "worker started"}
    denials = [x["worker"] for x in lines if x["message"] == "review denied"]
    return started[denials[-1]]


def test_rolling_restart(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("rolling restart", fleet)
        with this.load() as load:
            event = time.monotonic()
            for old in list(fleet.replicas):
                fleet.start_ready()
                fleet.terminate(old)
            held_gracefully(this.finish(load, event))


def test_scaling_up_and_down(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("scale 2, 4, 2", fleet)
        with this.load() as load:
            event = time.monotonic()
            new = fleet.start_ready(2)
            for replica in new:
                fleet.terminate(replica)
            held_gracefully(this.finish(load, event))


def test_restart_of_the_api_server(
    deploy: Callable[..., Any], drill: Make, plane: ControlPlane
) -> None:
    with deploy() as fleet:
        this = drill("API server restarted", fleet)
        with this.load() as load:
            event = time.monotonic()
            plane.stop_process("kube-apiserver")
            plane.start_apiserver()
            result = this.finish(load, event)
        held_in_every_drill(result)
        assert result.failed_after(event) == [], result.reasons()
        assert result.unanswered, "the API server was never away"
        until(this.denies, 20, "the webhook is in force again")
