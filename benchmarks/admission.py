"""What admission adds to the create of a pod, on one API server in one run.

Dry-run creates of the two named pods in namespaces that differ only in who judges them: nobody, a
ValidatingAdmissionPolicy with three CEL rules (the floor), one replica of ours, two replicas. The
arrangements take turns, so that the noise of a shared machine falls on all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.engines import EXAMPLES, PODS, pod
from benchmarks.table import markdown
from tests.support.balancer import until
from tests.support.controlplane import Cluster, ControlPlane
from tests.support.fleet import Fleet, Replica, deployed
from tests.support.http_client import Connection, Endpoint, api_server
from tests.support.lone_webhook import LoneWebhook, lone_webhook
from tests.support.parity import cluster_objects
from tests.support.processes import cpu_seconds

CLIENTS = (1, 10, 50)
ROUNDS = 2
LABEL = "karb.dev/bench"
ENFORCE = {"error": "enforce", "warning": "enforce", "info": "enforce"}
CONFIG: dict[str, Any] = {
    "params": {"img-registry": {"registries": ["registry.example.com"]}},
    "stages": {"default": ENFORCE},
}
NOBODY, CEL, ONE, TWO = (
    "no webhook",
    "ValidatingAdmissionPolicy, 3 CEL rules",
    "karb-guard, 1 replica",
    "karb-guard, 2 replicas",
)
CEL_RULES = (
    "object.spec.containers.all(c, has(c.resources.limits) && 'memory' in c.resources.limits)",
    "object.spec.containers.all(c, !c.image.endsWith(':latest'))",
    "object.spec.containers.all(c, !c.?securityContext.allowPrivilegeEscalation.orValue(true))",
)


@dataclass
class Measured:
    """What one arrangement, pod and number of clients gave, over all rounds."""

    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    """CPU seconds of the webhook's processes."""
    reviews: float = 0.0
    """Answered by them."""
    handshakes: int = 0
    """New TLS connections to them."""

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


async def ask_steadily(
    endpoint: Endpoint, request: bytes, expected: int, clients: int, seconds: float
) -> tuple[list[float], int]:
    """Closed loop: each client asks again once it was answered. Seconds each, and handshakes."""
    taken: list[float] = []
    connections = [Connection(endpoint) for _ in range(clients)]
    end = time.monotonic() + seconds

    async def client(connection: Connection) -> None:
        while time.monotonic() < end:
            begun = time.perf_counter()
            status, body = await connection.ask(request)
            taken.append(time.perf_counter() - begun)
            if status != expected:
                raise SystemExit(f"{status} instead of {expected}: {body[:500]!r}")
        connection.close()

    await asyncio.gather(*map(client, connections))
    return taken, sum(connection.opened for connection in connections)


class Bench:
    """The arrangements on one API server."""

    def __init__(self, cluster: Cluster, fleets: dict[str, Fleet], seconds: float) -> None:
        self._cluster = cluster
        self._fleets = fleets
        self._seconds = seconds
        self._endpoint = api_server(cluster)
        self._measured: dict[tuple[str, str, int], Measured] = {}
        self._where = {name: f"bench-{n}" for n, name in enumerate((NOBODY, CEL, ONE, TWO))}

    def prepare(self) -> None:
        """Namespaces, what the pods name, and the policy."""
        for arrangement, name in self._where.items():
            fleet = self._fleets.get(arrangement)
            labels = {LABEL: "cel" if arrangement == CEL else "other"}
            labels |= dict(fleet.labels) if fleet else {}
            metadata = {"name": name, "labels": labels}
            self._create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            until(lambda name=name: self._has_account(name), 30, "the ServiceAccount")
            self._cluster.kubectl("create", f"-n{name}", "serviceaccount", "chat-server")
        for obj in cluster_objects(pod(name) for name in PODS):
            self._create(obj)
        for obj in _cel_policy():
            self._create(obj)
        for arrangement in (CEL, ONE, TWO):
            request = self._request(arrangement, "ten-findings")
            until(lambda r=request: self._status(r) in (403, 422), 30, f"{arrangement} denies")

    def run(self) -> None:
        """All rounds."""
        for _ in range(ROUNDS):
            for name in PODS:
                for clients in CLIENTS:
                    for arrangement in self._where:
                        self._measure(arrangement, name, clients)

    def table(self) -> str:
        """Latencies and what they are above those without a webhook."""
        rows = []
        for (arrangement, name, clients), one in sorted(
            self._measured.items(), key=lambda item: (item[0][1], item[0][2])
        ):
            base = self._measured[NOBODY, name, clients]
            shown = [f"{one.percentile(p):.1f}" for p in (0.5, 0.95, 0.99)]
            added = [f"{one.percentile(p) - base.percentile(p):+.1f}" for p in (0.5, 0.95, 0.99)]
            cpu = f"{one.cpu / one.reviews * 1000:.2f}" if one.reviews else ""
            handshakes = one.handshakes if arrangement in self._fleets else ""
            cells = [name, clients, arrangement, len(one.seconds), " / ".join(shown)]
            rows.append([*cells, " / ".join(added), cpu, handshakes])
        head = ("pod", "clients", "judged by", "creates", "p50 / p95 / p99 ms", "added ms")
        return markdown((*head, "CPU ms a review", "TLS handshakes"), rows)

    def _measure(self, arrangement: str, name: str, clients: int) -> None:
        fleet = self._fleets.get(arrangement)
        request = self._request(arrangement, name)
        expected = 201 if name == "clean" or arrangement == NOBODY else None
        if expected is None:
            expected = 422 if arrangement == CEL else 403
        before = _totals(fleet)
        taken, _ = asyncio.run(
            ask_steadily(self._endpoint, request, expected, clients, self._seconds)
        )
        after = _totals(fleet)
        one = self._measured.setdefault((arrangement, name, clients), Measured())
        one.seconds += taken
        one.cpu += after[0] - before[0]
        one.reviews += after[1] - before[1]
        one.handshakes += int(after[2] - before[2])

    def _request(self, arrangement: str, name: str) -> bytes:
        obj = pod(name)
        obj["metadata"]["namespace"] = where = self._where[arrangement]
        path = f"/api/v1/namespaces/{where}/pods?dryRun=All"
        return self._endpoint.request("POST", path, json.dumps(obj).encode())

    def _status(self, request: bytes) -> int:
        async def once() -> int:
            connection = Connection(self._endpoint)
            status, _ = await connection.ask(request)
            connection.close()
            return status

        return asyncio.run(once())

    def _has_account(self, namespace: str) -> bool:
        what = ("get", f"-n{namespace}", "serviceaccount", "default")
        return self._cluster.kubectl(*what, check=False).returncode == 0

    def _create(self, obj: dict[str, Any]) -> None:
        self._cluster.kubectl("create", "-f", "-", stdin=json.dumps(obj))


def _totals(fleet: Fleet | None) -> tuple[float, float, float]:
    """CPU seconds, reviews and TLS connections of a fleet so far."""
    if fleet is None:
        return 0.0, 0.0, 0.0
    replicas: Sequence[Replica] = fleet.replicas
    return (
        cpu_seconds(*(replica.process.pid for replica in replicas)),
        sum(r.metric("karb_guard_review_duration_seconds_count") for r in replicas),
        sum(replica.backend.connections for replica in replicas),
    )


def _cel_policy() -> list[dict[str, Any]]:
    api = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": text} for text in CEL_RULES],
    }
    selector = {"namespaceSelector": {"matchLabels": {LABEL: "cel"}}}
    binding = {"policyName": "bench", "validationActions": ["Deny"], "matchResources": selector}
    name = {"name": "bench"}
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": name,
            "spec": spec,
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": name,
            "spec": binding,
        },
    ]


def direct(webhook: LoneWebhook, seconds: float) -> str:
    """The webhook asked directly with the reviews that an API server sent."""
    endpoint, rows = Endpoint("127.0.0.1", webhook.port, webhook.tls()), []
    for name in PODS:
        request = endpoint.request(
            "POST", "/validate", (EXAMPLES / "reviews" / f"{name}.json").read_bytes()
        )
        for clients in CLIENTS:
            before = cpu_seconds(webhook.process.pid)
            taken, opened = asyncio.run(ask_steadily(endpoint, request, 200, clients, seconds))
            cpu = (cpu_seconds(webhook.process.pid) - before) / len(taken) * 1000
            one = Measured(taken)
            shown = " / ".join(f"{one.percentile(p):.1f}" for p in (0.5, 0.95, 0.99))
            rate = f"{len(taken) / seconds:.0f}"
            rows.append((name, clients, rate, shown, f"{cpu:.2f}", opened))
    head = ("pod", "clients", "reviews/s", "p50 / p95 / p99 ms", "CPU ms a review")
    return markdown((*head, "TLS handshakes"), rows)


def run(seconds: float) -> str:
    """Both tables."""
    with tempfile.TemporaryDirectory(prefix="karb-guard-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        plane = ControlPlane(directory / "plane")
        plane.directory.mkdir()
        stack.callback(plane.stop)
        cluster = plane.start()
        fleets = {}
        for arrangement, count in ((ONE, 1), (TWO, 2)):
            own = directory / str(count)
            own.mkdir()
            fleets[arrangement] = stack.enter_context(deployed(cluster, own, CONFIG, count))
        bench = Bench(cluster, fleets, seconds)
        bench.prepare()
        bench.run()
        through = bench.table()
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "karb-guard.yaml"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        with lone_webhook(config) as webhook:
            alone = direct(webhook, seconds)
    return (
        "Dry-run creates through the API server; ours behind a TCP balancer in Python, in the "
        f"process of the load:\n\n{through}\n"
        f"The same reviews sent to one replica directly:\n\n{alone}"
    )


def main() -> int:
    """``make bench-admission``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.admission")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the runs")
    print(run(parser.parse_args().seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
