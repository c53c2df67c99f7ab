"""Input that breaks other readers: every case ends in a problem with its place and remedy."""

import time

import pytest

from karb_guard.manifests import Limits, parse


def problem_of(text: str | bytes, name: str = "x.yaml", **limits: int):
    data = text.encode() if isinstance(text, str) else text
    parsed = parse(data, name, Limits(**limits))
    assert parsed.documents == []
    assert len(parsed.problems) == 1
    return parsed.problems[0]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, '{"a":' * 100_000, "- " * 100_000, '[{"a":[' * 50_000]
)
def test_nesting_of_100000_levels_is_refused_quickly(text):
    before = time.process_time()
    problem = problem_of(text)
    assert "nested deeper than 100 levels" in problem.message
    assert time.process_time() - before < 2


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_a_depth_of_exactly_100_is_read(opened, closed):
    deepest = 100
    value = opened * (deepest - 1) + "1" + closed * (deepest - 1)
    for prefix in (
        '{"apiVersion": "v1", "kind": "X", "x": ',
        '---\n{"apiVersion": "v1", "kind": "X", "x": ',
    ):
        assert len(parse(f"{prefix}{value}}}".encode(), "x").documents) == 1
        assert "nested deeper" in problem_of(f"{prefix}{opened}{value}{closed}}}").message


def test_nesting_through_aliases_counts():
    text = "a0: &a0 " + "[" * 50 + "]" * 50 + "\n"
    text += "a1: &a1 " + "[" * 60 + "*a0" + "]" * 60 + "\n"
    problem = problem_of(text)
    assert (problem.line, "nested deeper" in problem.message) == (2, True)


def test_a_yaml_bomb_is_refused():
    text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    text += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    problem = problem_of(text)
    assert "aliases expand to more than 100000 values" in problem.message
    assert problem.line == 5


def test_too_many_aliases_are_refused():
    text = "a: &a 1\nb: [" + ",".join(["*a"] * 11) + "]\n"
    assert "more than 10 aliases" in problem_of(text, aliases=10).message


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a\n  b: *a\n", "&a a: {b: &a {c: *a}}\n"])
def test_an_anchor_that_contains_itself_is_refused(text):
    assert "anchor `&a` contains itself" in problem_of(text).message


def test_an_alias_without_anchor_is_refused():
    problem = problem_of("a: 1\nb: *nope\n")
    assert (problem.line, problem.column) == (2, 4)
    assert "`*nope`" in problem.message


@pytest.mark.parametrize(
    ("text", "first", "again"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 3, 5),
        ('{"a": 1,\n "b": {"c": 1,\n "d": 2,\n "c": 3}}', 2, 4),
        ("---\nx: 1\n---\n1: a\n'1': b\n", 4, 5),
    ],
)
def test_a_duplicate_key_is_told_with_both_lines(text, first, again):
    (problem,) = parse(text.encode(), "x").problems
    assert problem.line == again
    assert f"first on line {first}, again on line {again}" in problem.message


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  - b\n  \tc: 1\n", "\ta: 1\n"])
def test_a_tab_in_the_indentation_is_told_at_its_line(text):
    problem = problem_of(text)
    assert "a tab in the indentation" in problem.message
    assert problem.line == text[: text.index("\t")].count("\n") + 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("apiVersion: v1\nkind: X\nmetadata:\n  name: {{ .Values.name }}\n", 4),
        ("a: 1\n{{- if .Values.x }}\nb: 1\n{{- end }}\n", 2),
        ("a: x-{{ .y }}\nb: {{ .z }}\n", 1),
        ("a:\n  {{- toYaml .Values | nindent 2 }}\n", 2),
        ("a: '{{ .x }}'\nb: |\n  {{ .y }}\n# {{ .z }}\nc: {{ .d }}\n", 5),
        ('{"a": {{ .x }}}', 1),
        ("{{ template }}", 1),
        ("- {{ .x }}\n", 1),
    ],
)
def test_a_template_is_told_as_one_with_the_line_of_its_first_marker(text, line):
    problem = problem_of(text)
    assert problem.message == "looks like a Helm/Go template, not a manifest"
    assert problem.remedy == "render it first (helm template ...)"
    assert problem.line == line


def test_a_jinja_template_is_told_as_one():
    assert "Jinja" in problem_of("{% if x %}\na: 1\n").message


def test_template_marks_in_strings_and_block_scalars_are_fine():
    text = "apiVersion: v1\nkind: X\na: \"{{ .x }}\"\nb: '{{ y }}'\nc: |\n  {{ z }}\nd: s-{{ t }}\n"
    (document,) = parse(text.encode(), "x").documents
    assert document.object["d"] == "s-{{ t }}"
    assert document.object["c"] == "{{ z }}\n"


@pytest.mark.parametrize(
    "before",
    [
        "a: '{{ x }}'\n",
        "a: |\n  {{ x }}\n\n  {{- y }}\n",
        "# {{ x }}\n",
        "a: s-{{ x }}\n",
        "- a: |\n    {{ x }}\n",
        "- |\n {{ x }}\n",
    ],
)
def test_a_harmless_template_mark_takes_no_blame_for_another_fault(before):
    problem = problem_of(f"{before}\t- b: 1\n")
    assert "template" not in problem.message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: {user}/image\n", (1, 10), "`/image` after the closing `}`"),
        ("a: 'it's'\n", (1, 8), "`s'` after the closing `'`"),
        ("a: b: c\n", (1, 5), "a `:` where no key can stand"),
        ("a: 1\nb: 'x\nc: 1\n", (2, 4), "a quote that is never closed"),
        ("a: 1\n- b\n", (2, 1), "neither the next key"),
        ("- a\nb: 1\n", (2, 1), "neither the next `- `"),
        ("a: [1,\nb: 3\n", (3, 1), "starts on line 1"),
        ("a: @x\n", (1, 4), "a value can't start with `@`"),
        ('a: "\\q"\n', (1, 5), "an unknown escape"),
        ("a: !x!y 1\n", (1, 4), "an undefined tag"),
        ("%YAML 3.0\n---\na: 1\n", (1, 1), "an unsupported %YAML version"),
        ("a: - b\n", (1, 4), "a `- ` where no list can start"),
    ],
)
def test_syntax_errors_are_placed_and_worded(text, place, words):
    problem = problem_of(text)
    assert (problem.line, problem.column) == (place[0], place[1])
    assert words in problem.message
    assert problem.remedy


def test_bytes_that_are_not_utf8_are_told_with_their_offset_and_the_rest_is_read():
    good = b"apiVersion: v1\nkind: A\n---\n"
    parsed = parse(b"\xef\xbb\xbf" + good + b"a: caf\xe9\n---\n" + good, "x.yaml")
    assert len(parsed.documents) == 2
    (problem,) = parsed.problems
    assert (problem.line, problem.column) == (4, 7)
    assert f"byte 0xE9 at offset {3 + len(good) + 6}" in problem.message


@pytest.mark.parametrize("data", [b"\xff\xfea", b"\xff\xfe\x00\xd8", "a: 1".encode("utf-32")])
def test_broken_utf16_and_utf32_are_told(data):
    assert "UTF-" in problem_of(data).message


def test_control_characters_are_named():
    assert "NUL" in problem_of("a: \x00\n").message
    assert "U+0007" in problem_of("a: \x07\n").message


@pytest.mark.parametrize("before", ["---\n", "# c\n", "x: 1\n"])
def test_a_byte_order_mark_that_became_part_of_a_key_is_told(before):
    assert "byte order mark" in problem_of(f"{before}\ufeffapiVersion: v1\nkind: A\n").message


def test_a_byte_order_mark_in_a_value_is_kept_as_kubectl_keeps_it():
    text = "@\n---\napiVersion: v1\nkind: A\na: '\ufeff'\n"
    assert parse(text.encode(), "x").documents[0].object["a"] == "\ufeff"


def test_a_binary_file_is_one_problem():
    assert problem_of(b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 10).line == 1


def test_a_file_over_the_size_limit_is_not_read():
    problem = problem_of(b"a: 1\n" * 3, file_bytes=14)
    assert (problem.line, problem.location) == (None, "x.yaml")
    assert "larger than 14 bytes" in problem.message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('{"a": 1,, "b": 2}', (1, 9), "not JSON: expecting property name"),
        ('{"a": 1\n "b": 2}', (2, 2), "not JSON: expecting ',' delimiter"),
        ('{"a": ', (1, 7), "not JSON: expecting value"),
        ('{"a": "x', (1, 7), "not JSON: unterminated string"),
        ('{"a": 1e999}', (1, 1), "can't be written in JSON"),
    ],
)
def test_broken_json_is_told_in_terms_of_json(text, place, words):
    problem = problem_of(text, "x.json")
    assert (problem.line, problem.column) == place
    assert words in problem.message


def test_many_broken_documents_take_linear_time():
    before = time.process_time()
    parsed = parse(b"---\na: b: c\n" * 20_000, "x.yaml", Limits(problems=100_000))
    assert len(parsed.problems) == 20_000
    assert time.process_time() - before < 8


@pytest.mark.parametrize(
    "text", ['{"' + '\\"' * 200_000, "a: b: c " + '"\\' * 200_000 + "{{", "\n" * 200_000 + "@"]
)
def test_hostile_text_takes_linear_time(text):
    before = time.process_time()
    assert len(parse(text.encode(), "x.yaml").problems) == 1
    assert time.process_time() - before < 2
