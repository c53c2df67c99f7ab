from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.params import ParamError, effective, merged, parse_set
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant


def invariant(id_: str, name: str, params: dict) -> Invariant:
    return Invariant(
        id=id_,
        name=name,
        category="images",
        package="karb.images.x",
        title="t",
        description="d",
        severity=Severity.ERROR,
        since="0.1.0",
        remediation="r",
        checks={"c": "m"},
        params=params,
    )


STRINGS = {"type": "array", "items": {"type": "string"}, "description": "d", "default": ["x"]}
COUNT = {"type": "integer", "minimum": 1, "maximum": 9, "description": "d", "default": 3}
MODE = {"type": "string", "enum": ["a", "b"], "description": "d", "default": "a"}
CATALOGUE = Catalogue(
    (
        invariant("KARB-IMG-001", "img-registry", {"registries": STRINGS, "most": COUNT}),
        invariant("KARB-IMG-002", "img-tag", {"mode": MODE}),
        invariant("KARB-IMG-003", "img-plain", {}),
    )
)


def test_defaults_hold_where_nothing_is_set():
    found = effective(CATALOGUE, {}, CATALOGUE)
    assert found == {
        "img-registry": {"registries": ["x"], "most": 3},
        "img-tag": {"mode": "a"},
        "img-plain": {},
    }


def test_an_override_replaces_one_parameter_only():
    found = effective(CATALOGUE, {"img-registry": {"most": 5}}, CATALOGUE)
    assert found["img-registry"] == {"registries": ["x"], "most": 5}


def test_an_override_may_name_the_id_and_a_disabled_invariant():
    enabled = CATALOGUE.select(["img-registry"])
    overrides = {"KARB-IMG-001": {"most": 5}, "img-tag": {"mode": "b"}}
    assert effective(enabled, overrides, CATALOGUE) == {
        "img-registry": {"registries": ["x"], "most": 5}
    }


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"img-registri": {"most": 1}}, "no invariant is called 'img-registri'; did you mean"),
        ({"img-registry": {"mots": 1}}, "has none of that name; did you mean 'most'?"),
        ({"img-plain": {"x": 1}}, "it has no parameters"),
        (
            {"img-registry": {"registries": "nvcr.io"}},
            r'registries: "nvcr.io" is refused: .* must be a list of string, such as \[nvcr.io\]',
        ),
        ({"img-registry": {"most": 10}}, "10 is refused: .* must be integer at least 1 at most 9"),
        ({"img-registry": {"most": True}}, "true is refused"),
        ({"img-tag": {"mode": "c"}}, "it must be one of a, b"),
    ],
)
def test_bad_overrides_name_parameter_value_and_remedy(overrides, words):
    with pytest.raises(ParamError, match=words):
        effective(CATALOGUE, overrides, CATALOGUE)


def test_bad_overrides_are_listed_together():
    with pytest.raises(ParamError) as caught:
        effective(CATALOGUE, {"nope": {}, "img-tag": {"mode": "c", "x": 1}}, CATALOGUE)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("argument", "name", "param", "value"),
    [
        (
            "img-registry.registries=[nvcr.io, ghcr.io]",
            "img-registry",
            "registries",
            ["nvcr.io", "ghcr.io"],
        ),
        ("img-registry.most=5", "img-registry", "most", 5),
        ("KARB-IMG-002.mode=on", "img-tag", "mode", "on"),
        ("img-tag.mode=a=b", "img-tag", "mode", "a=b"),
        ("img-tag.mode='5'", "img-tag", "mode", "5"),
        ("img-tag.mode=", "img-tag", "mode", None),
        ("img-tag.mode={a: [1, b]}", "img-tag", "mode", {"a": [1, "b"]}),
    ],
)
def test_set_reads_its_value_as_yaml(argument, name, param, value):
    assert parse_set([argument], CATALOGUE) == {name: {param: value}}


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("img-tag", "must be NAME.PARAM=VALUE"),
        ("img-tag=x", "must be NAME.PARAM=VALUE"),
        ("img-tag.mode", "must be NAME.PARAM=VALUE"),
        (".mode=x", "must be NAME.PARAM=VALUE"),
        ("img-tga.mode=x", "--set img-tga.mode=x: no invariant is called 'img-tga'; did you mean"),
        ("img-tag.mod=x", "img-tag has no parameter 'mod'; did you mean 'mode'?"),
        ("img-tag.mode=[x", "the value is not YAML"),
        ("img-tag.mode=a: b: c", "the value is not YAML"),
    ],
)
def test_a_bad_set_is_refused(argument, words):
    with pytest.raises(ParamError, match=words.replace("[", r"\[")):
        parse_set([argument], CATALOGUE)


def test_later_sets_win():
    assert parse_set(["img-tag.mode=a", "img-tag.mode=b"], CATALOGUE) == {"img-tag": {"mode": "b"}}


def test_layers_merge_parameter_by_parameter():
    below, above = {"x": {"a": 1, "b": 2}}, {"x": {"b": 3}, "y": {"c": 4}}
    assert merged(below, above) == {"x": {"a": 1, "b": 3}, "y": {"c": 4}}
    assert below == {"x": {"a": 1, "b": 2}}


PRINTABLE = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)


@given(st.lists(PRINTABLE, max_size=4))
def test_any_json_list_can_be_set(values):
    argument = f"img-registry.registries={json.dumps(values, ensure_ascii=False)}"
    found = parse_set([argument], CATALOGUE)
    assert found == {"img-registry": {"registries": values}}
    assert effective(CATALOGUE, found, CATALOGUE)["img-registry"]["registries"] == values


@given(st.text(max_size=60))
def test_any_argument_is_parsed_or_refused(argument):
    with contextlib.suppress(ParamError):
        assert len(parse_set([argument], CATALOGUE)) == 1


def test_nothing_is_imported_to_keep_the_defaults():
    code = (
        "import sys; from karb_guard.invariants.params import effective;"
        "from karb_guard.invariants.catalogue import Catalogue; effective([], {}, Catalogue(()));"
        "print([m for m in ('pydantic', 'jsonschema') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
