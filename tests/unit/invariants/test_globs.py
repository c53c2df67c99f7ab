"""Lists of globs, taken apart: nothing that a glob matches may be ruled out."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.invariants.globs import taken_apart, with_globs
from karb_guard.invariants.param_schema import faults


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("v*-gpu", {"begin": "v", "end": "-gpu", "least": 5}),
        ("*", {"begin": "", "end": "", "least": 0}),
        ("a*b*c", {"begin": "a", "end": "c"}),
        ("**", {"begin": "", "end": ""}),
        ("nightly-{cpu,cu???}", {"begin": "nightly-", "end": ""}),
        ("{a,b}c", {"begin": "", "end": "c"}),
        ("v?", {"begin": "v", "end": ""}),
        ("[a*]b", {"begin": "", "end": "b"}),
        (r"a\*", {"begin": "a", "end": ""}),
        (r"a\b*c", {"begin": "a", "end": "c"}),
    ],
)
def test_literal_text_around_wildcards(pattern: str, parts: dict[str, Any]) -> None:
    assert taken_apart([pattern])["wild"] == [{"glob": pattern, **parts}]


def test_a_name_without_wildcards_is_only_looked_up() -> None:
    apart = taken_apart(["latest", "*-latest"])
    assert apart["exact"] == {"latest": True, "*-latest": True}
    assert [pattern["glob"] for pattern in apart["wild"]] == ["*-latest"]


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=8))
def test_beginning_end_and_length_agree_with_matching(pattern: str, value: str) -> None:
    matches = fnmatch.fnmatchcase(value, pattern)
    apart = taken_apart([pattern])
    if not apart["wild"]:
        assert matches == (value in apart["exact"])
        return
    (parts,) = apart["wild"]
    around = value.startswith(parts["begin"]) and value.endswith(parts["end"])
    if "least" in parts:
        assert matches == (around and len(value) >= parts["least"])
    elif matches:
        assert around


def test_only_lists_of_globs_are_taken_apart() -> None:
    names = {"type": "array", "items": {"type": "string", "format": "glob"}}
    words = {"type": "array", "items": {"type": "string"}}
    params = {"names": ["a*"], "words": ["b*"]}
    given_to_policies = with_globs(params, {"names": names, "words": words})
    assert given_to_policies == {**params, "globs": {"names": taken_apart(["a*"])}}
    assert with_globs({"words": ["b*"]}, {"words": words}) == {"words": ["b*"]}


def test_the_name_under_which_they_are_handed_over_is_taken() -> None:
    schema = {"type": "boolean", "default": False, "description": "whether"}
    assert [fault for fault in faults("globs", schema) if "taken" in fault]
    assert not list(faults("glob", schema))


def test_another_format_is_refused() -> None:
    items = {"type": "string", "format": "globs"}
    schema = {"type": "array", "items": items, "default": [], "description": "names"}
    assert [fault for fault in faults("names", schema) if "format" in fault]
