"""``karb-guard audit --watch`` of a real API server, through trouble of every sort."""

from __future__ import annotations

import copy
import json
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import planted
from tests.support.controlplane import Cluster, ControlPlane
from tests.support.cutting_proxy import cutting
from tests.support.watch_process import WatchProcess, fresh, watching

pytestmark = pytest.mark.e2e
PLACE = "karb-watch"
OTHER = "karb-watch-other"
Json = dict[str, Any]

WIDGETS: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.e2e.karb.dev"},
    "spec": {
        "group": "e2e.karb.dev",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


@dataclass
class Stage:
    """A control plane of its own, which may be stopped."""

    control: ControlPlane
    cluster: Cluster

    def apply(self, *objects: Json) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.cluster.kubectl("apply", "-f", "-", stdin=text)

    def restart(self, seconds: float) -> None:
        self.control.stop_process("kube-apiserver")
        time.sleep(seconds)
        self.control.start_apiserver()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Stage]:
    if not cluster.owned:
        pytest.skip("stopping API servers takes a cluster of one's own")
    control = ControlPlane(tmp_path_factory.mktemp("watched"))
    try:
        made = Stage(control, control.start(controllers=False))
        made.apply(*planted.CLUSTER)
        for namespace in (PLACE, OTHER):
            made.cluster.kubectl("create", "namespace", namespace)
            made.apply(*planted.good_stack(namespace))
        yield made
    finally:
        control.stop()


def deployment(*, good: bool, namespace: str = PLACE) -> Json:
    found = copy.deepcopy(planted.find(planted.good_stack(namespace), "Deployment"))
    if not good:
        # Not left out: what an earlier `apply` set would stay.
        containers = found["spec"]["template"]["spec"]["containers"]
        containers[1]["image"] = "registry.example.com/ml/queue-exporter:latest"
    return found


def settings(stage: Stage, kubeconfig: Path | None = None) -> list[str | Path]:
    return ["--kubeconfig", kubeconfig or stage.cluster.kubeconfig, *planted.SETTINGS]


def agrees(watch: WatchProcess, stage: Stage, directory: Path) -> None:
    """The view is what a scan finds now."""
    deadline = time.monotonic() + 90
    while (view := watch.view()) != (now := fresh(directory, *settings(stage))):
        assert time.monotonic() < deadline, f"only watched: {view - now}; only found: {now - view}"
        time.sleep(0.5)


def test_a_finding_appears_and_goes_within_seconds(stage: Stage, tmp_path: Path) -> None:
    with watching(tmp_path, *settings(stage)) as watch:
        assert watch.lines[0]["event"] == "audit"
        assert not watch.has(PLACE, "img-tag")
        stage.apply(deployment(good=False))
        took = watch.until("img-tag appears", lambda w: w.has(PLACE, "img-tag"))
        stage.apply(deployment(good=True))
        gone = watch.until("img-tag goes", lambda w: not w.has(PLACE, "img-tag"))
        print(f"appeared after {took:.1f} s, gone after {gone:.1f} s")
        events = [each["event"] for each in watch.lines[1:]]
        assert set(events) == {"appeared", "gone"}
        assert all(e["finding"]["owner"]["namespace"] == PLACE for e in watch.lines[1:])
        agrees(watch, stage, tmp_path)


def test_people_read_the_report_and_then_lines(stage: Stage, tmp_path: Path) -> None:
    with watching(tmp_path, *settings(stage), "-n", PLACE, form="text") as watch:
        watch.until("the report", lambda w: "in 1 namespace checked, 0 not listed" in w.text)
        stage.apply(deployment(good=False))
        line = re.compile(
            rf"^\d\d:\d\d:\d\d \+ {PLACE} Deployment/chat-server KARB-IMG-\d+ error img-tag: .+$",
            re.M,
        )
        watch.until("the line", lambda w: bool(line.search(w.text)))
        stage.apply(deployment(good=True))
        watch.until("it goes", lambda w: f" - {PLACE} Deployment/chat-server KARB-IMG" in w.text)
        assert watch.end() == 0
        assert "watch ended; open findings: 0 error" in watch.errors


def test_what_rests_on_another_object_is_judged_again_with_it(stage: Stage, tmp_path: Path) -> None:
    policies = [o for o in planted.good_stack(PLACE) if o["kind"] == "NetworkPolicy"]
    with watching(tmp_path, *settings(stage)) as watch:
        assert not watch.has(PLACE, "np-ingress-deny")
        stage.cluster.kubectl("delete", "networkpolicy", "--all", f"-n{PLACE}")
        watch.until("np-ingress-deny appears", lambda w: w.has(PLACE, "np-ingress-deny"))
        assert not watch.has(OTHER, "np-ingress-deny")
        stage.apply(*policies)
        watch.until("np-ingress-deny goes", lambda w: not w.has(PLACE, "np-ingress-deny"))
        # A Namespace's labels are read from everywhere.
        stage.cluster.kubectl("label", "namespace", OTHER, "pod-security.kubernetes.io/enforce-")
        watch.until("pss-ns-label appears", lambda w: w.has(OTHER, "pss-ns-label"))
        stage.apply(*planted.good_stack(OTHER))
        watch.until("pss-ns-label goes", lambda w: not w.has(OTHER, "pss-ns-label"))
        agrees(watch, stage, tmp_path)


def test_lost_watches_are_taken_up_and_what_happened_meanwhile_is_seen(
    stage: Stage, tmp_path: Path
) -> None:
    with cutting(stage.control.api_port) as proxy:
        kubeconfig = proxy.kubeconfig(stage.cluster, tmp_path / "proxied")
        with watching(tmp_path, *settings(stage, kubeconfig)) as watch:
            assert proxy.cut() > 10
            stage.apply(deployment(good=False))
            watch.until("img-tag appears", lambda w: w.has(PLACE, "img-tag"))
            proxy.refuses = True
            proxy.cut()
            stage.apply(deployment(good=True))
            watch.until("it says so", lambda w: w.saw("unseen", "the API server"))
            assert watch.has(PLACE, "img-tag"), "what is not seen stays as it was"
            proxy.refuses = False
            watch.until("it says so", lambda w: w.saw("seen", "the API server"))
            watch.until("img-tag goes", lambda w: not w.has(PLACE, "img-tag"))
            agrees(watch, stage, tmp_path)
            assert watch.end() == 0


def test_what_is_not_seen_at_the_end_is_in_the_exit_code(stage: Stage, tmp_path: Path) -> None:
    with cutting(stage.control.api_port) as proxy:
        kubeconfig = proxy.kubeconfig(stage.cluster, tmp_path / "proxied")
        with watching(tmp_path, *settings(stage, kubeconfig)) as watch:
            proxy.refuses = True
            proxy.cut()
            watch.until("it says so", lambda w: w.saw("unseen", "the API server"))
            assert watch.end(signal.SIGINT) == 2


def test_an_api_server_that_is_restarted_is_waited_for(stage: Stage, tmp_path: Path) -> None:
    with watching(tmp_path, *settings(stage)) as watch:
        stage.restart(2)
        stage.apply(deployment(good=False))
        watch.until("img-tag appears", lambda w: w.has(PLACE, "img-tag"))
        agrees(watch, stage, tmp_path)
        stage.restart(0)
        stage.apply(deployment(good=True))
        watch.until("img-tag goes", lambda w: not w.has(PLACE, "img-tag"))
        agrees(watch, stage, tmp_path)


def test_kinds_come_and_go(stage: Stage, tmp_path: Path) -> None:
    template = deployment(good=False)["spec"]["template"]
    gadget = {
        "apiVersion": "e2e.karb.dev/v1",
        "kind": "Gadget",
        "metadata": {"name": "odd", "namespace": PLACE},
        "spec": {"template": template},
    }

    def of_gadget(watch: WatchProcess) -> bool:
        return any(key[3] == "Gadget" for key in watch.view())

    run = stage.cluster.kubectl
    with watching(tmp_path, *settings(stage)) as watch:
        for _ in range(2):
            stage.apply(WIDGETS)
            run("wait", "--for=condition=Established", "crd/gadgets.e2e.karb.dev", "--timeout=30s")
            stage.apply(gadget)
            watch.until("findings of the new kind", of_gadget)
            agrees(watch, stage, tmp_path)
            run("delete", "crd", "gadgets.e2e.karb.dev", "--timeout=30s")
            watch.until("none of the removed kind", lambda w: not of_gadget(w))
            agrees(watch, stage, tmp_path)
        assert watch.end() == 0


def test_filters_and_exit_codes(stage: Stage, tmp_path: Path) -> None:
    stage.apply(deployment(good=False), deployment(good=False, namespace=OTHER))
    chosen = ["-n", PLACE, "--severity", "error", "--kind", "Deployment"]
    try:
        with watching(tmp_path, *settings(stage), *chosen) as watch:
            assert watch.has(PLACE, "img-tag")
            assert not watch.has(OTHER, "img-tag")
            stage.cluster.kubectl("delete", "networkpolicy", "--all", f"-n{OTHER}")
            stage.apply(deployment(good=True))
            watch.until("img-tag goes", lambda w: not w.has(PLACE, "img-tag"))
            assert {line["finding"]["owner"]["kind"] for line in watch.lines[1:]} == {"Deployment"}
            stage.apply(deployment(good=False))
            watch.until("img-tag appears", lambda w: w.has(PLACE, "img-tag"))
            assert watch.end() == 1
    finally:
        for namespace in (PLACE, OTHER):
            stage.apply(*planted.good_stack(namespace))


def test_who_may_not_watch_is_told_and_sees_it_later(stage: Stage, tmp_path: Path) -> None:
    kubeconfig = _reader(stage, tmp_path)
    with watching(tmp_path, *settings(stage, kubeconfig), "--resync", "10s") as watch:
        watch.until("it says so", lambda w: w.saw("late", "deployments.apps"))
        said = next(e for e in watch.lines if e.get("what") == "deployments.apps")
        assert "every 10 s: not allowed; grant the verb watch on deployments" in said["reason"]
        missing = {each["what"] for each in watch.lines[0]["audit"]["missing"]}
        assert missing == {"horizontalpodautoscalers.autoscaling"}
        stage.apply(deployment(good=False))
        watch.until("img-tag appears", lambda w: w.has(PLACE, "img-tag"))
        stage.apply(deployment(good=True))
        assert watch.end() == 2


def _reader(stage: Stage, directory: Path) -> Path:
    """Somebody who may list everything but autoscalers, and watch nothing of group apps."""
    listed = stage.cluster.kubectl("api-resources", "--verbs=list", "-o", "name").stdout
    rules = []
    for name, _, group in (each.partition(".") for each in listed.split()):
        verbs = ["get", "list"] if group == "apps" else ["get", "list", "watch"]
        if name not in ("horizontalpodautoscalers", "secrets"):
            rules.append({"apiGroups": [group], "resources": [name], "verbs": verbs})
    stage.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": "karb-reader",
                "annotations": {"karb.dev/review-by": "2099-01-01"},
            },
            "rules": rules,
        }
    )
    run = stage.cluster.kubectl
    run("create", "-nkube-system", "serviceaccount", "karb-reader")
    account = "--serviceaccount=kube-system:karb-reader"
    run("create", "clusterrolebinding", "karb-reader", "--clusterrole=karb-reader", account)
    token = run("create", "token", "-nkube-system", "karb-reader").stdout.strip()
    config = json.loads(run("config", "view", "--raw", "--flatten", "-o", "json").stdout)
    config["users"][0]["user"] = {"token": token}
    file = directory / "reader"
    file.write_text(json.dumps(config))
    return file
