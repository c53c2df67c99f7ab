"""Regular expressions that are compiled when they are first used.

To compile one takes a fifth of a millisecond; a command needs few of the hundred that it imports.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    Pattern = re.Pattern[str]


class _Lazy:
    """Stands for a compiled pattern; a method is looked up once, so later uses cost the same."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        # Reached only for what no earlier use has put into the instance.
        found = getattr(re.compile(self._source, self._flags), name)
        self.__dict__[name] = found
        return found


def lazy(source: str, flags: int = 0) -> Pattern:
    """``re.compile(source, flags)``, at its first use; an invalid one raises ``re.error`` then."""
    return cast("Pattern", _Lazy(source, flags))
