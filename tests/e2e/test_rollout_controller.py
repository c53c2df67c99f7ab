"""Staged rollouts on a real API server: a webhook, a controller that is killed, and a clock.

The clock is the controller's; a tick is five of its minutes.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from karb_guard.rollout.evidence import Counts
from karb_guard.rollout.times import text_of
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Namespaces, denied, seconds_until
from tests.support.rollout_scene import GATES, INVARIANT, OTHER, ROUND_SECONDS, Scene, targets
from tests.support.webhook_process import Judging, WebhookProcess, karb_guard

pytestmark = pytest.mark.e2e

EFFECT_SECONDS = 60
PSA = "pod-security.kubernetes.io/"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def webhook(judging: Judging, kinds: None) -> Iterator[WebhookProcess]:
    """A webhook that enforces nothing by configuration."""
    with judging({}) as process:
        yield process


@pytest.fixture
def scene(cluster: Cluster, webhook: WebhookProcess, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(cluster, [f"127.0.0.1:{webhook.metrics_port}"], tmp_path)
    with contextlib.closing(made):
        yield made


def test_five_namespaces_walk_to_enforce_and_the_others_have_their_reasons(
    scene: Scene, api: ApiProxy, namespace: Callable[..., str]
) -> None:
    walking = [namespace("walks") for _ in range(5)]
    dirty, spiky, waived = namespace("dirty"), namespace("spiky"), namespace("waived")
    scene.names = [*walking, dirty, spiky, waived]
    scene.found[dirty] = Counts(open=2)
    yesterday = scene.now.date() - datetime.timedelta(days=1)
    scene.found[waived] = Counts(waived=1, ends=(yesterday,))
    scene.put(INVARIANT, namespaces=targets(*scene.names), gates=GATES)
    weekly = {"days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]}
    frozen = {**GATES, "freezeWindows": [{"weekly": weekly, "reason": "end of year"}]}
    scene.put(OTHER, namespaces=targets(walking[0]), gates=frozen)
    for _ in range(7):
        scene.tick()
    for name in (*walking, spiky):
        assert scene.journey(name, INVARIANT) == ["audit", "warn", "enforce"], scene.entry(name)
    seconds_until(lambda: all(denied(api, name) for name in walking), EFFECT_SECONDS)
    stays = scene.entry(dirty)
    assert (stays["stage"], stays["reason"]) == ("audit", "Violations")
    assert denied(api, dirty) is None
    expired = scene.entry(waived)
    assert (expired["stage"], expired["reason"]) == ("audit", "Violations")
    assert "1 of them with an expired waiver" in expired["message"]
    waits = scene.entry(walking[0], OTHER)
    assert (waits["stage"], waits["reason"]) == ("audit", "Frozen")
    assert "end of year" in waits["message"]

    seconds_until(lambda: denied(api, spiky) is not None, EFFECT_SECONDS)
    for _ in range(5):
        assert denied(api, spiky)
    scene.tick()
    back = scene.entry(spiky)
    assert (back["stage"], back["step"]) == ("warn", "RolledBack"), back
    seconds_until(lambda: denied(api, spiky) is None, EFFECT_SECONDS)
    assert scene.entry(walking[1])["stage"] == "enforce"

    scene.found.clear()
    scene.tick()
    assert scene.entry(dirty)["stage"] == "warn"
    assert scene.entry(waived)["stage"] == "warn"
    told = ["Promoted enforce", "Promoted warn"]
    for name in walking:
        assert scene.events(name) == told
    assert "RolledBack warn" in scene.events(spiky)


def test_killed_before_and_after_every_write_it_skips_and_repeats_nothing(
    scene: Scene, api: ApiProxy, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    calm, spiky = namespace("killed"), namespace("killed")
    scene.names, scene.mortal = [calm, spiky], True
    baseline = {"podSecurity": {"level": "baseline"}}
    scene.put(INVARIANT, namespaces=targets(calm, spiky), gates=GATES, **baseline)
    for _ in range(7):
        scene.tick()
    scene.kill()  # a look between two denials would roll back with fewer
    seconds_until(lambda: denied(api, spiky) is not None, EFFECT_SECONDS)  # one denial
    for _ in range(5):
        assert denied(api, spiky)
    scene.tick()
    _follows(scene, cluster, calm, ["Promoted enforce", "Promoted warn"])
    _follows(scene, cluster, spiky, ["Promoted enforce", "Promoted warn", "RolledBack warn"])

    # Every status that was ever stored: a step that is repeated would have another time.
    assert scene.journey(calm) == ["audit", "warn", "enforce"]
    assert scene.journey(spiky) == ["audit", "warn", "enforce", "warn"]
    back = scene.entry(spiky)
    assert (back["step"], back["rollbacks"]) == ("RolledBack", 1), back
    told = next(
        e["message"] for s in scene.stored() for e in s["namespaces"] if e["reason"] == "RolledBack"
    )
    assert "6 denials in 5m" in told, "each counted once, whoever was killed meanwhile"
    print(f"{scene.lives()} lives, {len(scene.writes())} writes")
    assert scene.spared() == set()
    kinds = {write.split(" ")[1] for write in scene.writes()}
    assert kinds == {"replace", "create", "apply"}, "statuses, Events and labels"
    assert scene.lives() > 2 * len(scene.writes())


def _follows(scene: Scene, cluster: Cluster, namespace: str, told: list[str]) -> None:
    """Labels and Events follow the stage, however often whoever writes them is killed."""
    stage = scene.entry(namespace)["stage"]
    modes = {"audit", "warn"} if stage == "warn" else {"audit", "warn", "enforce"}
    seconds_until(
        lambda: {k for k in _labels(cluster, namespace) if not k.endswith("-version")} == modes,
        EFFECT_SECONDS,
    )
    seconds_until(lambda: scene.events(namespace) == told, EFFECT_SECONDS)


def test_without_scans_and_without_the_webhook_nothing_is_promoted(
    scene: Scene, namespace: Callable[..., str]
) -> None:
    name = namespace("blind")
    scene.names = [name]
    scene.put(INVARIANT, namespaces=targets(name), gates=GATES)
    for _ in range(4):
        scene.tick(scan=False)
    entry = scene.entry(name)
    assert (entry["stage"], entry["message"]) == ("audit", "there is no scan")


def test_pod_security_labels_follow_and_those_of_others_are_left_alone(
    scene: Scene, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    ours = namespace("ours")
    theirs = namespace("theirs", **{f"{PSA}warn": "privileged"})
    scene.names = [ours, theirs]
    scene.put(
        INVARIANT,
        namespaces=targets(ours, theirs),
        gates=GATES,
        podSecurity={"level": "baseline"},
    )
    seen: list[set[str]] = []
    for _ in range(8):
        scene.tick()
        modes = {k for k in _labels(cluster, ours) if not k.endswith("-version")}
        if not seen or seen[-1] != modes:
            seen.append(modes)
    assert seen[-3:] == [{"audit"}, {"audit", "warn"}, {"audit", "warn", "enforce"}]
    assert _labels(cluster, theirs)["warn"] == "privileged"
    assert _labels(cluster, theirs)["enforce"] == "baseline"
    assert (
        "somebody else's: pod-security.kubernetes.io/warn=privileged"
        in (scene.entry(theirs)["podSecurity"])
    )
    scene.put(
        INVARIANT,
        namespaces=[{"name": ours, "stage": "audit"}],
        gates=GATES,
        podSecurity={"level": "baseline"},
    )
    scene.tick()
    scene.tick()
    assert {k for k in _labels(cluster, ours) if not k.endswith("-version")} == {"audit"}


def test_labels_go_with_what_asked_for_them_and_others_keep_theirs(
    scene: Scene, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    first, second = namespace("first"), namespace("second")
    scene.names = [first, second]
    labels = {"podSecurity": {"level": "baseline"}}
    scene.put(INVARIANT, namespaces=targets(first, second), gates=GATES, **labels)
    scene.tick()
    scene.tick()
    mine = {"audit": "baseline", "audit-version": "latest"}
    seconds_until(lambda: _labels(cluster, second) == mine, EFFECT_SECONDS)
    theirs = {"name": first, "labels": {f"{PSA}audit": "baseline", f"{PSA}warn": "privileged"}}
    shared = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": theirs})
    people = ("--server-side", "--field-manager=people", "-f", "-")
    cluster.kubectl("apply", *people, stdin=shared)

    scene.put(INVARIANT, namespaces=targets(first), gates=GATES, **labels)
    seconds_until(lambda: _labels(cluster, second) == {}, EFFECT_SECONDS)
    assert _labels(cluster, first).keys() >= mine.keys(), "it is still named"

    scene.put(INVARIANT, namespaces=targets(first), gates=GATES)
    left = {"audit": "baseline", "warn": "privileged"}
    seconds_until(lambda: _labels(cluster, first) == left, EFFECT_SECONDS)
    scene.tick()
    assert scene.entry(first).get("podSecurity", "") == ""

    scene.put(INVARIANT, namespaces=targets(second), gates=GATES, **labels)
    scene.tick()
    scene.tick()
    seconds_until(lambda: _labels(cluster, second) == mine, EFFECT_SECONDS)
    cluster.kubectl("delete", "invariantrollout", scene.rollouts.pop())
    seconds_until(lambda: _labels(cluster, second) == {}, EFFECT_SECONDS)
    assert _labels(cluster, first) == left


def _labels(cluster: Cluster, namespace: str) -> dict[str, str]:
    done = cluster.kubectl("get", "namespace", namespace, "-o", "json")
    labels = json.loads(done.stdout)["metadata"]["labels"]
    return {k.removeprefix(PSA): v for k, v in labels.items() if k.startswith(PSA)}


def _command(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*karb_guard(), "rollout", *arguments, f"--kubeconfig={cluster.kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_people_ask_and_are_told_why_not(
    scene: Scene, cluster: Cluster, api: ApiProxy, namespace: Callable[..., str]
) -> None:
    name, dirty = namespace("asked"), namespace("dirty")
    scene.names = [name, dirty]
    scene.found[dirty] = Counts(open=1)
    slow = {**GATES, "soak": "1000h"}
    scene.put(INVARIANT, namespaces=targets(name, dirty), gates=slow)
    missing = _command(cluster, "promote", INVARIANT, f"--namespace={name}")
    assert (missing.returncode, "no entry for namespace" in missing.stderr) == (2, True)
    for _ in range(3):
        scene.tick()
    asked = _command(cluster, "promote", INVARIANT, f"--namespace={name}")
    assert asked.returncode == 0, asked.stderr
    _turned_back(scene, cluster, name)
    scene.tick()
    assert scene.entry(name)["stage"] == "warn"
    shown = _command(cluster, "status", INVARIANT)
    assert name in shown.stdout
    planned = _command(cluster, "plan", INVARIANT, "--format=json", f"--namespace={name}")
    row = json.loads(planned.stdout)[0]
    assert (row["stage"], row["following"]) == ("warn", "enforce")
    refused = _command(cluster, "promote", INVARIANT, f"--namespace={dirty}")
    assert refused.returncode == 2
    assert "1 unwaived violations" in refused.stderr

    back = _command(cluster, "rollback", INVARIANT, f"--namespace={name}", "--to=audit")
    assert back.returncode == 0, back.stderr
    again = _command(cluster, "rollback", INVARIANT, f"--namespace={name}", "--to=audit")
    assert (again.returncode, "is at audit" in again.stderr) == (2, True)
    scene.tick()
    entry = scene.entry(name)
    assert (entry["stage"], entry["step"]) == ("audit", "Lowered")


def _turned_back(scene: Scene, cluster: Cluster, name: str) -> None:
    """The command has the real time; the controller here is ahead of it: bring the wish there."""
    key = f"promote.karb.dev/{name}"
    value = scene.get()["metadata"]["annotations"][key]
    assert value.startswith("warn ")
    wish = f"{key}=warn {text_of(scene.now)}"
    cluster.kubectl("annotate", "invariantrollout", INVARIANT, wish, "--overwrite")


def test_a_status_that_a_policy_refuses_keeps_no_other_rollout(
    scene: Scene, cluster: Cluster, namespace: Callable[..., str]
) -> None:
    name = namespace("refused")
    scene.names = [name]
    refusing = _refusing(OTHER)
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(refusing))
    try:
        # The older one, which is tried first.
        scene.put(OTHER, namespaces=targets(name), gates=GATES)
        seconds_until(lambda: not _takes_status(cluster, OTHER), EFFECT_SECONDS)
        scene.put(INVARIANT, namespaces=targets(name), gates=GATES)
        scene.live()
        seconds_until(lambda: scene.entry(name).get("stage") == "audit", ROUND_SECONDS)
        assert scene.entry(name, OTHER) == {}
        scene.put(INVARIANT, namespaces=[{"name": name, "stage": "off"}], gates=GATES)
        seconds_until(lambda: scene.entry(name).get("step") == "Lowered", ROUND_SECONDS)
        done = cluster.kubectl("get", "events.events.k8s.io", "-n", "default", "-o", "json")
        told = [e for e in json.loads(done.stdout)["items"] if e["reason"] == "NotMoved"]
        assert [e["regarding"]["name"] for e in told] == [OTHER]
        assert "nobody writes this" in told[0]["note"]
        assert scene.log.read_text().count("rollout not moved") == 1
    finally:
        cluster.kubectl("delete", "-f", "-", stdin=json.dumps(refusing))
    seconds_until(lambda: scene.entry(name, OTHER).get("stage") == "audit", ROUND_SECONDS)


def _refusing(invariant: str) -> Json:
    """A policy of the cluster's own, with its binding, against writes of one rollout's status."""
    rule = {
        "apiGroups": ["karb.dev"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["invariantrollouts/status"],
    }
    says = {
        "expression": f"object.metadata.name != '{invariant}'",
        "message": "nobody writes this",
    }
    kinds = "admissionregistration.k8s.io/v1"
    policy = {
        "apiVersion": kinds,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-status"},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [says]},
    }
    binding = {
        "apiVersion": kinds,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-status"},
        "spec": {"policyName": "no-status", "validationActions": ["Deny"]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [policy, binding]}


def _takes_status(cluster: Cluster, invariant: str) -> bool:
    patch = ("patch", "invariantrollout", invariant, "--subresource=status", "--type=merge")
    done = cluster.kubectl(*patch, "-p", '{"status": {"summary": "probe"}}', check=False)
    return done.returncode == 0


def test_the_command_itself_leads_and_writes(
    cluster: Cluster,
    webhook: WebhookProcess,
    scene: Scene,
    namespace: Callable[..., str],
    namespaces: Namespaces,
) -> None:
    name, own = namespace("command"), namespaces.bare()
    scene.put(INVARIANT, namespaces=targets(name), gates=GATES)
    arguments = [
        f"--replica=127.0.0.1:{webhook.metrics_port}",
        f"--namespace={own}",
        "--lease=karb-guard-rollout",
        "--every=1s",
        f"--kubeconfig={cluster.kubeconfig}",
    ]
    with scene.log.open("wb") as log:
        command = [*karb_guard(), "rollout", "controller", *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        seconds_until(lambda: scene.entry(name).get("stage") == "audit", ROUND_SECONDS)
        lease = cluster.kubectl("get", "lease", "karb-guard-rollout", "-n", own, "-o", "name")
        assert "karb-guard-rollout" in lease.stdout
        process.terminate()
        assert process.wait(20) == 0, scene.log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
