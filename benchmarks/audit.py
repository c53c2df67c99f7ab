"""``make bench-audit``: a large cluster on a real API server, scanned by ``karb-guard audit``.

Objects are created as they are, statuses and owners included by hand: no controller, scheduler or
kubelet takes part, so that what stands there is exactly what was planted.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.table import markdown
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.errors import ClusterError
from tests.support import planted
from tests.support.controlplane import ControlPlane
from tests.support.e2e_cluster import template

NODES, GPU_NODES, NAMESPACES = 1_000, 200, 500
CONTROLLERS = 4
"""Deployments of each namespace."""
EVERY = 50
"""Each so many-th Deployment is planted with a violation."""
THREADS = 8
Json = dict[str, Any]

KINDS: dict[str, tuple[str, str]] = {
    "RayCluster": ("ray.io/v1", "rayclusters"),
    "RayJob": ("ray.io/v1", "rayjobs"),
    "PyTorchJob": ("kubeflow.org/v1", "pytorchjobs"),
    "Notebook": ("kubeflow.org/v1", "notebooks"),
    "JobSet": ("jobset.x-k8s.io/v1alpha2", "jobsets"),
    "LeaderWorkerSet": ("leaderworkerset.x-k8s.io/v1", "leaderworkersets"),
    "SeldonDeployment": ("machinelearning.seldon.io/v1", "seldondeployments"),
    "Rollout": ("argoproj.io/v1alpha1", "rollouts"),
}


class Run(NamedTuple):
    """One scan in a process of its own."""

    pods: int
    seconds: float
    cpu_seconds: float
    """Of this process alone: on a machine that does other work, the wall says little."""
    mebibytes: float
    report: Json


def spec_of(kind: str) -> Json:
    """The spec of a custom resource around a clean pod template."""
    made = template()
    once = {**made, "spec": {**made["spec"], "restartPolicy": "Never"}}
    ray = {"headGroupSpec": {"rayStartParams": {}, "template": made}}
    specs: dict[str, Json] = {
        "RayCluster": ray,
        "RayJob": {"rayClusterSpec": ray, "entrypoint": "python main.py"},
        "PyTorchJob": {"pytorchReplicaSpecs": {"Worker": {"replicas": 2, "template": once}}},
        "Notebook": {"template": made},
        "JobSet": {
            "replicatedJobs": [{"name": "w", "template": {"spec": {"template": once}}}],
        },
        "LeaderWorkerSet": {
            "replicas": 1,
            "leaderWorkerTemplate": {"size": 2, "workerTemplate": made},
        },
        "SeldonDeployment": {
            "predictors": [{"name": "p", "replicas": 1, "componentSpecs": [made]}]
        },
        "Rollout": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "llm"}},
            "template": made,
        },
    }
    return specs[kind]


def definitions() -> Iterator[Json]:
    """CustomResourceDefinitions of the kinds, which take anything."""
    for kind, (api_version, plural) in KINDS.items():
        group, _, version = api_version.partition("/")
        free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural},
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": free},
                    }
                ],
            },
        }


def nodes() -> Iterator[Json]:
    """Nodes as a cloud makes them, the first with a GPU and its taint."""
    for number in range(NODES):
        gpu = number < GPU_NODES
        capacity = {"cpu": "64", "memory": "512Gi", "pods": "110"}
        labels = {"kubernetes.io/hostname": f"node-{number}", "kubernetes.io/arch": "amd64"}
        spec: Json = {"providerID": f"kind://node-{number}"}
        if gpu:
            capacity["nvidia.com/gpu"] = "8"
            labels["nvidia.com/gpu.product"] = "NVIDIA-L40S"
            spec["taints"] = [{"key": "nvidia.com/gpu", "effect": "NoSchedule", "value": "true"}]
        yield {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"node-{number}", "labels": labels},
            "spec": spec,
            "status": {"capacity": capacity, "allocatable": capacity},
        }


class Stack(NamedTuple):
    """One namespace: what is created, in its order, and what is wrong with it."""

    first: list[Json]
    deployments: list[Json]
    rest: list[Json]
    wrong: Counter[tuple[str, str]]


def stack(number: int) -> Stack:
    """A namespace with four services of the good example, and custom resources in some."""
    name = f"team-{number:03d}"
    base = planted.good_stack(name)
    first = [o for o in base if o["kind"] in ("Namespace", "ServiceAccount")]
    rest = [o for o in base if o["kind"] in ("NetworkPolicy",)]
    quota = planted.find(base, "ResourceQuota")
    quota["spec"]["hard"]["requests.nvidia.com/gpu"] = "400"
    rest.append(quota)
    wrong: Counter[tuple[str, str]] = Counter()
    deployments = []
    for index in range(CONTROLLERS):
        served = f"chat-{index}"
        for kind in ("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"):
            obj = json.loads(
                json.dumps(planted.find(base, kind))
                .replace('"chat-server"', f'"{served}"')
                .replace(f'serviceAccountName": "{served}"', 'serviceAccountName": "chat-server"')
            )
            if kind == "Service":
                obj["spec"]["clusterIP"] = "None"  # the range of addresses is small
            (deployments if kind == "Deployment" else rest).append(obj)
        if (number * CONTROLLERS + index) % EVERY == 0:
            containers = deployments[-1]["spec"]["template"]["spec"]["containers"]
            del containers[1]["resources"]["limits"]
            wrong[f"{name}/Deployment/{served}", "res-mem"] += 1
    for index, kind in enumerate(KINDS):
        if number % len(KINDS) == index:
            labels = template()["metadata"]["labels"]
            metadata = {"name": "custom", "namespace": name, "labels": labels}
            spec = spec_of(kind)
            rest.append(
                {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, "spec": spec}
            )
    return Stack(first, deployments, rest, wrong)


PLURALS = {
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "Node": "nodes",
    **{kind: plural for kind, (_, plural) in KINDS.items()},
}


def collection(obj: Json) -> str:
    """Where an object is created."""
    version, kind = obj["apiVersion"], obj["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind, f"{kind.lower()}{'es' if kind.endswith('s') else 's'}")
    namespace = obj["metadata"].get("namespace")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


class Builder:
    """Fills a cluster, quickly."""

    def __init__(self, client: ClusterClient, namespaces: int = NAMESPACES) -> None:
        self._client = client
        self._namespaces = namespaces
        self._pool = ThreadPoolExecutor(THREADS)
        self.wrong: Counter[tuple[str, str]] = Counter()
        self._replica_sets: list[Json] = []
        self._replicas = 0

    def create(self, objects: Iterable[Json]) -> list[Json]:
        """Create all of them, in no order; the answers in theirs."""
        return list(self._pool.map(self._one, objects))

    def _one(self, obj: Json) -> Json:
        for attempt in range(5):
            try:
                return self._client.create(collection(obj), obj, timeout=30)
            except ClusterError as error:
                if error.status not in (0, 404, 429, 500) or attempt == 4:
                    raise
                time.sleep(1)
        raise AssertionError

    def build(self) -> None:
        """Everything but pods."""
        self.create([*planted.CLUSTER, *definitions()])
        time.sleep(3)
        self.create(nodes())
        stacks = [stack(number) for number in range(self._namespaces)]
        for each in stacks:
            self.wrong += each.wrong
        self.create(o for each in stacks for o in each.first if o["kind"] == "Namespace")
        self.create(o for each in stacks for o in each.first if o["kind"] != "Namespace")
        deployments = self.create(o for each in stacks for o in each.deployments)
        self._replica_sets = self.create(map(_replica_set, deployments))
        self.create(o for each in stacks for o in each.rest)

    def grow(self, pods: int) -> None:
        """Give every Deployment its share of so many pods."""
        replicas = pods // len(self._replica_sets)
        numbers = range(self._replicas, replicas)
        self.create(_pod(rs, number) for rs in self._replica_sets for number in numbers)
        self._replicas = replicas


def _owner(obj: Json) -> list[Json]:
    metadata = obj["metadata"]
    reference = {"apiVersion": "apps/v1", "kind": obj["kind"], "controller": True}
    return [{**reference, "name": metadata["name"], "uid": metadata["uid"]}]


def _replica_set(deployment: Json) -> Json:
    made = copy.deepcopy(deployment["spec"]["template"])
    made["metadata"]["labels"]["pod-template-hash"] = "5d4f8"
    name = deployment["metadata"]["name"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name}-5d4f8",
            "namespace": deployment["metadata"]["namespace"],
            "labels": made["metadata"]["labels"],
            "ownerReferences": _owner(deployment),
        },
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": made["metadata"]["labels"]},
            "template": made,
        },
    }


def _pod(replica_set: Json, number: int) -> Json:
    made = copy.deepcopy(replica_set["spec"]["template"])
    metadata = replica_set["metadata"]
    made["spec"]["nodeName"] = f"node-{(hash(metadata['uid']) + number) % GPU_NODES}"
    made["metadata"] |= {
        "name": f"{metadata['name']}-{number:05d}",
        "namespace": metadata["namespace"],
        "ownerReferences": _owner(replica_set),
    }
    return {"apiVersion": "v1", "kind": "Pod", **made}


def scan(kubeconfig: Path, directory: Path, pods: int) -> Run:
    """One ``karb-guard audit``: wall time and peak memory of the whole process."""
    out = directory / "report.json"
    command = [
        *(sys.executable, "-m", "karb_guard", "audit", "--kubeconfig", str(kubeconfig)),
        *planted.SETTINGS,
        *("--config", str(directory / "karb-guard.yaml")),
        *("--format", "json", "--output", str(out)),
    ]
    (directory / "karb-guard.yaml").write_text(yaml.safe_dump({"failOn": "error"}))
    begun = time.monotonic()
    process = os.posix_spawn(sys.executable, command, {**os.environ})
    peak = 0
    while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, _peak(process))
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    _, status, usage = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"karb-guard audit ended with {code}")
    report = json.loads(out.read_text())["report"]
    return Run(pods, seconds, usage.ru_utime + usage.ru_stime, peak / 1024, report)


def _peak(process: int) -> int:
    """KiB. Of ``wait4`` they would be those of this process, which is larger, at the ``exec``."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) if found else 0


def check(run: Run, wrong: Counter[tuple[str, str]]) -> None:
    """Every planted violation is found, and nothing else in the planted namespaces."""
    found: Counter[tuple[str, str]] = Counter()
    for each in run.report["findings"]:
        owner = each["owner"]
        parts = (owner["namespace"], owner["kind"], owner["name"])
        place = "/".join(part for part in parts if part)
        if "team-" in place or owner["kind"] == "Node":
            found[place, each["name"]] += 1
    if found != wrong:
        missed, more = wrong - found, found - wrong
        raise SystemExit(f"missed: {missed.most_common(5)}; not planted: {more.most_common(5)}")


def main() -> None:
    """Build, scan, grow, scan, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit")
    parser.add_argument("--pods", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--namespaces", type=int, default=NAMESPACES)
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as place:
        control = ControlPlane(Path(place))
        try:
            control.start(controllers=False)
            builder = Builder(connect(control.kubeconfig), args.namespaces)
            begun = time.monotonic()
            builder.build()
            runs = []
            for pods in args.pods:
                builder.grow(pods)
                built = time.monotonic() - begun
                print(f"{pods:,} pods stand after {built:.0f} s", file=sys.stderr, flush=True)
                run = scan(control.kubeconfig, Path(place), pods)
                check(run, builder.wrong)
                runs.append(run)
        finally:
            control.stop()
    print(_table(runs, builder.wrong.total()))


def _table(runs: list[Run], planted_count: int) -> str:
    head = ("pods", "objects checked", "planted, all found", "seconds", "of CPU", "peak MiB")
    rows = [
        (
            f"{run.pods:,}",
            f"{run.report['coverage']['checked']:,}",
            planted_count,
            f"{run.seconds:.1f}",
            f"{run.cpu_seconds:.1f}",
            f"{run.mebibytes:.0f}",
        )
        for run in runs
    ]
    return markdown(head, rows)


if __name__ == "__main__":
    main()
