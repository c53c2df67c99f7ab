from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.invariants.yaml_text import MAX_CHARACTERS, YamlError, read, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("on", "on"),
        ("off", "off"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("-7", -7),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("9" * 5000, "9" * 5000),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema(text, value):
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quotes_make_text():
    assert read("a: '5'\nb: \"true\"\nc: |\n  5\n").value == {"a": "5", "b": "true", "c": "5\n"}


def test_lines_are_those_of_keys_and_elements():
    parsed = read("a:\n  b: 1\n  c:\n  - x\n  - y: 2\n")
    assert parsed.value == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert parsed.line(("a",)) == 1
    assert parsed.line(("a", "b")) == 2
    assert parsed.line(("a", "c", 1)) == 5
    assert parsed.line(("a", "c", 1, "missing", 3)) == 5
    assert parsed.line(("missing",)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "key 'a' is there twice"),
        ("1: a", "key '1' is not text"),
        ("? [a]\n: b", "can't be a key"),
        ("a: &x 1\nb: *x", "anchors and aliases"),
        ("a: !!python/object:os.system x", "tag tag:yaml.org,2002:python/object:os.system"),
        ("a: !!timestamp 2026-01-01", "tag"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: [", "is not YAML"),
        ("a:\n\t- b", "is not YAML"),
        ("a: \x00", "is not YAML"),
        ("[" * 100_000, "is nested deeper than 32 levels"),
        ("- " * 100_000, "is nested deeper than 32 levels"),
        ("#" * (MAX_CHARACTERS + 1), "the most is"),
    ],
)
def test_what_is_outside_of_the_subset_is_refused(text, words):
    with pytest.raises(YamlError, match=words):
        read(text)


def test_an_error_names_its_line():
    with pytest.raises(YamlError) as caught:
        read("a: 1\nb: 2\na: 3\n")
    assert caught.value.line == 3


PRINTABLE = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_read_as_json(value):
    assert read(json.dumps(value, ensure_ascii=False)).value == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(YamlError):
        assert read(text).line(()) >= 0
