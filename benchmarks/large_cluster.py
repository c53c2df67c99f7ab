"""The objects of a large cluster: clean services, and a known violation in every so many-th."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.support import planted
from tests.support.e2e_cluster import template

NODES, GPU_NODES, NAMESPACES = 1_000, 200, 500
CONTROLLERS = 4
"""Deployments of each namespace."""
EVERY = 50
"""Each so many-th Deployment is planted with a violation."""
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
