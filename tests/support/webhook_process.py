"""``karb-guard webhook serve`` as a process of its own, registered with a cluster by URL.

The webhook registers itself, with the product's own rules. Only namespaces that carry its label
are sent to it, so that it can stand beside others and in somebody's cluster without disturbing
either. ``KARB_GUARD_E2E_HOST`` names this machine for API servers elsewhere (kind, a remote
cluster); without it everything stays on loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.controlplane import REPOSITORY, Cluster, free_port
from webhook import rules

LABEL = "karb.dev/e2e-webhook"
"""A namespace carries it with the name of the webhook that judges its objects."""
KIND = "validatingwebhookconfiguration"
MUTATING_KIND = "mutatingwebhookconfiguration"
LOOPBACK = "127.0.0.1"
READY_SECONDS = 150
STOP_SECONDS = 15

Json = dict[str, Any]


def karb_guard() -> list[str]:
    """The console script of the environment, or its module where only the checkout is there."""
    script = Path(sys.executable).with_name("karb-guard")
    return [str(script)] if script.exists() else [sys.executable, "-m", "karb_guard"]


def unique(prefix: str) -> str:
    """A name that no other run uses."""
    return f"{prefix}-{secrets.token_hex(3)}"


@dataclass
class WebhookProcess:
    """One webhook. Use ``serving`` as a context: it stops the process and cleans the cluster."""

    cluster: Cluster
    directory: Path
    """Takes configuration, certificates and log."""
    config: Mapping[str, Any]
    """What ``karb-guard.yaml`` says."""
    more_rules: Sequence[Mapping[str, Any]] = ()
    """Rules of the registration beside the product's own."""
    more_arguments: Sequence[str] = ()
    mutating: bool = False
    """Whether Pods of its namespaces are sent to ``/mutate`` too."""
    tls_secret: str | None = None
    """The Secret of the certificate authority; ``None``: it is in ``tls_directory``."""
    name: str = field(default_factory=lambda: unique("karb-e2e"))
    """Of the registration, and the value of ``LABEL``."""
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """How the API server names this machine."""
        return os.environ.get("KARB_GUARD_E2E_HOST", LOOPBACK)

    @property
    def tls_directory(self) -> Path:
        """Where the webhook keeps its certificate authority."""
        return self.directory / "tls"

    @property
    def labels(self) -> dict[str, str]:
        """What a namespace has to carry to be judged by this webhook."""
        return {LABEL: self.name}

    def start(self) -> None:
        """Start the process and wait until it is ready and registered."""
        self._write_files()
        with (self.directory / "webhook.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=REPOSITORY, env=environment()
            )
        self._until(self._ready, "ready")
        self._until(self.registered, "registered")

    def command(self) -> list[str]:
        """What is run."""
        elsewhere = self.host != LOOPBACK
        return [
            *karb_guard(),
            "webhook",
            "serve",
            f"--config={self.directory / 'karb-guard.yaml'}",
            f"--address={'0.0.0.0' if elsewhere else LOOPBACK}",  # noqa: S104 - the cluster's node calls
            f"--port={self.port}",
            f"--metrics-port={self.metrics_port}",
            "--drain-seconds=0",
            f"--tls-secret={self.tls_secret}"
            if self.tls_secret
            else f"--tls-dir={self.tls_directory}",
            f"--tls-host={self.host}",
            f"--kubeconfig={self.cluster.kubeconfig}",
            "--register=whole",
            f"--registration-file={self.directory / 'registration.json'}",
            f"--url=https://{self.host}:{self.port}",
            *self.more_arguments,
        ]

    def stop(self) -> None:
        """End the process by its pid, then remove its registration."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_SECONDS)
        self.cluster.kubectl("delete", KIND, self.name, "--ignore-not-found")
        if self.mutating:
            self.cluster.kubectl("delete", MUTATING_KIND, self.name, "--ignore-not-found")

    def registered(self) -> bool:
        """Whether the configurations exist with a caBundle."""
        kinds = (KIND, MUTATING_KIND) if self.mutating else (KIND,)
        return all(map(self.ca_bundle, kinds))

    def ca_bundle(self, kind: str = KIND) -> str:
        """The registered caBundle, base64; empty where there is no registration."""
        template = "jsonpath={.webhooks[0].clientConfig.caBundle}"
        done = self.cluster.kubectl("get", kind, self.name, "-o", template, check=False)
        return done.stdout

    def metric(self, name: str, **labels: str) -> float:
        """The value of a sample in ``/metrics``; 0 where it was never counted."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self._get("/metrics").splitlines():
            found = re.fullmatch(rf"{re.escape(name)}(?:\{{(.*)\}})? (\S+)", line)
            if found and wanted <= set((found[1] or "").split(",")):
                return float(found[2])
        return 0.0

    def log(self) -> str:
        """The end of the log, for messages of failing tests."""
        return (self.directory / "webhook.log").read_text(errors="replace")[-4000:]

    def _write_files(self) -> None:
        url = f"https://{self.host}:{self.port}"
        document = registration(url, self.name, self.labels)
        document["webhooks"][0]["rules"] += [
            {**rule, "scope": "Namespaced"} for rule in self.more_rules
        ]
        documents = [document, *([self._mutating(url)] if self.mutating else [])]
        text = "\n---\n".join(map(json.dumps, documents))
        (self.directory / "registration.json").write_text(text, encoding="utf-8")
        config = yaml.safe_dump(dict(self.config))
        (self.directory / "karb-guard.yaml").write_text(config, encoding="utf-8")

    def _mutating(self, url: str) -> Json:
        options = rules.RegistrationOptions(f"{url}{rules.PATH}", name=self.name)
        document = rules.mutating_configuration(options, b"")
        for webhook in document["webhooks"]:
            webhook["namespaceSelector"] = {"matchLabels": self.labels}
        return document

    def _ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(json.loads(self._get("/readyz"))["ready"])
        return False

    def _get(self, path: str) -> str:
        url = f"http://{LOOPBACK}:{self.metrics_port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def _until(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the webhook ended before it was {what}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"the webhook isn't {what} after {READY_SECONDS} s:\n{self.log()}"
                )
            time.sleep(0.1)


def registration(url: str, name: str, labels: Mapping[str, str]) -> Json:
    """What the product registers, for namespaces with ``labels`` only, and failing closed."""
    options = rules.RegistrationOptions(
        f"{url}{rules.PATH}",
        name=name,
        failure_policy="Fail",
        kinds=rules.catalogue_kinds(),
    )
    document = rules.configuration(options, b"")
    for webhook in document["webhooks"]:
        webhook["failurePolicy"] = "Fail"
        webhook["namespaceSelector"] = {"matchLabels": dict(labels)}
        for rule in webhook["rules"]:
            # A namespaceSelector keeps no cluster-scoped objects away but Namespaces.
            rule["scope"] = "Namespaced"
    return document


def environment() -> dict[str, str]:
    """The environment without what would point the webhook at another cluster."""
    return {key: value for key, value in os.environ.items() if key != "POD_NAMESPACE"}


@contextlib.contextmanager
def serving(webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """Run ``webhook``; the registration is removed whatever happens."""
    try:
        webhook.start()
        yield webhook
    finally:
        webhook.stop()


Judging = Callable[..., contextlib.AbstractContextManager[WebhookProcess]]
"""``judging(config, **changes)``: a context with a webhook that the API server asks."""
