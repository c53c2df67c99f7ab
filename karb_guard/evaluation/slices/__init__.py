"""What ``input.context`` holds beside an object: one module a key, named as the key.

A module has ``provide(about)``, which gives the value for ``input.context.<key>``, bounded and
in plain JSON, or ``None`` where what is visible here does not decide (the key is then absent, and
an invariant that needs it answers ``unknown``). ``karb_guard.model.context`` describes the keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from karb_guard.evaluation.slices.about import About

__all__ = ["About", "provider"]

Provider = Callable[[About], Any]


@cache
def provider(key: str) -> Provider:
    """The function behind a context key. Imported when first asked for: most runs need few."""
    found: Provider = import_module(f"{__name__}.{key}").provide
    return found
