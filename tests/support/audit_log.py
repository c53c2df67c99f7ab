"""What a webhook left in the API server's audit log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from webhook.rules import DOORS

WAIT_SECONDS = 10
"""The log is written when a request ends, which may be a moment after its answer."""

Event = dict[str, Any]


class AuditLog:
    """Reads the log on as it grows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._events: list[Event] = []

    def of_request(self, audit_id: str) -> dict[str, str]:
        """Our annotations of the request with that ``Audit-Id``."""
        return self._wait(lambda event: bool(event["auditID"] == audit_id), audit_id)

    def of_object(self, namespace: str, name: str, verb: str = "create") -> dict[str, str]:
        """Our annotations of the last request about an object."""

        def wanted(event: Event) -> bool:
            ref = event.get("objectRef") or {}
            about = (ref.get("namespace"), ref.get("name"), event["verb"])
            return about == (namespace, name, verb)

        return self._wait(wanted, f"{verb} {namespace}/{name}")

    def _wait(self, wanted: Callable[[Event], bool], what: str) -> dict[str, str]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self._events += self._read()
            for event in reversed(self._events):
                if wanted(event):
                    return _ours(event)
            time.sleep(0.05)
        raise AssertionError(f"the audit log has no event of {what} after {WAIT_SECONDS} s")

    def _read(self) -> Iterator[Event]:
        with self._file.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                event = json.loads(line)
                if event["stage"] == "ResponseComplete":
                    yield event


def _ours(event: Event) -> dict[str, str]:
    notes = event.get("annotations") or {}
    ours = (key for key in notes if key.partition("/")[0] in DOORS)
    return {key.partition("/")[2]: notes[key] for key in ours}
