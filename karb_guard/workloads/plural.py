"""Names of resources."""

from __future__ import annotations


def plural(kind: str) -> str:
    """A kind's resource name, guessed as ``meta.UnsafeGuessKindToResource`` does."""
    singular = kind.lower()
    if singular.endswith("s"):
        return singular + "es"
    if singular.endswith("y"):
        return singular[:-1] + "ies"
    return singular + "s"
