"""Configurations and policies that change, good and bad ones, and a whole upgrade."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.balancer import until
from tests.support.controlplane import Cluster
from tests.support.drilling import Drill, held_gracefully
from tests.support.e2e_cluster import SESSION_CONFIG
from tests.support.fleet import READY_SECONDS, Fleet
from tests.support.own_policies import scaffold
from tests.support.webhook_process import KIND

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

Make = Callable[[str, Fleet], Drill]
OTHER_CONFIG = {**SESSION_CONFIG, "ignore": ["labels"]}
BROKEN = "package karb.own.broken\n\nviolation contains {"


def roll(fleet: Fleet) -> None:
    """What a Deployment does: one more, then one less, until all are new."""
    for old in list(fleet.replicas):
        fleet.start_ready()
        fleet.terminate(old)


def test_another_configuration_by_rolling_restart(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("configuration rolled out", fleet)
        before = {replica.loaded() for replica in fleet.replicas}
        with this.load() as load:
            event = time.monotonic()
            fleet.write_config(OTHER_CONFIG)
            roll(fleet)
            held_gracefully(this.finish(load, event))
        after = {replica.loaded() for replica in fleet.replicas}
        assert len(before) == len(after) == 1
        assert before != after


def test_a_bad_policy_is_pushed(deploy: Callable[..., Any], drill: Make, tmp_path: Path) -> None:
    """The new replica ends and names the file; the old ones go on, as a rollout that is stuck."""
    own = tmp_path / "own" / "own" / "broken"
    own.mkdir(parents=True)
    (own / "policy.rego").write_text(BROKEN, encoding="utf-8")
    with deploy() as fleet:
        this = drill("bad policy pushed", fleet)
        with this.load() as load:
            event = time.monotonic()
            bad = fleet.start(f"--policies={tmp_path / 'own'}")
            code = bad.process.wait(READY_SECONDS)
            fleet.forget(bad)
            held_gracefully(this.finish(load, event))
        assert code == 2, bad.tail()
        assert "own/broken" in bad.tail()
        assert "Traceback" not in bad.tail()


def test_a_bad_configuration_is_pushed(deploy: Callable[..., Any], drill: Make) -> None:
    with deploy() as fleet:
        this = drill("bad configuration pushed", fleet)
        with this.load() as load:
            event = time.monotonic()
            fleet.write_config({**SESSION_CONFIG, "stages": {"default": {"error": "deny"}}})
            bad = fleet.start()
            code = bad.process.wait(READY_SECONDS)
            fleet.forget(bad)
            held_gracefully(this.finish(load, event))
        assert code == 2, bad.tail()
        assert "deny" in bad.tail()
        assert "Traceback" not in bad.tail()


def refused(fleet: Fleet) -> bool:
    """Whether every replica refused what it found last."""
    return all(
        replica.metric("karb_guard_reload_ok") == 0
        and replica.metric("karb_guard_reloads_total") > 0
        for replica in fleet.replicas
    )


def test_another_configuration_is_reloaded(deploy: Callable[..., Any], drill: Make) -> None:
    """The same processes go on, and judge by the new one."""
    with deploy() as fleet:
        this = drill("configuration reloaded", fleet)
        before = {replica.loaded() for replica in fleet.replicas}
        processes = [replica.process.pid for replica in fleet.replicas]
        with this.load() as load:
            event = time.monotonic()
            fleet.write_config(OTHER_CONFIG)

            def reloaded() -> bool:
                now = {replica.loaded() for replica in fleet.replicas}
                return len(now) == 1 and "" not in now and not now & before

            until(reloaded, READY_SECONDS, "all replicas have the new configuration")
            held_gracefully(this.finish(load, event))
        assert [replica.process.pid for replica in fleet.replicas] == processes


def test_a_bad_configuration_is_refused_by_those_that_run(
    deploy: Callable[..., Any], drill: Make
) -> None:
    with deploy() as fleet:
        this = drill("bad configuration refused", fleet)
        before = {replica.loaded() for replica in fleet.replicas}
        with this.load() as load:
            event = time.monotonic()
            fleet.write_config({**SESSION_CONFIG, "stages": {"default": {"error": "deny"}}})
            until(lambda: refused(fleet), READY_SECONDS, "all replicas refused it")
            held_gracefully(this.finish(load, event))
        assert {replica.loaded() for replica in fleet.replicas} == before


def test_a_bad_policy_is_refused_by_those_that_run(
    deploy: Callable[..., Any], drill: Make, tmp_path: Path
) -> None:
    folder = scaffold(tmp_path / "own", "demo/demo-drill")
    quiet = {**SESSION_CONFIG, "ignore": ["demo-drill"]}  # it would deny the load's good pods
    with deploy(quiet, arguments=(f"--policies={tmp_path / 'own'}",)) as fleet:
        this = drill("bad policy refused", fleet)
        before = {replica.loaded() for replica in fleet.replicas}
        with this.load() as load:
            event = time.monotonic()
            policy = folder / "policy.rego"
            policy.write_text(policy.read_text(encoding="utf-8") + BROKEN, encoding="utf-8")
            until(lambda: refused(fleet), READY_SECONDS, "all replicas refused it")
            held_gracefully(this.finish(load, event))
        assert {replica.loaded() for replica in fleet.replicas} == before


def test_upgrade(deploy: Callable[..., Any], drill: Make, cluster: Cluster) -> None:
    """What an upgrade of the chart changes: the registration and the configuration, by turns."""
    with deploy() as fleet:
        this = drill("upgrade", fleet)
        with this.load() as load:
            event = time.monotonic()
            document = json.loads(fleet.registration_file.read_text(encoding="utf-8"))
            for webhook in document["webhooks"]:
                webhook["timeoutSeconds"] = 7
            fleet.registration_file.write_text(json.dumps(document), encoding="utf-8")
            fleet.write_config(OTHER_CONFIG)
            roll(fleet)

            def upgraded() -> bool:
                stored = json.loads(cluster.kubectl("get", KIND, fleet.name, "-ojson").stdout)
                return all(hook["timeoutSeconds"] == 7 for hook in stored["webhooks"])

            until(upgraded, READY_SECONDS, "the new registration is there")
            held_gracefully(this.finish(load, event))
