"""How an evaluation ends without an answer."""

from __future__ import annotations


class ModuleError(Exception):
    """The module isn't one that this host can run."""


class TrappedError(Exception):
    """No answer; the instance must be thrown away. ``cause`` is one of ``NotEvaluated``'s words."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
