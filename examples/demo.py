"""What karb-guard does, in half a minute and without a cluster: ``make demo``.

Lints a good and a bad AI-serving stack, then starts the admission webhook with TLS on loopback and
sends it the reviews that an API server sent about two pods, where everything is enforced and where
everything warns. Ends with 0 only if every verdict is as expected.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONFIG = Path("examples/karb-guard.yaml")
REVIEWS = ("clean", "ten-findings")
HOST = "127.0.0.1"
READY_SECONDS = 30
ANSWER_SECONDS = 10
WIDTH = 100

Json = dict[str, Any]


def main() -> int:
    """Run all of it; 0 when every verdict is as expected."""
    os.chdir(ROOT)
    wrong = [
        *_lint("examples/good", "a stack as the blueprint asks for it", expected=0),
        *_lint("examples/bad", "a first attempt at the same stack", expected=1),
        *_webhook("enforce"),
        *_webhook("warn"),
    ]
    _title("Done")
    for problem in wrong:
        print(f"NOT AS EXPECTED: {problem}")
    if not wrong:
        print("Every verdict is as expected.")
    return 1 if wrong else 0


def _lint(folder: str, about: str, *, expected: int) -> Iterator[str]:
    _title(f"Lint: {about}")
    command = ["lint", f"--config={CONFIG}", folder]
    _show(command)
    done = subprocess.run([*_karb_guard(), *command], check=False)  # noqa: S603 - our own command
    print(f"exit code {done.returncode}")
    if done.returncode != expected:
        yield f"lint {folder} ended with {done.returncode} instead of {expected}"


def _webhook(stage: str) -> Iterator[str]:
    _title(f"Admission where every invariant is at stage {stage}")
    with tempfile.TemporaryDirectory(prefix="karb-guard-demo-") as name:
        directory = Path(name)
        with _serving(directory, stage) as port:
            trust = ssl.create_default_context(cafile=directory / "ca.crt")
            for review in REVIEWS:
                yield from _ask(port, trust, review, stage)


@contextmanager
def _serving(directory: Path, stage: str) -> Iterator[int]:
    """A webhook with a certificate of its own, and its port."""
    stages = f"stages: {{default: {{error: {stage}, warning: {stage}, info: {stage}}}}}\n"
    config = directory / "karb-guard.yaml"
    config.write_text(CONFIG.read_text(encoding="utf-8") + stages, encoding="utf-8")
    print(f"{CONFIG} and\n  {stages}")
    port = _free_port()
    command = [
        "webhook",
        "serve",
        f"--config={config}",
        f"--tls-dir={directory}",
        f"--address={HOST}",
        f"--port={port}",
        "--metrics-port=0",
        "--drain-seconds=0",
        "--log-level=error",
    ]
    _show(command)
    with (directory / "webhook.log").open("wb") as log:
        process = subprocess.Popen([*_karb_guard(), *command], stderr=log)  # noqa: S603 - our own
    try:
        _until_ready(process, port, directory)
        yield port
    finally:
        process.terminate()
        process.wait(ANSWER_SECONDS)
    print("The webhook has ended.")


def _until_ready(process: subprocess.Popen[bytes], port: int, directory: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            trust = ssl.create_default_context(cafile=directory / "ca.crt")
            if _call(port, trust, "GET", "/readyz")["ready"]:
                print(f"ready at https://{HOST}:{port}, its certificate verified with its CA")
                return
        except OSError:
            time.sleep(0.05)
    log = (directory / "webhook.log").read_text(errors="replace")
    raise SystemExit(f"the webhook isn't ready after {READY_SECONDS} s:\n{log}")


def _ask(port: int, trust: ssl.SSLContext, name: str, stage: str) -> Iterator[str]:
    """Send a recorded review, print the verdict, tell what is not as expected of it."""
    file = Path("examples/reviews") / f"{name}.json"
    review = json.loads(file.read_bytes())
    response = _call(port, trust, "POST", "/validate", review)["response"]
    _print_verdict(review["request"], response, file)
    denied, count = stage == "enforce" and name != "clean", 0 if name == "clean" else 10
    text = response["status"]["message"] if denied and not response["allowed"] else ""
    told = text.splitlines() if denied else response.get("warnings", [])
    invariants = re.findall(r"^(?:- )?(KARB-[A-Z]+-\d+)", "\n".join(told), re.MULTILINE)
    if response["uid"] != review["request"]["uid"]:
        yield f"{name} at {stage}: the answer has another uid"
    if response["allowed"] is denied:
        yield f"{name} at {stage}: allowed is {response['allowed']}"
    if len(invariants) != count or len(set(invariants)) != count:
        yield f"{name} at {stage}: {len(invariants)} findings told of, instead of {count}"


def _print_verdict(request: Json, response: Json, file: Path) -> None:
    subject = f"{request['operation']} {request['kind']['kind']} {request['name']}"
    verdict = "ALLOWED" if response["allowed"] else "DENIED"
    warnings = response.get("warnings", [])
    noted = f", with {len(warnings)} warnings" if warnings else ""
    print(f"\n{subject} in namespace {request['namespace']} ({file}): {verdict}{noted}")
    for line in response.get("status", {}).get("message", "").splitlines():
        _print_wrapped(line)
    for warning in warnings:
        _print_wrapped(f"Warning: {warning}")


def _print_wrapped(line: str) -> None:
    wrapped = textwrap.wrap(
        line, WIDTH - 2, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    print("\n".join(f"  {part}" for part in wrapped))


def _call(port: int, trust: ssl.SSLContext, method: str, path: str, body: Any = None) -> Json:
    connection = http.client.HTTPSConnection(HOST, port, timeout=ANSWER_SECONDS, context=trust)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        answer: Json = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def _karb_guard() -> list[str]:
    """The console script beside this interpreter, or its module in the checkout."""
    script = Path(sys.executable).with_name("karb-guard")
    return [str(script)] if script.exists() else [sys.executable, "-m", "karb_guard"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _show(command: Sequence[str]) -> None:
    print(f"$ karb-guard {' '.join(command)}", flush=True)


def _title(text: str) -> None:
    print(f"\n== {text} {'=' * (WIDTH - len(text) - 4)}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
