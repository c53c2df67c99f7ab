"""One document of a text as its reader found it: YAML and JSON alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from karb_guard.manifests.marks import Mark

if TYPE_CHECKING:
    from karb_guard.manifests.composing import Composed


class Found(NamedTuple):
    """A value, how to get its marks, and the offset in the file that its marks count from."""

    value: Any
    marks: Callable[[], Mark]
    base: int = 0


def from_yaml(composed: Composed, base: int = 0) -> Found:
    """A YAML document, whose marks exist already."""
    return Found(composed.value, partial(_same, composed.mark), base)


def _same(mark: Mark) -> Mark:
    return mark
