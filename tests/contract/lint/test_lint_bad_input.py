"""Whatever a file holds: a message that names it and the line, the other files still judged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.cli import CLEAN, IMAGE_LINE, POD, karb_guard

MIB = 1 << 20
HEAD = "apiVersion: v1\nkind: Pod\nmetadata:\n"


def yaml_bomb() -> str:
    """Ten levels of nine aliases each: 9^10 values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for previous, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{previous}'] * 9)}]")
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n" + "\n".join(lines)


class Case(NamedTuple):
    file: str
    content: str | bytes
    line: int
    """Where the problem is."""
    words: str
    """What the message must say."""
    remedy: str = ""


BAD = {
    "100,000 nested lists in JSON": Case(
        "x.json", "[" * 100_000 + "]" * 100_000, 1, "nested deeper than 100 levels", "flatten"
    ),
    "100,000 nested objects in JSON": Case(
        "x.json", '{"a":' * 100_000 + "1" + "}" * 100_000, 1, "nested deeper than 100 levels"
    ),
    "100,000 opening brackets in YAML": Case(
        "x.yaml", "a: " + "[" * 100_000, 1, "nested deeper than 100 levels"
    ),
    "3,000 nested blocks in YAML": Case(
        "x.yaml", "\n".join(" " * i + "a:" for i in range(3000)), 101, "nested deeper"
    ),
    "a YAML bomb": Case("x.yaml", yaml_bomb(), 9, "aliases expand to more than"),
    "a tab in the indentation": Case(
        "x.yaml", HEAD + "\tname: x\n", 4, "a tab in the indentation", "spaces"
    ),
    "a Helm template": Case(
        "x.yaml", HEAD + "  name: {{ .Release.Name }}\n", 4, "template", "helm template"
    ),
    "a Helm template with a block": Case(
        "x.yaml", HEAD + "{{- if .Values.x }}\n  name: x\n{{- end }}\n", 4, "template"
    ),
    "a Jinja template": Case("x.yaml", HEAD + "{% if x %}\n  name: x\n", 4, "Jinja", "render"),
    "bytes that are no UTF-8": Case(
        "x.yaml", HEAD.encode() + b"  name: caf\xe9\n", 4, "not UTF-8", "save the file as UTF-8"
    ),
    "an alias that contains itself": Case(
        "x.yaml", HEAD.replace("metadata:", "metadata: &m") + "  labels: *m\n", 4, "contains itself"
    ),
    "a duplicate key in YAML": Case(
        "x.yaml", HEAD + "  name: a\n  name: b\n", 5, "first on line 4, again on line 5"
    ),
    "a duplicate key in JSON": Case(
        "x.json",
        '{"apiVersion": "v1", "kind": "Pod",\n"metadata": {"name": "a",\n"name": "b"}}',
        3,
        "first on line 2, again on line 3",
    ),
    "truncated JSON": Case("x.json", '{"apiVersion": "v1",\n "metadata": {', 2, "not JSON"),
    "a NUL character": Case("x.yaml", b"apiVersion: v1\n\x00\n", 2, "NUL"),
    "a null item of a List": Case(
        "x.yaml", "apiVersion: v1\nkind: List\nitems:\n- null\n", 4, "is null", "remove"
    ),
    "a list instead of an object": Case("x.yaml", "- a\n- b\n", 1, "a list, not a Kubernetes"),
    "a string instead of an object": Case("x.yaml", "hello\n", 1, "a string, not a Kubernetes"),
    "an object without kind": Case(
        "x.yaml", "apiVersion: v1\nmetadata: {name: x}\n", 1, "`x` has no kind"
    ),
    "an infinite number": Case("x.yaml", HEAD + "  name: .inf\n", 4, "can't be written in JSON"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=list(BAD))
def test_bad_input_is_named_with_its_line_and_hides_nothing(case: Case, tmp_path: Path) -> None:
    content = case.content if isinstance(case.content, bytes) else case.content.encode()
    (tmp_path / case.file).write_bytes(content)
    (tmp_path / "good.yaml").write_text(POD)
    done = karb_guard("lint", ".", cwd=tmp_path)
    assert done.code == 2
    (line,) = [line for line in done.out.splitlines() if line.startswith(f"{case.file}:")]
    assert line.startswith(f"{case.file}:{case.line}:"), line
    assert case.words in line
    assert case.remedy in done.out
    assert f"good.yaml:{IMAGE_LINE}:5: Pod shop/web" in done.out, "the other file isn't judged"
    assert "1 document checked, 0 of unknown kind, 1 unparsed" in done.out


def test_the_other_documents_of_a_bad_file_are_judged(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        f"{HEAD}  name: {{{{ .x }}}}\n---\n{POD}---\n{HEAD}\tname: x\n"
    )
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "x.yaml:4:9: unparsed" in done.out
    assert f"x.yaml:{5 + IMAGE_LINE}:5: Pod shop/web" in done.out
    assert "1 document checked, 0 of unknown kind, 2 unparsed" in done.out


@pytest.mark.parametrize("text", ["", "\n", "# a comment\n", "---\n---\n", "null\n"])
def test_an_empty_file_is_no_verdict(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "x.yaml: nothing-checked: the input is empty" in done.out


def test_empty_standard_input_is_no_verdict() -> None:
    done = karb_guard("lint", "-", stdin=b"")
    assert done.code == 2, "`helm template ... | karb-guard lint -` must not pass when helm fails"
    assert "<stdin>: nothing-checked" in done.out


def test_an_empty_file_beside_others_is_only_said(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "clean.yaml").write_text(CLEAN)
    done = karb_guard("lint", ".", cwd=tmp_path)
    assert done.code == 0
    assert "left out: 1 x empty" in done.out


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    done = karb_guard("lint", "nothing", cwd=tmp_path)
    assert done.code == 2
    assert "nothing: unparsed: no manifests (*.yaml, *.yml, *.json) in this directory" in done.out


def test_a_missing_path_is_named_and_the_others_are_judged(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(POD)
    done = karb_guard("lint", "missing.yaml", "good.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "missing.yaml: unparsed: can't be read: No such file or directory" in done.out
    assert "1 document checked" in done.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(POD)
    (tmp_path / "x.yaml").chmod(0)
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "x.yaml: unparsed: can't be read: Permission denied" in done.out


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"#" * (33 * MIB))
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "x.yaml: unparsed: larger than 33554432 bytes" in done.out


def test_ten_megabytes_of_comments_are_judged_like_any_file(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(POD + "# " + "x" * (10 * MIB) + "\n")
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 1
    assert "1 document checked" in done.out


def test_an_object_of_ten_megabytes_is_not_evaluated(tmp_path: Path) -> None:
    large = POD.replace("shop}", "shop, annotations: {a: " + "x" * (10 * MIB) + "}}")
    (tmp_path / "x.yaml").write_text(large)
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "x.yaml:1:1: not-evaluated: Pod shop/web: metadata.annotations takes" in done.out
    assert "1 not evaluated" in done.out


def test_an_unknown_kind_is_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 1}\n"
    )
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code == 0
    assert "unknown kinds: example.com/v1/Widget (1)" in done.out
    assert "0 documents checked, 1 of unknown kind, 0 unparsed" in done.out
    assert "nothing was checked" in done.out


def test_an_object_whose_parts_are_null_is_judged(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: null\nspec: null\nstatus: null\n"
    (tmp_path / "x.yaml").write_text(text)
    done = karb_guard("lint", "x.yaml", cwd=tmp_path)
    assert done.code in {0, 1}
    assert "1 document checked" in done.out


WRONG_TYPES = {
    "spec": "spec: 5\n",
    "containers": "spec: {containers: 5}\n",
    "container": "spec: {containers: [5, null, []]}\n",
    "names": "spec: {containers: [{name: 5, image: [x]}]}\n",
    "labels": "spec: {containers: []}\nmetadata: {name: x, labels: [a], annotations: 5}\n",
    "tolerations": "spec: {containers: [{name: a, image: b}], tolerations: {a: b}}\n",
}


@pytest.mark.parametrize("tail", WRONG_TYPES.values(), ids=list(WRONG_TYPES))
def test_wrong_types_are_findings_with_a_place(tail: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(f"apiVersion: v1\nkind: Pod\n{tail}")
    done = karb_guard("lint", "x.yaml", "--format", "json", cwd=tmp_path)
    assert done.code == 1
    malformed = [f for f in json.loads(done.out)["findings"] if f["name"] == "malformed"]
    assert malformed
    assert all(finding["line"] >= 3 for finding in malformed)


def test_a_container_without_a_name_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(POD.replace("- name: web\n    image", "- image"))
    done = karb_guard("lint", "x.yaml", "--select", "img-tag", cwd=tmp_path)
    assert done.code == 1
    assert "container (no name): tag latest" in done.out


def test_names_can_not_write_to_the_terminal(tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a\x1b[31mred\x07"},
        "spec": {"containers": [{"name": "c\x1b]0;x\x07", "image": "x\x1b:latest"}]},
    }
    (tmp_path / "x.json").write_text(json.dumps(pod, ensure_ascii=True))
    for form in ("text", "github"):
        out = karb_guard("lint", "x.json", "--format", form, "--verbose", cwd=tmp_path).out
        assert "\x1b" not in out, form
        assert "\x07" not in out, form


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
def test_half_a_surrogate_pair_prints_in_every_format(form: str, tmp_path: Path) -> None:
    pod = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a\\ud800"},"spec":5}'
    (tmp_path / "x.json").write_text(pod)
    target = tmp_path / "out"
    done = karb_guard("lint", "x.json", "--format", form, cwd=tmp_path)
    again = karb_guard("lint", "x.json", "--format", form, "--output", str(target), cwd=tmp_path)
    assert done.code == again.code != 0
    assert target.read_text()
