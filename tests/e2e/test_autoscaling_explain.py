"""``karb-guard autoscaling explain`` of a living cluster says what it says of the same files."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import planted
from tests.support.cli import Done, karb_guard
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Namespaces, unique

pytestmark = pytest.mark.e2e
Json = dict[str, Any]

SCALED: Json = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "queue"},
    "spec": {
        "scaleTargetRef": {"name": "karb-worker"},
        "minReplicaCount": 0,
        "maxReplicaCount": 6,
        "triggers": [
            {
                "type": "prometheus",
                "metadata": {
                    "serverAddress": "http://prometheus:9090",
                    "query": "sum(queue_depth)",
                    "threshold": "8",
                },
            }
        ],
    },
}


class World:
    """A namespace with two workloads, one under an HPA and one under KEDA."""

    def __init__(self, cluster: Cluster, namespace: str, directory: Path) -> None:
        self.cluster, self.namespace, self.directory = cluster, namespace, directory
        stack = planted.good_stack(namespace)
        deployment = planted.find(stack, "Deployment")
        worker = copy.deepcopy(deployment)
        worker["metadata"]["name"] = "karb-worker"
        scaled = copy.deepcopy(SCALED)
        scaled["metadata"]["namespace"] = namespace
        self.objects = [
            deployment,
            worker,
            planted.find(stack, "HorizontalPodAutoscaler"),
            scaled,
        ]
        items = {"apiVersion": "v1", "kind": "List", "items": self.objects}
        self.manifests = directory / "manifests.json"
        self.manifests.write_text(json.dumps(items))
        cluster.kubectl("apply", "-f", str(self.manifests))

    def export(self) -> Path:
        file = self.directory / "export.json"
        kinds = "deployments,horizontalpodautoscalers,scaledobjects.keda.sh"
        listed = self.cluster.kubectl("get", kinds, f"-n{self.namespace}", "-o", "json")
        file.write_text(listed.stdout)
        return file

    def explain(self, workload: str, *more: str | Path) -> Done:
        return karb_guard("autoscaling", "explain", workload, *more, cwd=self.directory)

    def live(self, workload: str, *more: str | Path, kubeconfig: Path | None = None) -> Done:
        return self.explain(workload, "--kubeconfig", kubeconfig or self.cluster.kubeconfig, *more)

    def token(self, rules: list[Json]) -> Path:
        """A kubeconfig of somebody who may do this alone."""
        run, name = self.cluster.kubectl, unique("reader")
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": self.namespace},
            "rules": rules,
        }
        run("apply", "-f", "-", stdin=json.dumps(role))
        run("create", f"-n{self.namespace}", "serviceaccount", name)
        account = f"--serviceaccount={self.namespace}:{name}"
        run("create", f"-n{self.namespace}", "rolebinding", name, f"--role={name}", account)
        token = run("create", "token", f"-n{self.namespace}", name).stdout.strip()
        config = json.loads(run("config", "view", "--raw", "--flatten", "-o", "json").stdout)
        context = config["current-context"]
        user = next(c["context"]["user"] for c in config["contexts"] if c["name"] == context)
        for each in config["users"]:
            if each["name"] == user:
                each["user"] = {"token": token}
        file = self.directory / name
        file.write_text(json.dumps(config))
        return file


@pytest.fixture(scope="module")
def world(
    cluster: Cluster,
    namespaces: Namespaces,
    custom_kinds: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    return World(cluster, namespaces.bare(), tmp_path_factory.mktemp("explained"))


@pytest.mark.parametrize("workload", ["deployment/chat-server", "deploy/karb-worker"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_cluster_and_the_same_objects_as_files_say_the_same(
    world: World, workload: str, form: str
) -> None:
    live = world.live(workload, "-n", world.namespace, "--format", form)
    assert live.code == 0, live.err
    assert "chat-server" in live.out or "karb-worker" in live.out
    for file in (world.manifests, world.export()):
        read = world.explain(f"{world.namespace}/{workload}", file, "--format", form)
        assert (read.code, read.out) == (0, live.out)


def test_a_name_alone_is_looked_for_in_all_namespaces(world: World) -> None:
    named = world.live(f"{world.namespace}/deployment/karb-worker")
    assert named.code == 0
    alone = world.live("deployment/karb-worker")
    assert alone.out == named.out


def test_what_is_not_there_is_said(world: World) -> None:
    gone = world.live("deployment/gone", "-n", world.namespace)
    assert (gone.code, gone.out) == (2, "")
    assert f"{world.namespace}/deployment/gone is not in the cluster" in gone.err
    kind = world.live("flyingobject/gone")
    assert kind.code == 2
    assert "the cluster has no kind flyingobject" in kind.err


def test_no_more_is_needed_than_is_asked_for_and_a_gap_is_said(world: World) -> None:
    may: list[Json] = [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {
            "apiGroups": ["autoscaling"],
            "resources": ["horizontalpodautoscalers"],
            "verbs": ["list"],
        },
        {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["list"]},
    ]
    named = f"{world.namespace}/deployment/chat-server"
    whole = world.live(named)
    able = world.live(named, kubeconfig=world.token(may))
    assert (able.code, able.out, able.err) == (0, whole.out, "")
    less = world.live(named, kubeconfig=world.token(may[:2]))
    assert (less.code, less.out) == (2, whole.out)
    assert (
        f"not read: scaledobjects.keda.sh in namespace {world.namespace}: not allowed; grant the "
        "verb list on scaledobjects of API group keda.sh; one that scales this is not shown"
    ) in less.err
    blind = world.live(named, kubeconfig=world.token(may[1:]))
    assert (blind.code, blind.out) == (2, "")
    assert "grant the verb get on deployments of API group apps" in blind.err
