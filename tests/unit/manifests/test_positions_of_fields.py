"""Where a finding points: the field's key, or its deepest parent's."""

import pytest

from karb_guard.manifests import Position, parse

MANIFEST = """\
# a comment
apiVersion: v1
kind: Pod
metadata:
  name: llm   # the name
  labels: {app: llm, "tier": 'gpu'}
spec:
  containers:
  - name: server
    image: "r/a:1"
    resources:
      limits:
        nvidia.com/gpu: 1
    args: [--model, m, -1]
    command:
    - |
      run
      it
    -   # a comment
      second
  -
    # a comment
    # - another
    name: sidecar
  tolerations:
  - - nested
    - twice
  note: >
    folded
    text
  empty:
"""


def document_of(text: str, name: str = "x.yaml"):
    parsed = parse(text.encode(), name)
    assert parsed.problems == []
    return parsed.documents[0]


def under(text: str, path: tuple[str | int, ...]) -> str:
    """The text that a caret line would underline."""
    document = document_of(text)
    position = document.position(path)
    assert position.line == position.end_line
    return document.source_line(position.line)[position.column - 1 : position.end_column - 1]


@pytest.mark.parametrize(
    ("path", "line", "text"),
    [
        (("metadata", "name"), 5, "name: llm"),
        (("metadata", "labels"), 6, "labels: {app: llm, \"tier\": 'gpu'}"),
        (("metadata", "labels", "app"), 6, "app: llm"),
        (("metadata", "labels", "tier"), 6, "\"tier\": 'gpu'"),
        (("spec",), 7, "spec"),
        (("spec", "containers"), 8, "containers"),
        (("spec", "containers", 0), 9, "- name: server"),
        (("spec", "containers", 0, "image"), 10, 'image: "r/a:1"'),
        (
            ("spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"),
            13,
            "nvidia.com/gpu: 1",
        ),
        (("spec", "containers", 0, "args", 1), 14, "m"),
        (("spec", "containers", 0, "args", 2), 14, "-1"),
        (("spec", "containers", 0, "command", 0), 16, "- |"),
        (("spec", "containers", 0, "command", 1), 19, "-"),
        (("spec", "containers", 1), 21, "-"),
        (("spec", "containers", 1, "name"), 24, "name: sidecar"),
        (("spec", "tolerations", 0), 26, "- - nested"),
        (("spec", "tolerations", 0, 0), 26, "- nested"),
        (("spec", "tolerations", 0, 1), 27, "- twice"),
        (("spec", "note"), 28, "note"),
        (("spec", "empty"), 31, "empty:"),
    ],
)
def test_a_field_is_its_key_with_the_value_of_the_same_line(path, line, text):
    assert document_of(MANIFEST).position(path).line == line
    assert under(MANIFEST, path) == text


@pytest.mark.parametrize(
    ("path", "line", "text"),
    [
        (("spec", "containers", 0, "resources", "limits", "memory"), 12, "limits"),
        (("spec", "containers", 0, "resources", "requests", "cpu"), 11, "resources"),
        (("spec", "containers", 0, "securityContext", "privileged"), 9, "- name: server"),
        (("spec", "containers", 1, "resources"), 21, "-"),
        (("spec", "containers", 7, "image"), 8, "containers"),
        (("spec", "containers", "image"), 8, "containers"),
        (("metadata", 0), 4, "metadata"),
        (("metadata", "name", "deeper"), 5, "name: llm"),
        (("spec", "empty", "a", "b"), 31, "empty:"),
        (("status", "x"), 2, "apiVersion: v1"),
        ((), 2, "apiVersion: v1"),
    ],
)
def test_what_is_missing_is_placed_on_its_deepest_parent(path, line, text):
    assert document_of(MANIFEST).position(path).line == line
    assert under(MANIFEST, path) == text


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_and_columns_are_those_of_editors(line_end):
    text = MANIFEST.replace("\n", line_end)
    position = document_of(text).position(("spec", "containers", 0, "image"))
    assert position == Position(10, 5, 10, 19)
    assert document_of(text).source_line(10) == '    image: "r/a:1"'


def test_columns_count_characters_and_line_separators_of_yaml_1_1_are_no_lines():
    text = 'apiVersion: v1\nkind: X\na: {"é😀": 1, b: 2}\nc: "x\u2028y\x85z"\nd: 1\n'
    document = document_of(text)
    assert document.position(("a", "b")) == Position(3, 14, 3, 18)
    assert document.position(("d",)).line == 5


def test_aliased_and_merged_fields_point_where_they_are_written():
    text = (
        "apiVersion: v1\nkind: X\nbase: &base\n  a: 1\n  b: {c: 1}\n"
        "one:\n  <<: *base\n  d: 1\ntwo: *base\n"
    )
    document = document_of(text)
    assert document.position(("one", "a")).line == 4
    assert document.position(("one", "d")).line == 8
    assert document.position(("two",)) == Position(9, 1, 9, 11)
    assert document.position(("two", "b", "c")).line == 5


def test_json_positions():
    text = (
        '{\n\t"apiVersion": "v1", "kind": "X",\n\t"a": {"b": [1, {"c": "x\\"]"}], "e\\u0061": 2}\n}'
    )
    document = document_of(text, "x.json")
    assert document.position(("kind",)) == Position(2, 22, 2, 33)
    assert document.position(("a", "b", 1, "c")) == Position(3, 18, 3, 29)
    assert document.position(("a", "b", 1)).column == 17
    assert document.position(("a", "ea")).column == 33
    assert document.position(("a", "b", 9)).column == 8
    assert document.position(()).line == 1


def test_json_values_one_after_the_other_each_have_positions():
    text = '{"apiVersion":"v1","kind":"A"}\n{"apiVersion":"v1",\n"kind":"B"}\n'
    first, second = parse(text.encode(), "x.json").documents
    assert first.position(("kind",)).line == 1
    assert second.position(("kind",)).line == 3


@pytest.mark.parametrize(
    "text", ['{"apiVersion":"v1","kind":"A",}', "{apiVersion: v1, kind: A} # c\n"]
)
def test_flow_yaml_that_is_no_json_is_read_as_yaml(text):
    assert document_of(text).position(("kind",)).line == 1


def test_json_words_that_only_python_knows_are_read_as_yaml_reads_them():
    assert document_of('{"apiVersion":"v1","kind":"A","x":NaN}').object["x"] == "NaN"


def test_lone_surrogates_of_json_become_replacement_characters():
    document = document_of(
        '{"apiVersion":"v1","kind":"A","x":"\\ud800","\\udc00":["\\ud83d\\ude00"]}'
    )
    assert document.object["x"] == "\ufffd"
    assert document.object["\ufffd"] == ["😀"]
    assert document.position(("\ufffd", 0)).line == 1


def test_a_source_line_outside_of_the_file_is_empty():
    document = document_of(MANIFEST)
    assert (document.source_line(0), document.source_line(99)) == ("", "")


def test_findings_on_one_line_share_its_text():
    document = document_of('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}\n')
    assert document.source_line(1) is document.source_line(1)
