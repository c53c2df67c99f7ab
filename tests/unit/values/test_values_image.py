import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.values.image import MAX_LENGTH, ImageReference, parse_image

# Answered by reference.ParseNormalizedNamed of github.com/distribution/reference v0.6.0 with
# sha256, sha384 and sha512 linked in, as in the API server:
# [text, registry, repository, tag, digest] or [text, null].
TABLE = json.loads((Path(__file__).parent / "tables" / "images.json").read_text())
HEX = "0123456789abcdef"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: repr(row[0])[:60])
def test_answers_as_the_reference_library_does(row: list[Any]) -> None:
    answer = parse_image(row[0])
    if row[1] is None:
        assert answer.error
        assert answer == ImageReference(row[0], error=answer.error)
    else:
        assert answer == ImageReference(*row)


hosts = st.from_regex(r"[a-z0-9]{1,5}\.[a-z]{2,3}(:[0-9]{1,5})?", fullmatch=True)
names = st.from_regex(r"[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?(/[a-z0-9]{1,6}){0,2}", fullmatch=True)
tags = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,10}", fullmatch=True)
digests = st.text(HEX, min_size=64, max_size=64).map("sha256:".__add__)


@given(hosts, names, st.none() | tags, st.none() | digests)
def test_a_full_reference_comes_apart_as_it_was_put_together(
    host: str, name: str, tag: str | None, digest: str | None
) -> None:
    raw = f"{host}/{name}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert parse_image(raw) == ImageReference(raw, host, name, tag, digest)


@given(names, st.none() | tags)
def test_the_implicit_registry_is_docker_hub(name: str, tag: str | None) -> None:
    raw = name + (f":{tag}" if tag else "")
    answer = parse_image(raw)
    if "/" not in name:
        assert (answer.registry, answer.repository) == ("docker.io", f"library/{name}")
    elif "." not in name.partition("/")[0]:
        assert (answer.registry, answer.repository) == ("docker.io", name)


@given(st.text(max_size=40))
def test_any_text_gets_an_answer_that_keeps_it(text: str) -> None:
    answer = parse_image(text)
    assert answer.raw == text
    assert (answer.error is None) == (answer.repository is not None)


@pytest.mark.parametrize("hostile", ["a-" * 500, "a." * 500 + "/", "a/" * 500 + "-", "a_" * 510])
def test_hostile_names_are_answered_quickly(hostile: str) -> None:
    started = time.process_time()
    assert parse_image(hostile[:MAX_LENGTH]).error
    assert time.process_time() - started < 0.5


def test_a_reference_over_the_bound_is_refused_and_cut() -> None:
    answer = parse_image("a" * (MAX_LENGTH + 1))
    assert answer.error == f"longer than {MAX_LENGTH} characters"
    assert len(answer.raw) == MAX_LENGTH


def test_policies_see_every_part() -> None:
    assert parse_image("r:5000/a/b:v1").as_json() == {
        "raw": "r:5000/a/b:v1",
        "registry": "r:5000",
        "repository": "a/b",
        "tag": "v1",
        "digest": None,
        "error": None,
    }
