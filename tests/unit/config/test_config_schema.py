"""The published JSON Schema and the loader accept the same files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.config.schema import FILE, json_schema, render
from karb_guard.config.settings import PATTERNS, Config
from karb_guard.invariants.validation import InvalidError, validate

DOCS = Path(__file__).resolve().parents[3] / "docs"
GOOD: dict[str, Any] = yaml.safe_load("""
select: [gpu]
failOn: warning
complete: false
policies: [mine]
params: {x: {y: 1}}
severity: {x: info}
engine: {type: opa, deadlineMs: 50, opa: {url: 'https://x', timeoutMs: 5}}
facts: {sloPrefix: a/b, gpuResources: [x]}
stages:
  default: {error: enforce}
  invariants: {gpu: warn}
  namespaces: [{match: 'a*', default: audit, invariants: {x: audit}}]
  labels: {mayLoosen: true}
webhook: {port: 1, exemptNamespaces: [a], docsUrl: 'http://x'}
""")
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
WRONG = [None, True, 0, -1, 70000, 1.5, "", "x", "warn", "Not a name", [], ["x"], {}, {"x": "warn"}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def accepted(document: Any) -> bool:
    try:
        validate(Config, document, PATTERNS)
    except InvalidError:
        return False
    return True


def test_the_published_schema_is_the_generated_one():
    assert (DOCS / FILE).read_text(encoding="utf-8") == render()[FILE], (
        "run `python -m karb_guard.config.schema --write`"
    )


def test_the_schema_is_a_schema_and_describes_every_key():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    sections = [SCHEMA, *(s for s in SCHEMA["$defs"].values() if "properties" in s)]
    assert len(sections) > 7
    for section in sections:
        assert section["additionalProperties"] is False
        for name, entry in section["properties"].items():
            target = SCHEMA["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
            assert entry.get("description") or target.get("description"), name


def test_the_good_sample_is_good():
    assert accepted(GOOD)
    assert VALIDATOR.is_valid(GOOD)


@given(st.sampled_from(places(GOOD)), st.sampled_from(WRONG))
def test_schema_and_loader_agree_on_spoilt_values(place, wrong):
    document = copy.deepcopy(GOOD)
    if place:
        target: Any = document
        for part in place[:-1]:
            target = target[part]
        target[place[-1]] = wrong
    else:
        document = wrong
    assert accepted(document) == VALIDATOR.is_valid(document)


@pytest.mark.parametrize("place", [p for p in places(GOOD)[1:] if isinstance(p[-1], str)])
def test_schema_and_loader_agree_on_misspelt_keys(place):
    document = copy.deepcopy(GOOD)
    target: Any = document
    for part in place[:-1]:
        target = target[part]
    target[place[-1] + "x"] = target.pop(place[-1])
    assert accepted(document) == VALIDATOR.is_valid(document)
