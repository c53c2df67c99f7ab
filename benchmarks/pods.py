"""Reviews of the named pods, as one ReplicaSet and as many workloads would send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

REVIEWS = Path(__file__).parents[1] / "examples" / "reviews"
PODS = ("clean", "ten-findings")
REPLICAS = 200
WORKLOADS = 4_000
"""More than the webhook remembers templates (``karb_guard.facts.memory``): asked for one after the
other, none of them is ever found there."""


def same(name: str) -> list[bytes]:
    """One pod over and over again."""
    return [(REVIEWS / f"{name}.json").read_bytes()]


def replicas(name: str) -> list[bytes]:
    """Pods of one ReplicaSet: each has a name, a uid and a token volume of its own."""
    return _made(name, REPLICAS, _rename)


def workloads(name: str) -> list[bytes]:
    """Pods that have no template in common: each has containers of its own, too."""
    return _made(name, WORKLOADS, _change)


def _made(name: str, count: int, change: Callable[[dict[str, Any], int], None]) -> list[bytes]:
    text = (REVIEWS / f"{name}.json").read_text(encoding="utf-8")
    bodies = []
    for number in range(count):
        review = json.loads(text)
        change(review["request"], number)
        bodies.append(json.dumps(review, separators=(",", ":")).encode())
    return bodies


def _rename(request: dict[str, Any], number: int) -> None:
    pod = request["object"]
    name, uid = f"{pod['metadata']['name']}-{number:05}", f"{number:032x}"
    request.update(uid=uid, name=name)
    pod["metadata"].update(name=name, uid=uid)
    _mount_token(pod["spec"], f"kube-api-access-{number:05}")


def _change(request: dict[str, Any], number: int) -> None:
    _rename(request, number)
    for container in request["object"]["spec"]["containers"]:
        variable = {"name": "WORKLOAD", "value": str(number)}
        container["env"] = [*container.get("env", []), variable]


def _mount_token(spec: dict[str, Any], volume: str) -> None:
    """What the API server's ServiceAccount admission adds."""
    source = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    projected = {"defaultMode": 420, "sources": [source]}
    spec["volumes"] = [*spec.get("volumes", []), {"name": volume, "projected": projected}]
    path = "/var/run/secrets/kubernetes.io/serviceaccount"
    for container in spec["containers"]:
        mount = {"name": volume, "mountPath": path, "readOnly": True}
        container["volumeMounts"] = [*container.get("volumeMounts", []), mount]
