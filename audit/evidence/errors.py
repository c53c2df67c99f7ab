"""What can go wrong with the evidence database."""

from __future__ import annotations

from karb_guard.model.errors import KarbGuardError


class EvidenceError(KarbGuardError):
    """The database can't be used; the message names it (without its password) and a remedy."""
