"""The webhook's logger; its records are JSON (``karb_guard.cluster.logs``)."""

from __future__ import annotations

import logging
from typing import Any

from karb_guard.cluster.logs import LEVELS, JsonFormatter, configure, log_to

__all__ = ["LEVELS", "LOGGER_NAME", "JsonFormatter", "configure", "log", "logger"]

LOGGER_NAME = "karb_guard.webhook"

logger = logging.getLogger(LOGGER_NAME)


def log(level: int, message: str, **fields: Any) -> None:
    """Write one record with fields."""
    log_to(logger, level, message, **fields)
