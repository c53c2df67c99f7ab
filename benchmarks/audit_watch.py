"""``python -m benchmarks.audit_watch``: a large cluster under ``karb-guard audit --watch``.

How long a change takes until its line, and what memory and processor the watch takes, beside the
figures of a scan (``benchmarks.audit``, which builds the cluster).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.audit import Builder, Json
from benchmarks.table import markdown
from karb_guard.cluster.client import ClusterClient, connect
from tests.support import planted
from tests.support.controlplane import ControlPlane
from tests.support.watch_process import WatchProcess, watching

IDLE_SECONDS = 20
SECONDS = 300
CHANGES = 5
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


class Run(NamedTuple):
    """One watch."""

    pods: int
    first: float
    """Seconds until the first report."""
    near: float
    """Seconds until the line of a change in one namespace, the slowest of some."""
    far: float
    """Seconds until everything was judged again, after a change of a Node."""
    idle: float
    """Processor seconds a minute while nothing happens."""
    mebibytes: float
    """Peak of the process."""


def measure(kubeconfig: Path, client: ClusterClient, directory: Path, pods: int) -> Run:
    """Watch, change something, look at the process."""
    begun = time.monotonic()
    with watching(directory, "--kubeconfig", kubeconfig, *planted.SETTINGS) as watch:
        first = time.monotonic() - begun
        near = max(_near(client, watch, number) for number in range(CHANGES))
        before = watch.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        idle = (watch.cpu_seconds() - before) * 60 / IDLE_SECONDS
        far = _far(client, watch)
        return Run(pods, first, near, far, idle, watch.peak_mebibytes())


def _near(client: ClusterClient, watch: WatchProcess, number: int) -> float:
    """A workload without limits is made, and found."""
    namespace = f"team-{number:03d}"
    name = f"late-{os.getpid()}-{number}"
    spec: Json = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/late:latest"}]},
        },
    }
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    path = DEPLOYMENTS.format(namespace)
    client.create(path, obj)
    took = watch.until(name, lambda w: any(k[4] == name for k in w.view()), SECONDS)
    client.delete(f"{path}/{name}")
    watch.until(f"no {name}", lambda w: not any(k[4] == name for k in w.view()), SECONDS)
    return took


def _far(client: ClusterClient, watch: WatchProcess) -> float:
    """A Node's taint goes: findings about Nodes and about what tolerates come with everything."""
    items, _ = client.list("/api/v1/nodes", {"labelSelector": "nvidia.com/gpu.present=true"})
    node = (items or client.list("/api/v1/nodes")[0])[0]["metadata"]["name"]
    path = f"/api/v1/nodes/{node}"
    seen = watch.cpu_seconds()
    begun = time.monotonic()
    client.merge(path, {"metadata": {"labels": {"e2e.karb.dev/touched": str(time.time_ns())}}})
    # No finding depends on this label: the end of the judgement is when the process rests again.
    busy = time.monotonic()
    while time.monotonic() - busy < 8 and time.monotonic() - begun < SECONDS:
        time.sleep(0.25)
        now = watch.cpu_seconds()
        if now - seen > 0.05:
            busy = time.monotonic()
        seen = now
    return busy - begun


def main() -> None:
    """Build, watch, grow, watch, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_watch")
    parser.add_argument("--pods", type=int, nargs="+", default=[2_000, 10_000])
    parser.add_argument("--namespaces", type=int, default=100)
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as place:
        control = ControlPlane(Path(place))
        try:
            control.start(controllers=False)
            client = connect(control.kubeconfig)
            builder = Builder(client, args.namespaces)
            builder.build()
            runs = []
            for pods in args.pods:
                builder.grow(pods)
                print(f"{pods:,} pods stand", file=sys.stderr, flush=True)
                runs.append(measure(control.kubeconfig, client, Path(place), pods))
                print(json.dumps(runs[-1]._asdict()), file=sys.stderr, flush=True)
        finally:
            control.stop()
    print(_table(runs))


def _table(runs: list[Run]) -> str:
    head = ("pods", "first report", "a change", "of a Node: all", "idle CPU a minute", "peak")
    rows = [
        (
            f"{run.pods:,}",
            f"{run.first:.1f} s",
            f"{run.near:.1f} s",
            f"{run.far:.1f} s",
            f"{run.idle:.2f} s",
            f"{run.mebibytes:.0f} MiB",
        )
        for run in runs
    ]
    return markdown(head, rows)


if __name__ == "__main__":
    main()
