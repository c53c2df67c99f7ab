"""The sidecar's OPA as the chart starts it, killed and restarted under load: never an allow."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.toolchain import find_opa
from tests.support.chart import of_kind
from tests.support.controlplane import REPOSITORY, free_port
from tests.support.helm import render
from tests.support.webhook_rig import body, pod
from webhook.tls import client_context

SECONDS = 60
CLIENTS = 4


class Sidecar:
    """OPA with the chart's own arguments; only folder and ports are this machine's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.diagnostics = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.write()

    def write(self) -> None:
        """A bundle and a new token, as the Pod's first container does."""
        command = [sys.executable, "-m", "karb_guard", "policy", "bundle", "--token"]
        command += ["--output", str(self.folder)]
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()

    def start(self) -> None:
        deployment = of_kind(render("opa.enabled=true"), "Deployment")
        container = deployment["spec"]["template"]["spec"]["initContainers"][1]
        places = {
            "/opa/": f"{self.folder}/",
            "127.0.0.1:8181": f"127.0.0.1:{self.port}",
            "0.0.0.0:8282": f"127.0.0.1:{self.diagnostics}",
        }
        arguments = list(container["args"])
        for chart, here in places.items():
            arguments = [argument.replace(chart, here) for argument in arguments]
        with (self.folder / "opa.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(find_opa()), *arguments], stdout=log, stderr=log, cwd=self.folder
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def ask(self, path: str, method: str = "POST", token: str | None = None) -> int:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        url = f"http://127.0.0.1:{self.port}{path}"
        data = b'{"input":{}}' if method == "POST" else b"x"
        request = urllib.request.Request(url, data, headers, method=method)
        with contextlib.suppress(urllib.error.HTTPError):
            return int(urllib.request.urlopen(request, timeout=5).status)  # noqa: S310 - loopback
        return 401

    def healthy(self) -> bool:
        return reachable(f"http://127.0.0.1:{self.diagnostics}/health") == 200


def reachable(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def until(condition: Callable[[], bool], what: str) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < SECONDS, f"not {what} after {SECONDS} s"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    folder = tmp_path / "opa"
    folder.mkdir()
    made = Sidecar(folder)
    made.start()
    try:
        until(made.healthy, "healthy")
        yield made
    finally:
        made.kill()


class Webhook:
    """``karb-guard webhook serve`` with the sidecar as its engine."""

    def __init__(self, folder: Path, sidecar: Sidecar, when_away: str) -> None:
        self.folder = folder
        self.port, self.probes = free_port(), free_port()
        opa = {
            "url": f"http://127.0.0.1:{sidecar.port}",
            "tokenFile": str(sidecar.folder / "token"),
            "whenAway": when_away,
        }
        config = {
            "stages": {
                "namespaces": [{"match": "inference", "invariants": {"res-mem": "enforce"}}]
            },
            "engine": {"type": "opa", "opa": opa},
        }
        file = folder / "karb-guard.yaml"
        file.write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "karb_guard", "webhook", "serve", f"--config={file}"]
        command += ["--address=127.0.0.1", f"--port={self.port}", f"--metrics-port={self.probes}"]
        command += [f"--tls-dir={folder / 'tls'}", "--tls-host=localhost", "--drain-seconds=0"]
        with (folder / "webhook.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=REPOSITORY)

    @property
    def ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "webhook.log").read_text()[-2000:]
        return reachable(f"http://127.0.0.1:{self.probes}/readyz") == 200

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.probes}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    @property
    def back(self) -> float:
        """How often OPA came back."""
        found = re.search(r'karb_guard_engine_total\{outcome="back"\} (\S+)', self.metrics())
        return float(found[1]) if found else 0.0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Load:
    """Clients that ask about a bad and a clean Pod in turn, and what they were told."""

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self.counts: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        context = client_context((self.webhook.folder / "tls" / "ca.crt").read_bytes())
        connection = http.client.HTTPSConnection(
            "localhost", self.webhook.port, timeout=30, context=context
        )
        asked = {"bad": body(pod("server")), "clean": body(pod("server", limit="1Gi"))}
        while not self._stopping.is_set():
            for name, content in asked.items():
                started = time.monotonic()
                headers = {"content-type": "application/json"}
                connection.request("POST", "/validate", content, headers)
                response = json.loads(connection.getresponse().read())["response"]
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.counts[f"{name} {said(response)}"] += 1
                time.sleep(0.005)


def said(response: dict[str, Any]) -> str:
    if response["allowed"]:
        return "allowed"
    message = response["status"]["message"]
    return "denied unjudged" if "not evaluated" in message else "denied"


def test_only_the_tokens_bearer_may_ask_and_only_for_verdicts(sidecar: Sidecar) -> None:
    token = (sidecar.folder / "token").read_text()
    groups = "/v1/data/karb_guard/entry/pods"
    assert sidecar.ask(groups, token=token) == 200
    for path, method, bearer in (
        (groups, "POST", None),
        (groups, "POST", token[:-1]),
        (groups, "PUT", token),
        ("/v1/data", "POST", token),
        ("/v1/data/karb", "POST", token),
        ("/v1/policies/x", "PUT", token),
        ("/v1/data/system/authz", "POST", token),
        ("/v1/config", "GET", token),
    ):
        assert sidecar.ask(path, method, bearer) == 401, (path, method)
    assert token not in (sidecar.folder / "authz.rego").read_text()


@pytest.mark.drill
@pytest.mark.parametrize("when_away", ["not-evaluated", "embedded"])
def test_a_killed_opa_lets_nothing_in(tmp_path: Path, sidecar: Sidecar, when_away: str) -> None:
    webhook = Webhook(tmp_path, sidecar, when_away)
    try:
        until(lambda: webhook.ready, "ready")
        with Load(webhook) as load:
            until(lambda: load.counts["bad denied"] > 50, "under load")
            embedded = when_away == "embedded"
            for _ in range(2):
                times = webhook.back
                sidecar.kill()
                if not embedded:
                    until(lambda: not webhook.ready, "unready")
                    before = load.counts["bad denied unjudged"]
                    until(lambda b=before: load.counts["bad denied unjudged"] > b + 20, "unjudged")
                else:
                    before = load.counts["bad denied"]
                    until(lambda b=before: load.counts["bad denied"] > b + 20, "judged")
                sidecar.start()
                back = until(lambda t=times: webhook.ready and webhook.back > t, "back")
                before = load.counts["clean allowed"]
                until(lambda b=before: load.counts["clean allowed"] > b + 20, "as before")
                print(f"{when_away}: back after {back:.1f} s")
        print(when_away, dict(load.counts), f"slowest {load.slowest * 1000:.0f} ms")
        assert load.counts["bad allowed"] == 0
        assert load.counts["clean denied"] == 0
        if embedded:
            assert load.counts["clean denied unjudged"] == 0
            assert load.counts["bad denied unjudged"] == 0
            assert 'karb_guard_engine_total{outcome="fallback"}' in webhook.metrics()
    finally:
        webhook.stop()


def test_a_rotated_token_is_used_without_a_restart(sidecar: Sidecar, tmp_path: Path) -> None:
    webhook = Webhook(tmp_path, sidecar, "not-evaluated")
    try:
        until(lambda: webhook.ready, "ready")
        before, digest = sidecar.token, webhook.metrics().partition("karb_guard_loaded_info{")[2]
        sidecar.kill()
        sidecar.write()
        assert sidecar.token != before
        sidecar.start()
        until(sidecar.healthy, "healthy again")
        assert sidecar.ask("/v1/data", token=before.strip()) == 401
        took = until(lambda: 'outcome="loaded"} 1' in webhook.metrics(), "reloaded")
        until(lambda: webhook.ready, "ready with the new token")
        now = webhook.metrics().partition("karb_guard_loaded_info{")[2]
        assert now.partition("}")[0] == digest.partition("}")[0], "a token is no configuration"
        with Load(webhook) as load:
            until(lambda: min(load.counts["bad denied"], load.counts["clean allowed"]) > 20, "used")
        print(f"the new token was used {took:.1f} s after OPA was back", dict(load.counts))
        assert load.counts["bad allowed"] == 0
    finally:
        webhook.stop()
