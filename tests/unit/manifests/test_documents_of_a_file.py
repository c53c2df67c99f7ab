"""Several documents, lists, and which of them are Kubernetes objects."""

import pytest

from karb_guard.manifests import Limits, parse

GOOD = "apiVersion: v1\nkind: {}\nmetadata:\n  name: a\n"


def kinds(parsed) -> list[str]:
    return [document.object["kind"] for document in parsed.documents]


def told(parsed) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in parsed.problems]


def test_documents_keep_their_order_lines_and_index():
    parsed = parse(f"{GOOD.format('A')}---\n---\n# c\n{GOOD.format('B')}".encode(), "x.yaml")
    assert kinds(parsed) == ["A", "B"]
    assert [(each.line, each.index) for each in parsed.documents] == [(1, 0), (8, 2)]
    assert parsed.empty == 1


@pytest.mark.parametrize(
    "text", ["", "\n", "# comment\n", "---\n", "null\n", "~", "\ufeff", "---\n...\n"]
)
def test_empty_files_and_documents_are_counted_and_no_error(text):
    parsed = parse(text.encode(), "x.yaml")
    assert (parsed.empty, parsed.documents, parsed.problems, parsed.skipped) == (1, [], [], [])


@pytest.mark.parametrize(
    "broken",
    [
        "a: b: c\n",
        "a: 'open\n",
        "\ta: 1\n",
        "a: [1, 2\n",
        "{{ if }}\n",
        "a: 1\na: 2\n",
        "a: *x\n",
        "a: \x07\n",
        "a: \x00\n",
        "[" * 200 + "\n",
        "@\n",
        "%nonsense\n",
        "a: &a [*a]\n",
        "a: 1\n b: 2\n",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_broken_document_never_hides_the_others(broken, line_end):
    text = f"{GOOD.format('A')}---\n{GOOD.format('B')}---\n{broken}---\n{GOOD.format('C')}"
    parsed = parse(text.replace("\n", line_end).encode(), "x.yaml")
    assert kinds(parsed) == ["A", "B", "C"]
    assert [document.line for document in parsed.documents][-1] == 12 + broken.count("\n")
    (problem,) = parsed.problems
    assert 11 <= problem.line <= 11 + broken.count("\n")
    assert problem.file == "x.yaml"
    assert problem.remedy


def test_every_broken_document_is_told():
    parsed = parse(b"a: b: c\n---\n@\n---\nx: '\n---\n" + GOOD.format("A").encode(), "x.yaml")
    assert [line for line, _ in told(parsed)] == [1, 3, 5]
    assert kinds(parsed) == ["A"]


def test_positions_after_a_broken_document_are_those_of_the_file():
    text = f"a: b: c\n---\n{GOOD.format('A')}"
    (document,) = parse(text.encode(), "x.yaml").documents
    assert document.position(("metadata", "name")).line == 6
    assert document.source_line(6) == "  name: a"


def test_a_document_that_ends_before_its_indentation_fault_is_not_used():
    parsed = parse(b"  apiVersion: v1\n  kind: A\nmetadata: {}\n", "x.yaml")
    assert parsed.documents == []
    assert told(parsed)[0][0] == 3


def test_yaml_directives_end_markers_and_byte_order_marks():
    text = f"\ufeff%YAML 1.1\n---\n{GOOD.format('A')}...\n%YAML 1.2\n---\n{GOOD.format('B')}"
    assert kinds(parse(text.encode(), "x")) == ["A", "B"]
    broken = f"{text}---\n@\n...\n%YAML 1.1\n---\n{GOOD.format('C')}"
    assert kinds(parse(broken.encode(), "x")) == ["A", "B", "C"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_encodings_with_a_byte_order_mark(encoding):
    data = GOOD.format("Ä").encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert kinds(parse(data, "x")) == ["Ä"]


def test_items_of_lists_are_objects_with_their_own_positions():
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n"
        "    name: a\n- apiVersion: v1\n  kind: List\n  items:\n"
        "  -\n    apiVersion: v1\n    kind: Pod\n"
    )
    first, second = parse(text.encode(), "x.yaml").documents
    assert (first.offset, first.line) == (("items", 0), 4)
    assert first.position(("metadata", "name")).line == 7
    assert first.position(("metadata", "labels", "x")).line == 6
    assert (second.offset, second.line) == (("items", 1, "items", 0), 11)


def test_items_of_typed_lists_get_the_kind_that_the_list_implies():
    items = "- metadata: {name: a}\n- {apiVersion: v1, kind: Pod}\n"
    text = f"apiVersion: v1\nkind: PodList\nitems:\n{items}"
    first, second = parse(text.encode(), "x.yaml").documents
    assert str(first.ref) == "Pod a"
    assert first.object == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    assert second.object["kind"] == "Pod"


@pytest.mark.parametrize(
    ("items", "line", "words"),
    [("5", 3, "`items` of the List is not a list"), ("[1]", 3, "a number"), ("\n- ~", 4, "null")],
)
def test_odd_items_are_problems(items, line, words):
    parsed = parse(f"apiVersion: v1\nkind: List\nitems: {items}\n".encode(), "x.yaml")
    (problem,) = parsed.problems
    assert problem.line == line
    assert words in problem.message


def test_an_empty_list_and_a_kind_that_only_ends_in_list():
    assert parse(b"apiVersion: v1\nkind: List\nitems:\n", "x").documents == []
    assert kinds(parse(b"apiVersion: a/v1\nkind: AllowList\nspec: {}\n", "x")) == ["AllowList"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [("- a\n", "list"), ("a", "string"), ("5", "number"), ("yes", "boolean"), ("[]", "list")],
)
def test_documents_of_another_shape_are_named(text, shape):
    (problem,) = parse(f"---\n{text}".encode(), "x.yaml").problems
    assert (problem.line, problem.message) == (2, f"a {shape}, not a Kubernetes object")


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("a: 1\n", "x.yaml", "no apiVersion and no kind"),
        ("apiVersion: v2\nname: x\n", "a/Chart.yaml", "no kind (a Helm chart's description)"),
        ("resources: []\n", "kustomization.yaml", "no apiVersion and no kind (a Kustomize file)"),
        ("kind: 5\n", "values.yaml", "no apiVersion and no kind (a Helm chart's values)"),
    ],
)
def test_mappings_that_are_no_kubernetes_objects_are_said_and_no_error(text, name, reason):
    parsed = parse(text.encode(), name)
    assert [(each.line, each.reason) for each in parsed.skipped] == [(1, reason)]
    assert (parsed.documents, parsed.problems) == ([], [])


def test_a_kustomization_is_skipped_but_flux_kustomizations_are_objects():
    skipped = parse(b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "k.yaml")
    assert "Kustomize" in skipped.skipped[0].reason
    flux = parse(b"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n", "k.yaml")
    assert kinds(flux) == ["Kustomization"]


def test_a_named_object_without_half_of_its_type_is_a_problem_not_a_silent_pass():
    (problem,) = parse(b"kind: Deployment\nmetadata:\n  name: llm\n", "x.yaml").problems
    assert (problem.line, problem.message) == (1, "`llm` has no apiVersion")


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ("{name: a}", "a"),
        ("{generateName: a-}", "a-*"),
        ("{}", ""),
        ("[]", ""),
        ("{name: 5}", ""),
        ("", ""),
    ],
)
def test_the_name_of_an_object(metadata, name):
    (document,) = parse(
        f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n".encode(), "x"
    ).documents
    assert document.ref.name == name


def test_unfilled_placeholders_are_plain_values():
    (document,) = parse(
        b"apiVersion: v1\nkind: Pod\nmetadata: {name: <NAME>}\nx: ${VAR}\n", "x"
    ).documents
    assert (document.ref.name, document.object["x"]) == ("<NAME>", "${VAR}")


def test_aliases_repeat_values():
    text = "apiVersion: v1\nkind: X\na: &a {b: [1]}\nc: *a\nd: *a\n"
    (document,) = parse(text.encode(), "x").documents
    assert document.object["c"] == document.object["d"] == {"b": [1]}


def test_the_pure_python_parser_gives_the_same(monkeypatch):
    import yaml.cyaml

    text = f"{GOOD.format('A')}a: [yes, 1e3, {{b: 'c'}}]\n---\na: b: c\n---\n{GOOD.format('B')}"
    fast = parse(text.encode(), "x.yaml")
    monkeypatch.delattr(yaml.cyaml, "CParser")
    slow = parse(text.encode(), "x.yaml")
    assert [each.object for each in slow.documents] == [each.object for each in fast.documents]
    assert slow.documents[0].position(("a", 1)) == fast.documents[0].position(("a", 1))
    assert [each.line for each in slow.problems] == [each.line for each in fast.problems]


def test_more_documents_than_the_limit_are_not_read_and_said():
    text = "---\n".join(GOOD.format(name) for name in "ABC")
    for data in (
        text,
        "apiVersion: v1\nkind: List\nitems:\n" + "- {apiVersion: v1, kind: A}\n" * 3,
    ):
        parsed = parse(data.encode(), "x.yaml", Limits(documents=2))
        assert len(parsed.documents) == 2
        assert "more than 2 documents" in parsed.problems[0].message
        assert parsed.problems[0].line is not None


def test_more_problems_than_the_limit_are_not_listed():
    parsed = parse(b"---\n@\n" * 10, "x.yaml", Limits(problems=3))
    assert len(parsed.problems) == 4
    assert "more than 3 problems" in parsed.problems[-1].message
