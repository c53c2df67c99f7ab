"""Record the AdmissionReviews of the example pods: ``python -m tests.support.record_reviews``.

An API server of this run's own is asked to create each pod of ``examples/pods`` and sends its
review to a recorder over TLS. What arrives is written to ``examples/reviews`` with line breaks,
otherwise as it came.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import queue
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from tests.support.controlplane import REPOSITORY, Cluster, ControlPlane
from webhook.certificates import issue_leaf, new_authority
from webhook.rules import encoded

PODS = REPOSITORY / "examples" / "pods"
REVIEWS = REPOSITORY / "examples" / "reviews"
NAMESPACE = "inference"
MAX_BODY_BYTES = 8 << 20
RECEIVE_SECONDS = 20

NAMED_BY_PODS = """
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: nvidia}
handler: nvidia
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: experimental}
handler: experimental
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: inference-critical}
value: 1000000
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: chat-server, namespace: inference}
"""
"""The API server refuses a pod that names what doesn't exist."""

Json = dict[str, Any]


class Recorder(HTTPServer):
    """Keeps the body of each review and allows the request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reviews: queue.Queue[Json] = queue.Queue()
        authority = new_authority(_now())
        self.ca = authority.certificate
        self.socket = _context(authority).wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where the API server sends reviews."""
        return f"https://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if length > MAX_BODY_BYTES:
            self.send_error(413)
            return
        review = json.loads(self.rfile.read(length))
        self.server.reviews.put(review)
        response = {"uid": review["request"]["uid"], "allowed": True}
        answer = {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: what was recorded is printed."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _context(authority: Any) -> ssl.SSLContext:
    leaf = issue_leaf(authority, ["127.0.0.1"], _now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(leaf.key + leaf.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder that serves in a thread."""
    recorder = Recorder()
    thread = threading.Thread(target=recorder.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.shutdown()
        recorder.server_close()


def registration(recorder: Recorder) -> Json:
    """Sends creations of pods in the example's namespace to the recorder."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    webhook = {
        "name": "record.karb.dev",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": recorder.url, "caBundle": encoded(recorder.ca)},
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "rules": [rule],
        "sideEffects": "None",
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "record-reviews"},
        "webhooks": [webhook],
    }


def record(cluster: Cluster, recorder: Recorder, pod: Path) -> Json:
    """Create the pod and return the review that the API server sent about it."""
    cluster.kubectl("create", "-f", str(pod))
    return recorder.reviews.get(timeout=RECEIVE_SECONDS)


def _await_registration(cluster: Cluster, recorder: Recorder) -> None:
    """API servers learn of a new webhook within moments; until then pods pass unrecorded."""
    probe = {"containers": [{"name": "probe", "image": "probe"}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "probe-", "namespace": NAMESPACE},
        "spec": probe,
    }
    for _ in range(50):
        cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
        with contextlib.suppress(queue.Empty):
            recorder.reviews.get(timeout=0.2)
            return
    raise TimeoutError("the API server sends no reviews to the recorder")


def _prepare(cluster: Cluster, recorder: Recorder) -> None:
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("apply", "-f", "-", stdin=NAMED_BY_PODS)
    cluster.kubectl("wait", f"-n{NAMESPACE}", "--for=create", "serviceaccount/default")
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(registration(recorder)))
    _await_registration(cluster, recorder)


def main() -> int:
    """Write ``examples/reviews/<pod>.json`` for each example pod."""
    REVIEWS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="karb-guard-record-") as directory:
        plane = ControlPlane(Path(directory))
        try:
            cluster = plane.start()
            with recording() as recorder:
                _prepare(cluster, recorder)
                for pod in sorted(PODS.glob("*.yaml")):
                    review = record(cluster, recorder, pod)
                    file = REVIEWS / f"{pod.stem}.json"
                    file.write_text(json.dumps(review, indent=1) + "\n", encoding="utf-8")
                    print(f"{file.relative_to(REPOSITORY)}: {file.stat().st_size} bytes")
        finally:
            plane.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
