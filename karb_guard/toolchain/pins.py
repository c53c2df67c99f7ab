"""Which releases are used; apart, because every start compares them and few start a program."""

from __future__ import annotations

OPA_VERSION = "1.22.2"
"""The release that compiles policies. Another one may plan the same Rego differently, so the
version is part of every bundle's key."""
