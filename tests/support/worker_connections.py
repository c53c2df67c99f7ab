"""Connections to every worker of one webhook: reviews that are known to be answered by each."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any

from tests.support.e2e_cluster import BAD, pod
from tests.support.webhook_process import LOOPBACK, unique
from tests.support.webhook_rig import review
from webhook.tls import client_context

LOGGED_SECONDS = 20

Json = dict[str, Any]
Connection = http.client.HTTPSConnection


class WorkerConnections:
    """Of a webhook that logs at level debug, so that each review names its worker."""

    def __init__(self, port: int, bundle: bytes, log: Path, workers: int) -> None:
        """``bundle`` is the webhook's authority; all its workers have to answer already."""
        context = client_context(bundle)
        # New ones go to who has the fewest, and API servers have some too.
        self.all = [
            Connection(LOOPBACK, port, timeout=20, context=context) for _ in range(4 * workers)
        ]
        for connection in self.all:
            connection.connect()
        self.of = self._known(log, workers)
        """Worker -> a connection to it."""

    def ask(self, connection: Connection, obj: Json, namespace: str, uid: str) -> bool:
        """Whether a new object is admitted on a connection."""
        text = json.dumps(review(obj, uid=uid, namespace=namespace))
        connection.request("POST", "/validate", text, {"content-type": "application/json"})
        allowed: bool = json.loads(connection.getresponse().read())["response"]["allowed"]
        return allowed

    def answers(self, obj: Json, namespace: str) -> list[bool]:
        """What each connection is told about a new object; every worker is among them."""
        run = unique("run")
        return [self.ask(c, obj, namespace, f"{run}-{n}") for n, c in enumerate(self.all)]

    def close(self) -> None:
        for connection in self.all:
            connection.close()

    def _known(self, log: Path, workers: int) -> dict[int, Connection]:
        run = unique("run")
        uids = {f"{run}-{number}": connection for number, connection in enumerate(self.all)}
        for uid, connection in uids.items():
            self.ask(connection, pod(run, **BAD), "default", uid)
        deadline = time.monotonic() + LOGGED_SECONDS
        found: dict[int, Connection] = {}
        while len(found) < workers:
            assert time.monotonic() < deadline, f"only workers {sorted(found)} were asked"
            lines = log.read_text(errors="replace").splitlines()
            ours = [json.loads(line) for line in lines if run in line and line[-1] == "}"]
            found = {line["worker"]: uids[line["uid"]] for line in ours if line["uid"] in uids}
        return found
