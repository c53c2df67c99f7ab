"""Somebody else's mutating webhook: it adds a sidecar to Pods, once, as service meshes do."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from webhook.certificates import issue_leaf, new_authority

NAME = "injected"


class _Handler(BaseHTTPRequestHandler):
    sidecar: dict[str, Any]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        containers = request["object"]["spec"]["containers"]
        if all(each["name"] != NAME for each in containers):
            patch = [{"op": "add", "path": "/spec/containers/-", "value": self.sidecar}]
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        review = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": response,
        }
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def injecting(
    directory: Path, name: str, labels: dict[str, str], sidecar: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Serve on loopback; gives the MutatingWebhookConfiguration to create."""
    now = datetime.datetime.now(datetime.UTC)
    authority = new_authority(now)
    leaf = issue_leaf(authority, ["127.0.0.1"], now)
    files = directory / "tls.crt", directory / "tls.key"
    files[0].write_bytes(leaf.certificate)
    files[1].write_bytes(leaf.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    handler = type("Handler", (_Handler,), {"sidecar": {**sidecar, "name": NAME}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": "injector.example.com",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {
                        "url": f"https://127.0.0.1:{server.server_address[1]}/",
                        "caBundle": base64.b64encode(authority.certificate).decode(),
                    },
                    "failurePolicy": "Fail",
                    "namespaceSelector": {"matchLabels": labels},
                    "rules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["pods"],
                        }
                    ],
                    "sideEffects": "None",
                }
            ],
        }
    finally:
        server.shutdown()
        server.server_close()
