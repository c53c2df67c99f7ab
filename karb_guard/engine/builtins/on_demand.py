"""The host's built-ins, imported when a module names one.

karb-guard's own policies name none, and a linter's start shouldn't pay for ``sprintf``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class OnDemand(Mapping[str, Callable[..., Any]]):
    """``table.BUILTINS`` without its import until the first look."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return self._table()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())

    @staticmethod
    def _table() -> Mapping[str, Callable[..., Any]]:
        from karb_guard.engine.builtins.table import BUILTINS

        return BUILTINS
