"""What the toolchain says when a program can't be found or built."""

from __future__ import annotations

from karb_guard.model.errors import KarbGuardError


class ToolchainError(KarbGuardError):
    """No fitting program, and no way to build one; the message names the remedy."""
