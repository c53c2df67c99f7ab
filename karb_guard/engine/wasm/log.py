"""Loggers whose package is imported when something is logged: a fiftieth of a linter's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def logger(name: str) -> logging.Logger:
    """What ``logging.getLogger`` gives."""
    import logging

    return logging.getLogger(name)
