"""Policies of a user, scaffolded into a temporary folder."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import karb_guard


def scaffold(root: Path, token: str) -> Path:
    """Run ``karb-guard new`` for ``<category>/<name>`` below ``root``; the invariant's folder."""
    root.mkdir(exist_ok=True)
    done = karb_guard("new", token, "--policies", root)
    assert done.code == 0, done.err
    category, name = token.split("/")
    return root / category / name.replace("-", "_")
