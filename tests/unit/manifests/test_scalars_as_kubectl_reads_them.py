"""The expected values are what sigs.k8s.io/yaml 1.6.0 and sigs.k8s.io/json give for each line."""

import math

import pytest

from karb_guard.manifests import parse

_INT64 = 2**63


def value_of(text: str):
    parsed = parse(f"apiVersion: v1\nkind: X\na: {text}\n".encode(), "x.yaml")
    assert parsed.problems == []
    return parsed.documents[0].object["a"]


def key_of(text: str) -> str:
    parsed = parse(f"apiVersion: v1\nkind: X\na:\n  {text}: x\n".encode(), "x.yaml")
    assert parsed.problems == []
    return next(iter(parsed.documents[0].object["a"]))


@pytest.mark.parametrize(
    "text", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On"]
)
def test_yaml_1_1_words_for_true(text):
    assert value_of(text) is True
    assert key_of(text) == "true"


@pytest.mark.parametrize(
    "text", ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "OFF"]
)
def test_yaml_1_1_words_for_false(text):
    assert value_of(text) is False
    assert key_of(text) == "false"


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_words_for_null(text):
    assert value_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "yEs",
        "tRue",
        "nULL",
        "t",
        "nan",
        ".infinity",
        ".",
        "..",
        "+",
        "_1",
        ".e5",
        ".5e",
        "._5",
        "0x",
        "0b",
        "0o",
        "0b2",
        "1e",
        "1,000",
        "1.2.3",
        "100m",
        "500Mi",
        "1e3Mi",
        "0x1p-2",
        "+0xFFFFFFFFFFFFFFFF",
        "0xFFFFFFFFFFFFFFFFF",
        "1e400",
        "٣",
        "<NAME>",
        "${VAR}",
        "12:30:45",
        "190:20:30.15",
        "2001-01-01",
        "2001-12-14T21:59:43Z",
        "2001-12-14t21:59:43-05:00",
    ],
)
def test_what_looks_special_and_is_a_string(text):
    assert value_of(text) == text


@pytest.mark.parametrize(
    "quoted", ["'1'", '"yes"', "'null'", '"1e3"', "! 5", "!!str 5", "!custom 5"]
)
def test_quoted_and_string_tagged_scalars_stay_strings(quoted):
    assert isinstance(value_of(quoted), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-1", -1),
        ("+1", 1),
        ("-0", 0),
        ("007", 7),
        ("0777", 511),
        ("-0777", -511),
        ("08", 8),
        ("0o17", 15),
        ("0O17", 15),
        ("0x1F", 31),
        ("-0x1f", -31),
        ("+0x1F", 31),
        ("0b101", 5),
        ("0B101", 5),
        ("-0b11", -3),
        ("0b-11", -3),
        ("0b-1_", -1),
        ("1_000", 1000),
        ("1_", 1),
        ("0_x1", 1),
        ("-_1", -1),
        ("1e3", 1000),
        ("1E+3", 1000),
        ("1.0", 1),
        ("1.", 1),
        ("1.e5", 100000),
        (str(_INT64 - 1), _INT64 - 1),
        (str(-_INT64), -_INT64),
        ("0x7FFFFFFFFFFFFFFF", _INT64 - 1),
        ("4.611686018427388e18", 4611686018427388000),
        ("1e18", 10**18),
        ("!!int '5'", 5),
        ("!!float 5", 5),
        ("!!int 0x10", 16),
    ],
)
def test_integers(text, expected):
    result = value_of(text)
    assert result == expected
    assert type(result) is int


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("+.5", 0.5),
        ("-.5", -0.5),
        (".4_0", 0.4),
        ("1e-3", 0.001),
        ("1_0.5", 10.5),
        (str(_INT64), float(_INT64)),
        ("1e21", 1e21),
        (str(2**64 - 1), float(2**64)),
        ("0xFFFFFFFFFFFFFFFF", float(2**64)),
        (str(-_INT64 - 1), -float(_INT64)),
        ("!!float 9223372036854775807", float(_INT64)),
    ],
)
def test_floats_and_integers_beyond_int64(text, expected):
    result = value_of(text)
    assert result == expected
    assert type(result) is float


def test_a_number_of_thousands_of_digits_is_a_string_as_no_float64_holds_it():
    assert value_of("1" * 5000) == "1" * 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "1"),
        ("0x10", "16"),
        ("010", "8"),
        ("1.10", "1.1"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("100000.0", "100000"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("16777217.0", "1.6777216e+07"),
        ("3.4e39", ".inf"),
        (".inf", ".inf"),
        ("-.Inf", "-.inf"),
        (".NaN", ".nan"),
        ("on", "true"),
        ("2001-01-01", "2001-01-01"),
        ("'1.0'", "1.0"),
        ("!!str 1.0", "1.0"),
        ("!!float 1", "1"),
        ("nodeSelector", "nodeSelector"),
    ],
)
def test_keys_become_strings(text, expected):
    assert key_of(text) == expected


@pytest.mark.parametrize("text", ["~", "null", "18446744073709551615", "[a]", "{a: b}", "!!int x"])
def test_keys_that_no_json_object_can_have_are_refused(text):
    parsed = parse(f"apiVersion: v1\nkind: X\na:\n  ? {text}\n  : x\n".encode(), "x.yaml")
    assert parsed.documents == []
    assert [problem.line for problem in parsed.problems] == [4]


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "!!int 1.5", "!!bool 5", "!!null x"])
def test_values_that_kubectl_refuses_are_problems_at_their_place(text):
    parsed = parse(f"apiVersion: v1\nkind: X\na: {text}\n".encode(), "x.yaml")
    (problem,) = parsed.problems
    assert (problem.line, problem.column) == (3, 4)
    assert text.split()[-1] in problem.message


def test_binary_is_decoded_and_bad_bytes_are_replaced_one_by_one():
    assert value_of("!!binary aGVsbG8=") == "hello"
    assert value_of("!!binary '4oI='") == "\ufffd\ufffd"
    assert parse(b"a: !!binary '%%'", "x").problems[0].message == "a !!binary value is not base64"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{<<: {b: 1}, c: 2}", {"b": 1, "c": 2}),
        ("{<<: {b: 1}, b: 2}", {"b": 2}),
        ("{b: 2, <<: {b: 1}}", {"b": 1}),  # goyaml v2: what comes later wins, merged or not
        ("{<<: [{b: 1}, {b: 2, c: 3}]}", {"b": 1, "c": 3}),
        ("{<<: {b: 1, <<: {c: 2}}}", {"b": 1, "c": 2}),
        ("{<<: {b: 1}, <<: {c: 2}}", {"b": 1, "c": 2}),
        ("{'<<': 5}", {"<<": 5}),
    ],
)
def test_merge_keys(document, expected):
    assert value_of(document) == expected


@pytest.mark.parametrize("merged", ["5", "[1]", "null", ""])
def test_merging_something_else_than_mappings_is_refused(merged):
    (problem,) = parse(f"a: 1\nb:\n  <<: {merged}\n".encode(), "x").problems
    assert problem.line == 3
    assert "`<<`" in problem.message


def test_a_key_written_twice_around_a_merge_is_still_a_duplicate():
    assert "twice" in parse(b"{a: 1, <<: {a: 2}, a: 3}", "x").problems[0].message


def test_no_value_is_ever_nan():
    assert not any(isinstance(value, float) and math.isnan(value) for value in [value_of("'.nan'")])
