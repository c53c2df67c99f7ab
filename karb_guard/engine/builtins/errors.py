"""How a host built-in says that it has no result."""

from __future__ import annotations


class UndefinedError(Exception):
    """The operands are not what the built-in takes: undefined, as in OPA (non-strict errors)."""


class UnsupportedError(Exception):
    """OPA has a result here and this host can't give it: the evaluation must not go on."""
