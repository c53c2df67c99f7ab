"""``karb-guard webhook serve`` as a process: it starts, answers over TLS, drains, and ends well."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.controlplane import free_port
from tests.support.webhook_rig import body, pod
from webhook import upkeep
from webhook.certificates import CertificateError, issue_leaf, new_authority
from webhook.keeper import CertificateKeeper, Files, utc_now
from webhook.metrics import Metrics
from webhook.tls import Listener, client_context

START_SECONDS = 180
"""The machine may have other work, and a start with workers is one of several processes."""
CONFIG = "stages: {namespaces: [{match: inference, default: enforce}]}\n"


@dataclass
class Process:
    """A running webhook."""

    popen: subprocess.Popen[str]
    port: int
    metrics_port: int
    folder: Path

    def probe(self, path: str) -> int:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.metrics_port}{path}", timeout=2
            ) as a:
                return int(a.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def connect(self, seconds: float = 10) -> http.client.HTTPSConnection:
        bundle = (self.folder / "tls" / "ca.crt").read_bytes()
        context = client_context(bundle)
        return http.client.HTTPSConnection("localhost", self.port, timeout=seconds, context=context)


def ask(connection: http.client.HTTPSConnection, content: bytes) -> dict[str, object]:
    connection.request("POST", "/validate", content, {"content-type": "application/json"})
    answer = connection.getresponse()
    document: dict[str, dict[str, object]] = json.loads(answer.read())
    return document["response"]


@contextlib.contextmanager
def started(folder: Path, *extra: str) -> Iterator[Process]:
    (folder / "karb-guard.yaml").write_text(CONFIG)
    port, metrics_port = free_port(), free_port()
    command = [sys.executable, "-m", "karb_guard", "webhook", "serve"]
    command += ["--config", str(folder / "karb-guard.yaml"), "--address", "127.0.0.1"]
    command += ["--port", str(port), "--metrics-port", str(metrics_port), *extra]
    environment = {key: value for key, value in os.environ.items() if key != "POD_NAMESPACE"}
    log = (folder / "log").open("w")
    popen = subprocess.Popen(command, stderr=log, text=True, cwd=folder, env=environment)
    process = Process(popen, port, metrics_port, folder)
    try:
        deadline = time.monotonic() + START_SECONDS
        while process.probe("/readyz") != 200:
            assert popen.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield process
    finally:
        popen.kill()
        popen.wait()
        log.close()


def test_it_answers_over_tls_and_drains_on_sigterm(tmp_path: Path) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls"), "--drain-seconds", "1.5") as process:
        connection = process.connect()
        denied = ask(connection, body(pod("server")))
        assert denied["allowed"] is False
        assert "KARB-RES-002 res-mem" in json.dumps(denied)
        process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 1.0
        while process.probe("/readyz") != 503:
            assert time.monotonic() < deadline, "still ready after SIGTERM"
        assert process.probe("/healthz") == 200
        while_draining = ask(connection, body(pod("server")))
        assert while_draining["allowed"] is False
        assert ask(process.connect(), body(pod("server")))["allowed"] is False
        assert process.popen.wait(10) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line) for line in lines], "every line is JSON"
    assert json.loads(lines[-1])["message"] == "ended"
    assert "PRIVATE" not in "".join(lines)


def test_a_second_signal_ends_the_drain(tmp_path: Path) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls"), "--drain-seconds", "60") as process:
        process.popen.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.popen.poll() is None
        process.popen.send_signal(signal.SIGINT)
        assert process.popen.wait(10) == 0


def test_bad_input_of_every_kind_leaves_the_process_alive(tmp_path: Path) -> None:
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls")) as process:
        for content in (b"", b"{", b"[" * 100_000, b"\xff", b"x" * 10_000_000, b"null"):
            connection = process.connect()
            connection.request("POST", "/validate", content, {"content-type": "application/json"})
            answer = connection.getresponse()
            assert 400 <= answer.status < 500
            assert "error" in json.loads(answer.read())
        garbage = process.connect()
        garbage.connect()
        garbage.sock.sendall(b"\x00\x01 nonsense\r\n\r\n")
        garbage.close()
        deep = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":'
        deep += b'{"uid":"u","operation":"CREATE","namespace":"inference",'
        deep += b'"kind":{"group":"","version":"v1","kind":"Pod"},"object":'
        deep += b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":'
        deep += b'{"x":' * 900 + b"1" + b"}" * 900 + b"}}}"
        response = ask(process.connect(), deep)
        assert response["allowed"] is False, "too deep to be judged, and enforced"
        assert process.probe("/healthz") == 200


def test_files_are_reloaded_while_it_runs(tmp_path: Path) -> None:
    now = utc_now()
    authority = new_authority(now)
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_bytes(authority.certificate)

    def write() -> None:
        pair = issue_leaf(authority, ["localhost"], now)
        (tmp_path / "tls.crt").write_bytes(pair.certificate)
        (tmp_path / "tls.key").write_bytes(pair.key)

    def serial(process: Process) -> bytes:
        connection = process.connect()
        connection.connect()
        found = connection.sock.getpeercert(binary_form=True)
        connection.close()
        assert isinstance(found, bytes)
        return found

    write()
    files = ["--tls-cert", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key")]
    with started(tmp_path, *files) as process:
        before = serial(process)
        write()
        deadline = time.monotonic() + 15
        while serial(process) == before:
            assert time.monotonic() < deadline, "the new pair is not served"
            time.sleep(0.2)


def test_what_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "karb_guard", "webhook", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("karb-guard: give one of --tls-cert")
    bad = tmp_path / "karb-guard.yaml"
    bad.write_text("stages: {namespace: []}\n")
    command += ["--tls-dir", str(tmp_path), "--config", str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "namespace" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key"])
def test_a_missing_certificate_file_is_named(
    tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = issue_leaf(new_authority(utc_now()), ["localhost"], utc_now())
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    (tmp_path / missing).unlink()
    source = Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    monkeypatch.setattr(upkeep, "CERTIFICATE_PATIENCE_SECONDS", 0.0)
    with pytest.raises(CertificateError, match=f"{missing}: can't be read"):
        upkeep.first_certificate(CertificateKeeper(source, Listener(), Metrics()))


def _large() -> bytes:
    """A Pod within all bounds that takes a second to judge: its API server waits, others don't."""
    container = {
        "name": "server",
        "image": "example.org/a/b:1",
        "resources": {"limits": {"nvidia.com/gpu": "8"}},
        "command": ["vllm", "serve"],
        "args": [f"--x={index}" for index in range(150_000)],
    }
    obj = pod("large")
    return body({**obj, "spec": {"containers": [container]}})


def test_small_reviews_are_answered_while_large_ones_are_judged(tmp_path: Path) -> None:
    large, small = _large(), body(pod("server"))
    with started(tmp_path, "--tls-dir", str(tmp_path / "tls")) as process:
        connection = process.connect(60)
        ask(connection, small)

        def post() -> bool:
            answered = ask(process.connect(60), large)
            return answered["allowed"] is False

        began = time.monotonic()
        seconds: list[float] = []
        with ThreadPoolExecutor(5) as threads:
            posted = [threads.submit(post) for _ in range(5)]
            while not all(each.done() for each in posted):
                asked = time.monotonic()
                assert ask(connection, small)["allowed"] is False
                seconds.append(time.monotonic() - asked)
            assert all(each.result() for each in posted)
        total = time.monotonic() - began
        # On one loop a small one waits for a large one each time: a fifth of it all.
        assert statistics.median(seconds) < total / 20, (seconds, total)
