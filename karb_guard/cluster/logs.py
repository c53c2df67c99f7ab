"""Structured logs of processes that run in a cluster: one JSON object a line on standard error.

No object bodies, no secrets.
"""

from __future__ import annotations

import datetime
import logging
import sys
from typing import Any

import orjson

LEVELS = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """A record as JSON: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Print one record; ``fields`` given as ``extra`` become keys of their own."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


def configure(level: str) -> None:
    """Send every logger's records of ``level`` and above to standard error as JSON.

    Libraries below us speak from ``warning`` on: at ``debug`` the HTTP client of the cluster
    would print headers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("karb_guard").setLevel(level.upper())
    # A record names neither thread nor source line: gathering them costs more than the rest of it
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logging.captureWarnings(True)  # else they would be plain text between the lines of JSON


def log_to(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """Write one record with fields."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields})
