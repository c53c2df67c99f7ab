"""The chart's rollout controller: arguments that the command takes, and rights just enough."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import rights
from audit.controller import main
from audit.controller.loop import Controller, Sources
from audit.controller.replicas import EndpointReplicas
from audit.controller.sources import NoScans
from karb_guard.cli import audit_command
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.leases import Candidacy, Leader
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Namespaces, seconds_until
from tests.support.helm import CHART, RELEASE, helm
from tests.support.own_objects import chart_kinds, rollout

NAME = f"{RELEASE}-rollout"
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
SETTINGS = ("rollout.enabled=true", "rollout.podSecurity=true", "evidence.secretName=e")

Json = dict[str, Any]
Use = tuple[str, str, str]
"""(API group, resource, verb)."""


def rendered(namespace: str = "karb", *settings: str) -> list[Json]:
    sets = [flag for s in (settings or SETTINGS) for flag in ("--set", s)]
    done = helm("template", RELEASE, str(CHART), "--namespace", namespace, *sets)
    assert done.returncode == 0, done.stderr
    found = (o for o in yaml.safe_load_all(done.stdout) if o)
    return [o for o in found if o["metadata"]["name"].endswith("-rollout")]


def test_switched_off_there_is_nothing_of_it() -> None:
    assert rendered("karb", "rollout.enabled=false") == []


def test_the_command_takes_the_chart_s_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    (deployment,) = [o for o in rendered() if o["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["rollout", "controller"]
    monkeypatch.setenv("POD_NAMESPACE", "karb")
    parser = argparse.ArgumentParser()
    main.add_arguments(parser)
    args = parser.parse_args(container["args"][2:])
    main.check(args)
    assert (args.webhook_service, args.namespace) == (RELEASE, "karb")
    mounts = {m["mountPath"] for m in container["volumeMounts"]}
    assert {str(args.evidence_file.parent), str(args.config.parent)} <= mounts


def test_the_audit_takes_the_cron_job_s_arguments() -> None:
    done = helm(
        "template", RELEASE, str(CHART), "--set", "audit.enabled=true,evidence.secretName=e"
    )
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    (job,) = [o for o in objects if o["kind"] == "CronJob"]
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][0] == "audit"
    parser = argparse.ArgumentParser()
    audit_command.add_arguments(parser)
    args = parser.parse_args(container["args"][1:])
    assert (args.in_cluster, args.exit_zero) == (True, True)
    assert args.evidence == "$(KARB_GUARD_EVIDENCE)"
    assert container["env"][-1]["name"] == "KARB_GUARD_EVIDENCE"


def test_the_scan_s_rights_are_those_of_its_plan() -> None:
    file = CHART / "files" / "audit-rules.yaml"
    assert file.read_text() == rights.render(), f"run python -m audit.rights > {file}"
    parsed = yaml.safe_load(file.read_text())
    assert {verb for rule in parsed for verb in rule["verbs"]} == {"get", "list"}


def test_what_only_invariants_read_that_are_off_is_named_in_the_values() -> None:
    more = rights.listed(everything=True) - rights.listed()
    assert more == {("", "ConfigMap")}, "say in values.yaml what audit.rules has to grant for it"
    assert '{apiGroups: [""], resources: [configmaps]}' in (CHART / "values.yaml").read_text()


@pytest.mark.parametrize("value", ["", "openreports", "wgpolicy"])
def test_only_who_writes_reports_back_may(value: str) -> None:
    settings = f"audit.enabled=true,audit.writeBack={value},rollout.enabled=true"
    done = helm("template", RELEASE, str(CHART), "--set", f"{settings},rollout.scanEvery=6h")
    assert done.returncode == 0, done.stderr
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    writing = {
        (o["metadata"]["name"], group)
        for o in objects
        if o["kind"] == "ClusterRole"
        for rule in o["rules"]
        for group in rule["apiGroups"]
        if group in ("openreports.io", "wgpolicyk8s.io")
    }
    groups = {"openreports": "openreports.io", "wgpolicy": "wgpolicyk8s.io"}
    assert {group for _, group in writing} == ({groups[value]} if value else set())
    subjects = [
        subject["name"]
        for o in objects
        if o["kind"] == "ClusterRoleBinding" and o["roleRef"]["name"] in dict(writing)
        for subject in o["subjects"]
    ]
    assert subjects == (["karb-guard-audit"] if value else [])


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ("audit.enabled=true", ["karb-guard-audit"]),
        ("rollout.enabled=true,rollout.scanEvery=6h", ["karb-guard-rollout"]),
        ("rollout.enabled=true", []),
    ],
)
def test_only_who_scans_may_list(settings: str, bound: list[str]) -> None:
    done = helm("template", RELEASE, str(CHART), "--set", settings)
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    subjects = [
        subject["name"]
        for o in objects
        if o["kind"] == "ClusterRoleBinding" and o["metadata"]["name"].endswith("-audit")
        for subject in o["subjects"]
    ]
    assert subjects == bound


def test_the_webhook_s_service_does_not_select_it() -> None:
    done = helm("template", RELEASE, str(CHART), "--set", "rollout.enabled=true")
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    (service,) = [o for o in objects if o["kind"] == "Service"]
    (pods,) = [
        o["spec"]["template"]["metadata"]["labels"]
        for o in objects
        if o["kind"] == "Deployment" and o["metadata"]["name"].endswith("-rollout")
    ]
    assert not service["spec"]["selector"].items() <= pods.items()


class Recorder(ClusterClient):
    """A client that remembers what it was used for."""

    used: set[Use]

    def _send(self, call: Any) -> Any:
        self.used.add(use_of(call.method, call.path, call.query))
        return super()._send(call)


def use_of(method: str, path: str, query: Any) -> Use:
    pattern = r"/(?:api/v1|apis/([^/]+)/[^/]+)(?:/namespaces/[^/]+(?=/))?/(.+)"
    found = re.fullmatch(pattern, path)
    assert found is not None, path
    parts = found[2].split("/")
    resource = "/".join([parts[0], *parts[2:]])
    named = len(parts) > 1
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    reading = "watch" if query.get("watch") else "get" if named else "list"
    return found[1] or "", resource, verbs.get(method, reading)


@pytest.fixture
def kinds(cluster: Cluster) -> Iterator[None]:
    with chart_kinds(cluster):
        yield


@pytest.mark.e2e
def test_the_roles_are_enough_and_each_verb_is_needed(
    cluster: Cluster, kinds: None, tmp_path: Path
) -> None:
    namespaces = Namespaces(cluster)
    own, staged = namespaces.bare(), namespaces.bare()
    rights = [o for o in rendered(own) if o["kind"] in RIGHTS]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": rights})
    cluster.kubectl("apply", "-f", "-", stdin=text)
    obj = rollout(staged, gates={}, podSecurity={"level": "baseline"})
    try:
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(obj))
        client = _as_the_controller(cluster, own, tmp_path)
        leader = Leader(client, Candidacy(own, NAME))
        leader.start()
        seconds_until(lambda: leader.is_leader, 30)
        replicas = EndpointReplicas(client, own, RELEASE)
        sources = Sources(replicas, NoScans(), {"res-mem": "res-mem"})
        controller = Controller(client, sources, leader)
        controller.round()
        controller.round()  # labels follow the status
        labels = json.loads(cluster.kubectl("get", "ns", staged, "-o", "json").stdout)
        assert "pod-security.kubernetes.io/audit" in labels["metadata"]["labels"]
        obj["spec"]["namespaces"][0]["stage"] = "off"
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(obj))
        controller.round()  # a step, which has an Event
        seconds_until(lambda: ("coordination.k8s.io", "leases", "watch") in client.used, 30)
        seconds_until(lambda: ("coordination.k8s.io", "leases", "update") in client.used, 30)
        leader.stop()
        status = json.loads(
            cluster.kubectl("get", "invariantrollout", "res-mem", "-o", "json").stdout
        )["status"]
        assert status["namespaces"][0]["step"] == "Lowered"
        events = cluster.kubectl(
            "get", "events.events.k8s.io", "-n", "default", "-o", "json"
        ).stdout
        assert f"namespace {staged}: off" in events
    finally:
        cluster.kubectl("delete", "invariantrollout", "res-mem", "--ignore-not-found")
        cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text)
        namespaces.remove()
    assert client.used == _granted(rights)


def _as_the_controller(cluster: Cluster, namespace: str, tmp_path: Path) -> Recorder:
    token = cluster.kubectl("create", "token", NAME, "-n", namespace).stdout.strip()
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    client = connect(file)
    client.__class__ = Recorder
    assert isinstance(client, Recorder)
    client.used = set()
    return client


def _granted(rights: list[Json]) -> set[Use]:
    return {
        (group, resource, verb)
        for o in rights
        for rule in o.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
