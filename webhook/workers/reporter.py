"""What a worker tells its supervisor: reports from a thread, among them Events."""

from __future__ import annotations

import os
import queue
import socket
import threading

from webhook.events import WARNING, Reference
from webhook.metrics import Metrics
from webhook.workers import frames, messages
from webhook.workers.messages import Report

LOST = 3
"""Exit code of a worker whose supervisor is gone."""
MAX_REPORTS = 2000
"""Reports that wait; Events beyond are dropped and counted."""


class Reporter:
    """Sends reports from a thread; nobody waits for them."""

    def __init__(self, to: socket.socket) -> None:
        self._to = to
        self._queue: queue.Queue[Report] = queue.Queue(MAX_REPORTS)
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def say(self, report: Report) -> bool:
        """Report soon; whether there was room."""
        try:
            self._queue.put_nowait(report)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        try:
            while True:
                frames.send(self._to, messages.report_bytes(self._queue.get()))
        except OSError:
            os._exit(LOST)


class ReportedEvents:
    """Events, written by the supervisor: it knows what was written before, by all workers."""

    def __init__(self, reporter: Reporter, metrics: Metrics) -> None:
        self._reporter = reporter
        self._metrics = metrics

    def post(
        self,
        ref: Reference,
        reason: str,
        note: str,
        type_: str = WARNING,
        owners: bool = False,
    ) -> None:
        """See ``webhook.events.Poster``."""
        event = {
            "api_version": ref.api_version,
            "kind": ref.kind,
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": ref.uid,
            "reason": reason,
            "note": note,
            "type": type_,
            "owners": owners,
        }
        if not self._reporter.say(Report(messages.EVENT, event=event)):
            self._metrics.events.labels("queue-full").inc()
