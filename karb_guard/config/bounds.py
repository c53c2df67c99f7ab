"""Bounds on configuration values, written beside the fields they bound.

pydantic finds them through ``Annotated``; they don't import it, so that the configuration's
dataclasses cost nothing where no file is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Between(NamedTuple):
    """An integer from ``low`` to ``high``, both allowed."""

    low: int
    high: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Called by pydantic: narrows the schema of the annotated type."""
        return {**handler(source), "ge": self.low, "le": self.high}


class Matching(NamedTuple):
    """A text that ``pattern`` matches as a whole, up to ``longest`` characters."""

    pattern: str
    words: str
    """What the pattern asks for, as messages say it."""
    longest: int = 253

    @property
    def whole(self) -> str:
        """The pattern as the schema has it."""
        return f"^(?:{self.pattern})$"

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Called by pydantic: narrows the schema of the annotated type."""
        return {**handler(source), "pattern": self.whole, "max_length": self.longest}


class AtMost(NamedTuple):
    """A list of at most ``most`` elements."""

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Called by pydantic: narrows the schema of the annotated type."""
        return {**handler(source), "max_length": self.most}
