"""Fills a real API server with a large cluster, quickly.

Deployments become pods through kube-controller-manager; kwok keeps the nodes Ready and lets the
pods run. There is no scheduler: a loop binds pods to GPU nodes in turn, through ``pods/binding``
as a scheduler does, without asking whether they fit. They don't: 10,000 pods of one GPU each are
more than 200 nodes of 8 have, and no invariant asks.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import orjson

from benchmarks.large_cluster import (
    GPU_NODES,
    Json,
    collection,
    definitions,
    nodes,
    stack,
)
from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError, ConflictError
from tests.support import planted

THREADS = 8
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "node-lifecycle-controller",
    "serviceaccount-controller",
)
"""Those that take part. The autoscalers' would find no metrics, and that of quotas would write each
quota once a pod."""
MANAGER_FLAGS = (
    f"--controllers={','.join(CONTROLLERS)}",
    "--kube-api-qps=2000",
    "--kube-api-burst=4000",
    "--concurrent-replicaset-syncs=20",
    "--concurrent-deployment-syncs=20",
    "--node-monitor-grace-period=600s",
)
"""On a busy machine a lease may be late: its node shall not be given up for that."""
ATTEMPTS = 6
"""Of one request; a timeout of admission plugins on a busy machine is a 403."""
WAIT_SECONDS = 1_800
"""For pods to run: 50,000 take some minutes."""
_DEPLOYMENTS = "/apis/apps/v1/deployments"
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Builder:
    """Creates what people and operators would."""

    def __init__(
        self, client: ClusterClient, namespaces: int, check: Callable[[], None] = lambda: None
    ) -> None:
        """``check`` raises where what has to run for the cluster to grow no longer does."""
        self._client = client
        self._namespaces = namespaces
        self._check = check
        self._pool = ThreadPoolExecutor(THREADS)
        self._binder = Binder(client, self._pool)
        self._deployments: list[str] = []
        self.wrong: Counter[tuple[str, str]] = Counter()

    def build(self) -> None:
        """Everything but pods: the Deployments ask for none yet."""
        self._create([*planted.CLUSTER, *definitions()])
        time.sleep(3)
        self._create(nodes())
        stacks = [stack(number) for number in range(self._namespaces)]
        for each in stacks:
            self.wrong += each.wrong
        self._create(o for each in stacks for o in each.first if o["kind"] == "Namespace")
        self._create(o for each in stacks for o in each.first if o["kind"] != "Namespace")
        self._create(o for each in stacks for o in each.rest)
        deployments = [o for each in stacks for o in each.deployments]
        for deployment in deployments:
            deployment["spec"]["replicas"] = 0
        self._create(deployments)
        self._deployments = [f"{collection(o)}/{o['metadata']['name']}" for o in deployments]

    def wait_for_nodes(self) -> None:
        """Until kwok has made every node Ready and the node lifecycle controller has seen it."""

        def waiting() -> int:
            self._check()
            items, _ = self._client.list("/api/v1/nodes")
            return sum(not _is_ready(node) for node in items)

        _until_none(waiting, "nodes are not Ready")

    def grow(self, pods: int) -> None:
        """Let every Deployment ask for its share of so many pods, and wait until they run."""
        replicas = pods // len(self._deployments)
        change = {"spec": {"replicas": replicas}}
        list(self._pool.map(lambda path: self._scale(path, change), self._deployments))
        wanted = replicas * len(self._deployments)

        def waiting() -> int:
            self._check()
            self._binder.bind()
            return wanted - self._ready()

        _until_none(waiting, "pods don't run")

    def _ready(self) -> int:
        """Pods that their Deployments count as ready, as kubectl's table says: it is short."""
        query = {"includeObject": "None"}
        table = orjson.loads(self._client.read(_DEPLOYMENTS, query, 60, _TABLE))
        place = [column["name"] for column in table["columnDefinitions"]].index("Ready")
        return sum(int(row["cells"][place].partition("/")[0]) for row in table["rows"])

    def _scale(self, path: str, change: Json) -> None:
        _patiently(lambda: self._client.merge(path, change, 30))

    def _create(self, objects: Iterable[Json]) -> None:
        """All of them, in no order."""
        list(self._pool.map(self._one, objects))

    def _one(self, obj: Json) -> None:
        with contextlib.suppress(ConflictError):  # an attempt without an answer may have done it
            _patiently(lambda: self._client.create(collection(obj), obj, 30))


def _is_ready(node: Json) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    taints = node["spec"].get("taints", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) and not any(
        taint["key"].startswith("node.kubernetes.io/") for taint in taints
    )


def _until_none(waiting: Callable[[], int], what: str) -> None:
    """Poll until nothing is awaited; says how it goes, and gives up in the end."""
    begun = told = time.monotonic()
    while left := waiting():
        now = time.monotonic()
        if now - begun > WAIT_SECONDS:
            raise SystemExit(f"{left:,} {what} after {WAIT_SECONDS} s: see the logs")
        if now - told > 30:
            told = now
            print(f"{left:,} {what} yet", file=sys.stderr, flush=True)
        time.sleep(1 if left < 500 else 3)  # looking costs the API server something, too


class Binder:
    """Binds pods to GPU nodes in turn."""

    def __init__(self, client: ClusterClient, pool: ThreadPoolExecutor) -> None:
        self._client = client
        self._pool = pool
        self._numbers = count()

    def bind(self) -> None:
        """Bind all pods that have no node now."""
        while list(self._pool.map(self._bind, self._unbound())):
            pass

    def _unbound(self) -> list[tuple[str, str]]:
        """(namespace, name) of pods that have no node."""
        query = {"fieldSelector": "spec.nodeName=", "limit": "2000"}
        body = self._client.read("/api/v1/pods", query, 60, _NAMES_ONLY)
        found = (item["metadata"] for item in orjson.loads(body)["items"] or ())
        return [(metadata["namespace"], metadata["name"]) for metadata in found]

    def _bind(self, pod: tuple[str, str]) -> None:
        namespace, name = pod
        node = f"node-{next(self._numbers) % GPU_NODES}"
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        path = f"/api/v1/namespaces/{segment(namespace)}/pods/{segment(name)}/binding"
        with contextlib.suppress(ConflictError):  # a cached list may show what is bound already
            _patiently(lambda: self._client.create(path, binding, 30))


def _patiently(action: Callable[[], object]) -> None:
    """Do it again where a busy API server had no time."""
    for attempt in range(ATTEMPTS):
        try:
            action()
        except ClusterError as error:
            last = attempt == ATTEMPTS - 1
            busy = "unable to return a response in the time allotted" in str(error)
            if last or not (busy or error.status in (0, 404, 429, 500, 504)):
                raise
            time.sleep(2**attempt)
        else:
            return
