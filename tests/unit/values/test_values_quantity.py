import json
import re
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.values import quantity
from karb_guard.values.quantity import (
    MAX_INT64,
    MAX_LENGTH,
    Quantity,
    QuantityError,
    parse_quantity,
)

# Answered by resource.ParseQuantity of k8s.io/apimachinery v0.37.2 (strings trimmed as
# Quantity.UnmarshalJSON does): [text, milli saturated at int64, whole] or [text, null].
TABLE = json.loads((Path(__file__).parent / "tables" / "quantities.json").read_text())

UNITS = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "e3": Fraction(10**3),
    "E-2": Fraction(1, 100),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: repr(row[0]))
def test_answers_as_the_api_server_does(row: list[Any]) -> None:
    answer = parse_quantity(row[0])
    if row[1] is None:
        assert isinstance(answer, QuantityError)
    else:
        assert answer == Quantity(*row[1:])


@given(st.integers(0, 10**12), st.integers(0, 9), st.sampled_from(sorted(UNITS)))
def test_agrees_with_exact_fractions(digits: int, places: int, unit: str) -> None:
    number = Fraction(digits, 10**places)
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)
    exact = number * UNITS[unit]
    nano = -(-exact * 10**9 // 1)
    answer = parse_quantity(text + unit)
    assert isinstance(answer, Quantity)
    assert answer.milli == min(-(-nano // 10**6), MAX_INT64)
    # Beyond int64, a binary suffix is capped at the largest whole number of it.
    capped = unit.endswith("i") and exact >= MAX_INT64
    assert answer.is_whole == (capped or Fraction(nano, 10**9).denominator == 1)


@given(st.text(alphabet="0123456789.+-eEinumkKMGTP ", max_size=12))
def test_never_raises_and_a_sign_only_changes_the_sign(text: str) -> None:
    answer = parse_quantity(text)
    if isinstance(answer, Quantity) and text[:1].isdigit():
        assert parse_quantity("-" + text) == Quantity(-answer.milli, answer.is_whole)


@pytest.mark.parametrize(
    ("value", "milli"), [(2, 2000), (0.5, 500), (1e-10, 1), (1e21, MAX_INT64), (-1, -1000)]
)
def test_numbers_count_as_their_json_text(value: float, milli: int) -> None:
    answer = parse_quantity(value)
    assert isinstance(answer, Quantity)
    assert answer.milli == milli


@pytest.mark.parametrize("value", [True, None, [], {}, float("nan"), float("inf"), 10**400, b"1"])
def test_what_is_neither_text_nor_number_is_an_error(value: object) -> None:
    assert isinstance(parse_quantity(value), QuantityError)


def test_absurd_exponents_saturate_at_once() -> None:
    for text, milli in [("9e2147483647", MAX_INT64), ("5e-2000000000", 1), ("0e999999", 0)]:
        assert parse_quantity(text) == Quantity(milli, milli != 1)


def test_a_text_over_the_bound_is_refused() -> None:
    assert isinstance(parse_quantity("0" * MAX_LENGTH), Quantity)
    answer = parse_quantity("0" * (MAX_LENGTH + 1))
    assert isinstance(answer, QuantityError)
    assert str(MAX_LENGTH) in answer.reason


def test_equal_numbers_of_different_types_are_not_mixed_up_by_the_cache() -> None:
    assert isinstance(parse_quantity(1), Quantity)
    assert isinstance(parse_quantity(True), QuantityError)


_BACKTRACKING = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")


@given(st.text(st.sampled_from("019.eEinKk+-x "), max_size=12))
def test_one_pass_reads_what_every_way_to_split_a_text_would(text: str) -> None:
    slow, fast = _BACKTRACKING.fullmatch(text), quantity._FORM.fullmatch(text)
    assert (slow and slow.groups()) == (fast and fast.groups())


def test_a_wrong_quantity_is_refused_in_one_pass() -> None:
    text = "9" * 20_000 + "x"  # 200 million steps of a pattern that gives digits back
    started = time.process_time()
    assert quantity._FORM.fullmatch(text) is None
    assert time.process_time() - started < 0.5
