import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.values.duration import ValueFormatError, parse_duration_ms, parse_ratio


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("250ms", 250.0),
        ("1.5s", 1500.0),
        ("2m", 120_000.0),
        ("1m30s", 90_000.0),
        ("1h2m3s4ms5us6ns", 3_723_004.005006),
        ("0", 0.0),
        ("0s", 0.0),
        ("-1m1s", -61_000.0),
        ("+1s", 1000.0),
        (".5s", 500.0),
        ("1.s", 1000.0),
        ("30\u00b5s", 0.03),
        ("30\u03bcs", 0.03),
    ],
)
def test_durations_read_as_go_reads_them(text: str, milliseconds: float) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "250",
        "ms",
        "--1s",
        "1 s",
        "1s ",
        "1d",
        "1S",
        ".s",
        "1e3s",
        "1s\n",
        "\u0661s",
        "9" * 80 + "s",
    ],
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueFormatError, match="250ms"):
        parse_duration_ms(text)


def test_a_duration_beyond_int64_nanoseconds_is_refused() -> None:
    assert parse_duration_ms("2562047h47m16.854775807s") > 9e12
    with pytest.raises(ValueFormatError, match="292 years"):
        parse_duration_ms("2562047h47m16.854775808s")


@given(st.integers(0, 10**6), st.sampled_from([("ns", 1e-6), ("ms", 1.0), ("s", 1e3), ("m", 6e4)]))
def test_a_number_counts_its_unit(number: int, unit: tuple[str, float]) -> None:
    assert parse_duration_ms(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("0.1%", 0.001),
        ("0.001", 0.001),
        ("100%", 1.0),
        ("1", 1.0),
        ("150%", 1.5),
        ("-1", -1.0),
        ("0", 0.0),
        (".5%", 0.005),
    ],
)
def test_a_ratio_may_be_a_percentage(text: str, ratio: float) -> None:
    assert parse_ratio(text) == ratio


@pytest.mark.parametrize("text", ["--1", "0.1 %", "1e-3", "", "%", "0,1%", "9" * 65])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ValueFormatError, match="ratio"):
        parse_ratio(text)


@given(st.text(max_size=10))
def test_any_text_is_a_value_or_a_format_error(text: str) -> None:
    for parse in (parse_duration_ms, parse_ratio):
        with contextlib.suppress(ValueFormatError):
            assert isinstance(parse(text), float)
