"""What holds for every input: the same object, places that show the field, and no exception."""

import json
import re

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from karb_guard.manifests import parse

# Not strings that PyYAML writes plain and goyaml reads as a number or a boolean ("0o7", "y").
_WORD = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x85\xa0"),
    max_size=20,
).filter(lambda text: not re.match(r"[-+.0-9]|[yYnN]$", text))
_KEY = _WORD.filter(lambda text: text != "" and text == text.strip() and len(text) < 20)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False).filter(
    # Go writes the shortest digits of a float and fills up with zeros: another integer
    lambda number: not (number.is_integer() and abs(number) >= 2**53)
)
_NUMBER = st.integers(-(2**63), 2**63 - 1) | _FLOAT
_LEAF = st.none() | st.booleans() | _NUMBER | _WORD
_VALUE = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEY, inner, max_size=4),
    max_leaves=25,
)
_OBJECT = st.dictionaries(_KEY, _VALUE, max_size=5).map(
    lambda fields: {**fields, "apiVersion": "v1", "kind": "X"}
)


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def check(text: str, value: object, as_written) -> None:
    parsed = parse(text.encode(), "x.yaml")
    assert parsed.problems == []
    (document,) = parsed.documents
    assert document.object == value
    for path in leaves(value):
        position = document.position(path)
        line = document.source_line(position.line)
        assert 1 <= position.column <= len(line) + 1
        if isinstance(path[-1], str):
            assert line[position.column - 1 :].startswith(as_written(path[-1]))


def yaml_key(key: str) -> tuple[str, ...]:
    block = yaml.safe_dump({key: 1}, allow_unicode=True, width=10**6)
    flow = yaml.safe_dump({key: 1}, allow_unicode=True, width=10**6, default_flow_style=True)
    return block.rsplit(": 1", 1)[0], flow.rsplit(": 1", 1)[0][1:]


@given(_OBJECT, st.sampled_from([False, None, True]), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=250, deadline=None)
def test_dumped_yaml_reads_back_with_the_place_of_every_field(value, flow, line_end):
    text = yaml.safe_dump(
        value, default_flow_style=flow, allow_unicode=True, width=10**6, line_break=line_end
    )
    check(text, value, yaml_key)


@given(_OBJECT, st.sampled_from([None, 2, "\t"]), st.booleans())
@settings(max_examples=250, deadline=None)
def test_dumped_json_reads_back_with_the_place_of_every_field(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    check(text, value, lambda key: json.dumps(key, ensure_ascii=ascii_only))


@given(st.lists(_OBJECT, min_size=1, max_size=4), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_a_broken_document_among_others_hides_none(values, at):
    texts = [yaml.safe_dump(value, allow_unicode=True) for value in values]
    texts.insert(at, "a: b: c\n")
    parsed = parse("---\n".join(texts).encode(), "x.yaml")
    assert [document.object for document in parsed.documents] == values
    assert len(parsed.problems) == 1


_FRAGMENTS = st.sampled_from(
    [
        "a: ",
        "- ",
        "\n",
        "  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        "'",
        '"',
        "|",
        ">",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        ": ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "#",
        "{{",
        "}}",
        "!!int ",
        "! ",
        "~",
        "1e3",
        "\x00",
        "\ufeff",
        "\r",
        "apiVersion: v1\nkind: List\nitems:\n",
        '{"a":',
        "\\ud800",
        "é",
        "\u2028",
        "\ud83d\ude00",
    ]
)


def read_everything(data: bytes) -> None:
    parsed = parse(data, "x.yaml")
    for document in parsed.documents:
        assert document.ref is not None
        for path in leaves(document.object):
            assert document.position(path).line >= 1
    for problem in parsed.problems:
        assert problem.message
        str(problem).encode()
    assert parsed.documents or parsed.problems or parsed.skipped or parsed.empty or b"items" in data


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_random_bytes_never_raise(data):
    read_everything(data)


@given(st.lists(_FRAGMENTS, max_size=25))
@settings(max_examples=1000, deadline=None)
def test_random_fragments_of_yaml_and_json_never_raise(fragments):
    read_everything("".join(fragments).encode("utf-8", "surrogatepass"))
