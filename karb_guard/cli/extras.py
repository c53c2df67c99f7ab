"""Commands that need an extra, such as ``karb-guard[webhook]``; lint does without any of them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from karb_guard.model.errors import UsageError

_EXTRA = frozenset(
    {
        "cryptography",
        "fastapi",
        "httptools",
        "kubernetes",
        "prometheus_client",
        "sqlalchemy",
        "starlette",
        "urllib3",
        "uvicorn",
    }
)


def needing_extra(module: str, extra: str = "webhook") -> ModuleType:
    """The module. Raises ``UsageError`` where the extra that it needs is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        message = f"{error.name} is not installed; pip install 'karb-guard[{extra}]'"
        raise UsageError(message) from error
