"""Documents in pieces: the bytes of ``json.dumps``, without all of them in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.reports.streaming import PIECE, Rows, pieces

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _same(item: Any) -> Any:
    return item


def _rows(value: Any) -> Any:
    """The same document, each list in it made as it is written."""
    if isinstance(value, dict):
        return {key: _rows(each) for key, each in value.items()}
    return Rows(_rows, value) if isinstance(value, list) else value


@given(document=_PLAIN)
def test_the_text_is_that_of_a_document_in_memory(document: Any) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert "".join(pieces(document)) == text
    assert "".join(pieces(_rows(document))) == text
    assert "".join(pieces([{"a": 1}, Rows(_same, [document]), document])) == (
        json.dumps([{"a": 1}, [document], document], indent=2, ensure_ascii=False) + "\n"
    )


@pytest.mark.parametrize("items", [[], ["\n\u2028\x85"], ["\ud800"], [{"a": []}, {}]])
def test_rows_with_odd_items(items: Sequence[Any]) -> None:
    document = {"before": [], "rows": Rows(_same, items), "after": {}}
    expected = {"before": [], "rows": items, "after": {}}
    assert "".join(pieces(document)) == json.dumps(expected, indent=2, ensure_ascii=False) + "\n"


def test_of_many_rows_only_some_are_in_memory() -> None:
    def make(number: int) -> dict[str, str]:
        return {"message": str(number) * 100}

    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in pieces({"rows": Rows(make, range(50_000))})]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) > 22_000_000
    assert max(sizes) < 2 * PIECE
    assert peak < 9_000_000, "others in this process may hold some"
