"""Several webhook replicas behind one balancer, as a Deployment and its Service would be.

They share what replicas in a cluster share: the Secret of the certificate authority, the Lease,
the configuration file, the registration. Each is a process of its own on ports of its own.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.balancer import Backend, Balancer, balancing, until
from tests.support.controlplane import REPOSITORY, Cluster, free_port
from tests.support.webhook_process import (
    KIND,
    LABEL,
    LOOPBACK,
    environment,
    karb_guard,
    registration,
    unique,
)

Json = dict[str, Any]
READY_SECONDS = 60.0
DRAIN_SECONDS = 3
"""Longer than the balancer takes to let a backend go, as the chart's is."""
END_SECONDS = 30.0
SECRET, LEASE = "karb-guard-ca", "karb-guard"


@dataclass
class Replica:
    """One process of the webhook."""

    port: int
    metrics_port: int
    log: Path
    process: subprocess.Popen[bytes]
    backend: Backend

    def get(self, path: str) -> str:
        """A page of the plain HTTP port. Raises ``OSError``."""
        url = f"http://{LOOPBACK}:{self.metrics_port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def loaded(self) -> str:
        """The digest of what is loaded, once ready; empty before."""
        with contextlib.suppress(OSError):
            said = json.loads(self.get("/readyz"))
            return str(said["loaded"]) if said["ready"] else ""
        return ""

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        found = re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)$", self.get("/metrics"), re.M)
        return sum(map(float, found))

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]


@dataclass
class Fleet:
    """Replicas and what they share; use ``deployed`` as a context."""

    cluster: Cluster
    directory: Path
    balancer: Balancer
    config: Json
    arguments: Sequence[str] = ()
    """Further arguments of ``webhook serve``."""
    tls: Sequence[str] = (f"--tls-secret={SECRET}",)
    """Where certificates come from."""
    command: Sequence[str] = field(default_factory=karb_guard)
    """How karb-guard is started; another release has another."""
    name: str = field(default_factory=lambda: unique("karb-drill"))
    replicas: list[Replica] = field(default_factory=list)
    _started: int = 0

    @property
    def labels(self) -> Mapping[str, str]:
        """What a namespace carries to be judged."""
        return {LABEL: self.name}

    @property
    def config_file(self) -> Path:
        """What every replica reads."""
        return self.directory / "karb-guard.yaml"

    @property
    def registration_file(self) -> Path:
        """What is registered."""
        return self.directory / "registration.json"

    def prepare(self) -> None:
        """Write the files and make the namespace of Secret and Lease."""
        self.write_config(self.config)
        document = registration(self.balancer.url, self.name, self.labels)
        self.registration_file.write_text(json.dumps(document), encoding="utf-8")
        self.cluster.kubectl("create", "namespace", self.name)

    def write_config(self, config: Json) -> None:
        """Replace the configuration in one step, as a mounted ConfigMap is."""
        new = self.config_file.with_suffix(".new")
        new.write_text(yaml.safe_dump(config), encoding="utf-8")
        new.replace(self.config_file)

    def start(self, *more: str) -> Replica:
        """Start one more replica; returns before it is ready."""
        port, probe_port = free_port(), free_port()
        self._started += 1
        path = self.directory / f"replica-{self._started}.log"
        with path.open("ab") as log:
            process = subprocess.Popen(
                [*self.command, *self._flags(port, probe_port), *self.arguments, *more],
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env=environment(),
            )
        replica = Replica(port, probe_port, path, process, self.balancer.add(port, probe_port))
        self.replicas.append(replica)
        return replica

    def start_ready(self, count: int = 1) -> list[Replica]:
        """Start replicas and wait until connections may go to them."""
        made = [self.start() for _ in range(count)]
        for replica in made:
            self.wait_ready(replica)
        return made

    def wait_ready(self, replica: Replica) -> float:
        """Wait until the balancer sends connections to ``replica``; how long it took."""

        def ready() -> bool:
            code = replica.process.poll()
            assert code is None, f"a replica ended with {code}:\n{replica.tail()}"
            return replica.backend.unready_since is None

        return until(ready, READY_SECONDS, f"a replica is ready:\n{replica.tail()}")

    def wait_registered(self) -> float:
        """Wait until the API server has the registration."""
        return until(self.ca_bundle, READY_SECONDS, "the webhook is registered")  # type: ignore[arg-type]

    def ca_bundle(self) -> str:
        """The registered caBundle, base64; empty where there is none."""
        template = "jsonpath={.webhooks[0].clientConfig.caBundle}"
        return self.cluster.kubectl("get", KIND, self.name, "-o", template, check=False).stdout

    def put_authority(self, certificate: bytes, key: bytes | None) -> None:
        """Replace what the authority's Secret holds, as somebody with kubectl would."""
        data = {"ca.crt": base64.b64encode(certificate).decode()}
        if key is not None:
            data["ca.key"] = base64.b64encode(key).decode()
        patch = json.dumps([{"op": "replace", "path": "/data", "value": data}])
        self.cluster.kubectl(
            "patch", f"-n{self.name}", "secret", SECRET, "--type=json", "-p", patch
        )

    def terminate(self, replica: Replica) -> None:
        """SIGTERM, as the kubelet sends it, and wait for the end."""
        replica.process.terminate()
        code = replica.process.wait(END_SECONDS)
        self.forget(replica)
        assert code == 0, f"the replica ended with {code} after SIGTERM:\n{replica.tail()}"

    def kill(self, replica: Replica) -> None:
        """``kill -9``; the balancer finds out by itself."""
        replica.process.send_signal(signal.SIGKILL)
        replica.process.wait(END_SECONDS)
        self.replicas.remove(replica)

    def forget(self, replica: Replica) -> None:
        """A replica that ended."""
        self.balancer.remove(replica.backend)
        self.replicas.remove(replica)

    def stop(self) -> None:
        """End what this fleet started, by pid, and clean the cluster."""
        for replica in list(self.replicas):
            replica.process.kill()
            replica.process.wait(END_SECONDS)
        for kind in (KIND, "mutatingwebhookconfiguration"):
            self.cluster.kubectl("delete", kind, self.name, "--ignore-not-found", check=False)
        self.cluster.kubectl("delete", "namespace", self.name, "--wait=false", check=False)

    def logs(self) -> str:
        """The end of every log, for messages of failing drills."""
        files = sorted(self.directory.glob("replica-*.log"))
        return "\n".join(f"{f.name}: {f.read_text(errors='replace')[-1500:]}" for f in files)

    def _flags(self, port: int, probe_port: int) -> list[str]:
        return [
            *("webhook", "serve", f"--config={self.config_file}", f"--address={LOOPBACK}"),
            *(f"--port={port}", f"--metrics-port={probe_port}"),
            *(f"--drain-seconds={DRAIN_SECONDS}", f"--tls-host={LOOPBACK}"),
            *(f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self.name}"),
            *(*self.tls, f"--lease={LEASE}", "--register=whole"),
            f"--registration-file={self.registration_file}",
            f"--url={self.balancer.url}",
        ]


@contextlib.contextmanager
def deployed(
    cluster: Cluster, directory: Path, config: Json, replicas: int = 2, **changes: Any
) -> Iterator[Fleet]:
    """A fleet that is ready and registered if it has replicas; taken away whatever happens."""
    with balancing() as balancer:
        fleet = Fleet(cluster, directory, balancer, config, **changes)
        try:
            fleet.prepare()
            if replicas:
                fleet.start_ready(replicas)
                fleet.wait_registered()
            yield fleet
        finally:
            fleet.stop()
