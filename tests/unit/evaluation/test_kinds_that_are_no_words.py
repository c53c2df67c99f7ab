"""``kind`` and ``apiVersion`` may hold anything: found by fuzzing, once a ``RecursionError``."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.evaluation.prepare import kind_group, reference


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"spec": value}
    return value


@pytest.mark.parametrize("field", ["kind", "apiVersion"])
def test_a_nested_kind_is_no_kind(field: str) -> None:
    obj = {"apiVersion": "v1", "kind": "Pod", field: nested(900)}
    ref = reference(obj)
    assert (ref.api_version, ref.kind).count("") == 1
    assert len(kind_group(obj)) < 10


def test_a_number_is_shown() -> None:
    assert reference({"kind": 5}).kind == "5"
