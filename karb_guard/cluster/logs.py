"""Structured logs of processes that run in a cluster: one JSON object a line on standard error.

No object bodies, no secrets.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import orjson

from karb_guard.cluster.repeats import Repeats

LEVELS = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """A record as JSON: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, fields."""

    def __init__(self, always: Mapping[str, Any] | None = None) -> None:
        """``always`` are fields of every record."""
        super().__init__()
        self._always = dict(always or {})

    def format(self, record: logging.LogRecord) -> str:
        """Print one record; ``fields`` given as ``extra`` become keys of their own."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._always,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


class SparingHandler(logging.StreamHandler[TextIO]):
    """Writes records, and of those that repeat a few and their number."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds."""
        super().__init__(stream)
        self._repeats = Repeats()
        self._clock = clock

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record`` unless it repeats, after what is due about earlier ones."""
        now = self._clock()
        self._sum_up(now)
        if self._repeats.admits(record, now):
            super().emit(record)

    def close(self) -> None:
        """Say what was not written, at the end of the process."""
        with self.lock or contextlib.nullcontext():
            self._sum_up(math.inf)
        super().close()

    def _sum_up(self, now: float) -> None:
        for summary in self._repeats.summaries(now):
            super().emit(summary)


def configure(level: str, **always: Any) -> None:
    """Send every logger's records of ``level`` and above to standard error as JSON.

    ``always`` are fields of every record, such as a worker's number.
    Libraries below us speak from ``warning`` on: at ``debug`` the HTTP client of the cluster
    would print headers.
    """
    handler = SparingHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(always))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    for ours in ("karb_guard", "audit"):
        logging.getLogger(ours).setLevel(level.upper())
    # A record names neither thread nor source line: gathering them costs more than the rest of it
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logging.captureWarnings(True)  # else they would be plain text between the lines of JSON


def log_to(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """Write one record with fields."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields})
