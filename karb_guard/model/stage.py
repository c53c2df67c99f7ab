"""The stage of an invariant: what a door does with its findings."""

from __future__ import annotations

from enum import Enum


class Stage(str, Enum):
    """How far an invariant is rolled out. Order: ``OFF`` < ``AUDIT`` < ``WARN`` < ``ENFORCE``.

    A stage acts at admission; lint's exit code follows the severity alone.
    """

    OFF = "off"
    """Findings are dropped at admission."""
    AUDIT = "audit"
    """Findings go to the API server's audit log and the metrics; the author sees nothing."""
    WARN = "warn"
    """Findings are also warnings in the client's answer."""
    ENFORCE = "enforce"
    """New findings deny the request."""

    __hash__ = str.__hash__
    # Stages equal their text, so they hash alike; ``Enum``'s own hash is a call into Python.

    @property
    def rank(self) -> int:
        """0 to 3, so that stages can be compared; "tighter" means a higher rank."""
        return _STAGE_RANK[self.value]


_STAGE_RANK = {"off": 0, "audit": 1, "warn": 2, "enforce": 3}
