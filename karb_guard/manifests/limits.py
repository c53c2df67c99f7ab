"""The bounds on every input file. Over one of them the answer is a problem, never a crash."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """What one file may hold. The defaults are far above any manifest the API server takes."""

    file_bytes: int = 32 * 1024 * 1024
    """Size of a file or of standard input, in bytes. etcd takes 1.5 MiB per object."""
    documents: int = 50_000
    """Documents in one file, the items of lists included."""
    depth: int = 100
    """Nested mappings and sequences in one document."""
    aliases: int = 10_000
    """Aliases (``*name``) in one document."""
    alias_nodes: int = 100_000
    """Nodes of one document that exist only because aliases repeat them.

    goyaml, which kubectl uses, stops at about 396,000 (its ``allowedAliasRatio``).
    """
    problems: int = 1_000
    """Problems that are told about one file; reading it stops there."""


DEFAULT_LIMITS = Limits()
