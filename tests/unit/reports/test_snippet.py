"""The source line and its caret, whatever the line holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.model.report import Region
from karb_guard.reports.snippet import CUT, MAX_COLUMNS, columns, printable, snippet


def region(text: str, field: str) -> Region:
    start = text.index(field)
    return Region("x.yaml", 3, start + 1, 3, start + 1 + len(field), text)


def under(text: str, field: str) -> str:
    """What of the printed line the caret stands under; ASCII lines only."""
    shown = snippet(region(text, field))
    assert shown is not None
    start = shown.caret.index("^")
    return shown.source[start : len(shown.caret)]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("    image: nginx:latest", "image: nginx:latest"),
        ("a: b", "a"),
        ("  - {key: a, value: b}", "{key: a, value: b}"),
    ],
)
def test_the_caret_is_as_long_as_the_field(text: str, field: str) -> None:
    assert under(text, field) == field


def test_a_tab_takes_one_column() -> None:
    assert under("image:\tnginx # a\tb", "# a\tb") == "# a b"


def test_a_long_line_is_cut_around_the_field() -> None:
    text = "{" + "x" * 5000 + " image: nginx " + "y" * 5000 + "}"
    shown = snippet(region(text, "image: nginx"))
    assert shown is not None
    assert shown.source.startswith(CUT)
    assert shown.source.endswith(CUT)
    assert columns(shown.source) <= MAX_COLUMNS + 2
    assert under(text, "image: nginx") == "image: nginx"


def test_a_field_near_the_start_of_a_long_line_needs_no_cut_there() -> None:
    shown = snippet(region("image: " + "n" * 5000, "image: " + "n" * 5000))
    assert shown is not None
    assert shown.source.startswith("image")
    assert shown.source.endswith(CUT)
    assert len(shown.caret) <= MAX_COLUMNS + 1


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    shown = snippet(region("模型: e\u0301 image", "image"))
    assert shown is not None
    assert shown.caret == " " * (4 + 2 + 1 + 1) + "^" * 5


def test_terminal_sequences_do_not_get_through() -> None:
    shown = snippet(region("a: \x1b[31mred\x07", "a"))
    assert shown is not None
    assert shown.source == "a: \ufffd[31mred\ufffd"


def test_a_region_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    shown = snippet(Region("x.yaml", 3, 3, 9, 2, "  spec: {"))
    assert shown is not None
    assert shown.caret == "  ^^^^^^^"


def test_a_field_in_the_middle_of_a_line_of_megabytes_is_shown() -> None:
    filler = '"a":1,' * 500_000
    shown = snippet(region(f'{{{filler}"image":1,{filler}}}', '"image"'))
    assert shown is not None
    assert shown.source.startswith("…")
    assert shown.source.endswith("…")
    assert len(shown.source) <= MAX_COLUMNS + 2
    assert shown.source[shown.caret.index("^") :].startswith('"image"')


@pytest.mark.parametrize("text", ["", "   "])
def test_no_text_is_no_snippet(text: str) -> None:
    assert snippet(Region("x.yaml", 1, 1, 1, 1, text)) is None


@given(st.text(max_size=400), st.integers(1, 450), st.integers(0, 450))
def test_any_line_and_any_region_give_one_caret_within_the_line(
    text: str, column: int, length: int
) -> None:
    shown = snippet(Region("x.yaml", 7, column, 7, column + length, text))
    if shown is None:
        assert not text.strip()
        return
    assert shown.caret.lstrip(" ").strip("^") == ""
    assert "^" in shown.caret
    assert all(character.isprintable() for character in shown.source)
    assert columns(shown.source) <= MAX_COLUMNS + 3
    assert len(shown.caret) <= columns(shown.source) + 1


@given(st.text(max_size=100))
def test_printable_text_keeps_every_position(text: str) -> None:
    assert len(printable(text)) == len(text)
    assert printable(text).isprintable()
