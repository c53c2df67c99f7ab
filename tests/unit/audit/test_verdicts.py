"""Verdicts of several processes become one, and nothing of them is forgotten."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

from audit.judging import Verdicts
from karb_guard.lint.waiver_documents import Uses


def one_of(kind: object, mark: int) -> Any:
    """A value of a field that holds something."""
    if isinstance(kind, list):
        return [mark]
    if isinstance(kind, Counter):
        return Counter({"all": 1})
    if isinstance(kind, dict):
        return {mark: mark}
    if isinstance(kind, set):
        return {mark}
    assert isinstance(kind, int)
    return 1


def filled(made: Any, mark: int) -> Any:
    for field in fields(made):
        setattr(made, field.name, one_of(getattr(made, field.name), mark))
    return made


def test_every_field_of_both_is_there_afterwards() -> None:
    total: Any
    for total, parts in (
        (Verdicts(), [filled(Verdicts(), 1), filled(Verdicts(), 2)]),
        (Uses(), [filled(Uses(), 1), filled(Uses(), 2)]),
    ):
        for part in parts:
            total.add(part)
        for field in fields(total):
            found = getattr(total, field.name)
            wanted: list[Any] = [[1, 2], Counter({"all": 2}), {1: 1, 2: 2}, {1, 2}, 2]
            assert found in [each for each in wanted if type(each) is type(found)], field.name
