"""Our defaults against upstream's own code."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from karb_guard.defaulting import TABLE, apply
from karb_guard.values.quantity import Quantity, parse_quantity

# Each row: an object, and what legacyscheme.Scheme.Default of k8s.io/kubernetes v1.37.2 (for Pods
# also podutil.DefaultPodLevelResources) made of it, without its status. The objects are random over
# the API's fields.
ROWS = json.loads((Path(__file__).parent / "tables" / "upstream.json").read_text())


def differences(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """Where two JSON values differ, apart from how Go writes them.

    Go leaves out or writes empty values as it likes, and writes quantities in canonical form.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        return [d for k in keys for d in differences(ours.get(k), theirs.get(k), f"{where}.{k}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{where}[{i}]")]
    if isinstance(ours, dict) and not theirs:
        return [d for key, item in ours.items() for d in differences(item, None, f"{where}.{key}")]
    if isinstance(theirs, dict) and not ours:
        return [
            d for key, item in theirs.items() for d in differences(None, item, f"{where}.{key}")
        ]
    same = ours == theirs or (not ours and not theirs) or _same_quantity(ours, theirs)
    return [] if same else [f"{where}: {ours!r} here, {theirs!r} upstream"]


def _same_quantity(ours: Any, theirs: Any) -> bool:
    quantity = parse_quantity(ours)
    return (
        isinstance(theirs, str)
        and type(quantity) is Quantity
        and quantity == parse_quantity(theirs)
    )


@pytest.mark.parametrize(
    ("given", "expected"), ROWS, ids=[f"{g['kind']}-{i}" for i, (g, _) in enumerate(ROWS)]
)
def test_defaults_as_upstream_does(given: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(given)
    assert differences(apply(given), expected) == []
    assert given == before


@pytest.mark.parametrize("given", [row[0] for row in ROWS[::5]], ids=lambda given: given["kind"])
def test_defaulting_twice_changes_nothing_more(given: dict[str, Any]) -> None:
    once = apply(given)
    assert apply(once) == once


def test_the_comparison_sees_differences() -> None:
    assert differences({"a": {"b": 1}}, {"a": {"b": 2}}) == [".a.b: 1 here, 2 upstream"]
    assert differences({"a": []}, {"a": [1]})
    assert differences({}, {"a": "x"})
    assert not differences({"a": "1024Mi", "b": {}}, {"a": "1Gi", "c": None})


def test_every_constant_default_has_one_row_and_a_source() -> None:
    assert len({(row.owner, row.field) for row in TABLE}) == len(TABLE)
    assert all(row.source for row in TABLE)
