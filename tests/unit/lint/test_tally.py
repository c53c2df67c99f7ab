"""When an input that holds nothing to check is no verdict, and what the coverage counts."""

from __future__ import annotations

import itertools

import pytest

from karb_guard.lint import tally
from karb_guard.manifests import ParsedFile, Source, parse, parse_source
from karb_guard.model.finding import Coverage, Evaluation, ObjectRef

OBJECT = parse(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "object.yaml")
BROKEN = parse(b"a: {{ b }}\n", "broken.yaml")
VALUES = parse(b"replicas: 2\n", "values.yaml")
EMPTY = parse(b"# nothing\n", "empty.yaml")
EXCLUDED = parse_source(Source("drop.yaml", skipped="excluded by drop*"))
TEMPLATE = parse_source(Source("t.yaml", skipped="a template of a Helm chart: render it"))
FILES = [OBJECT, BROKEN, VALUES, EMPTY, EXCLUDED, TEMPLATE]

NO_VERDICT: list[list[ParsedFile]] = [
    [EMPTY],
    [EMPTY, EMPTY],
    [TEMPLATE],
    [TEMPLATE, EXCLUDED],
    [TEMPLATE, VALUES],
    [TEMPLATE, EMPTY],
]


@pytest.mark.parametrize("files", NO_VERDICT)
def test_an_input_without_anything_that_could_be_judged_is_a_problem(
    files: list[ParsedFile],
) -> None:
    problem = tally.nothing_checked(files)
    assert problem is not None
    assert problem.kind == tally.NOTHING
    assert problem.file in {file.name for file in files}


@pytest.mark.parametrize(
    "files", [[], [VALUES], [EXCLUDED], [EXCLUDED, VALUES], [VALUES, EMPTY], [OBJECT], [BROKEN]]
)
def test_what_was_meant_so_or_is_told_otherwise_is_none(files: list[ParsedFile]) -> None:
    assert tally.nothing_checked(files) is None


@pytest.mark.parametrize("others", list(itertools.combinations(FILES[2:], 2)))
def test_one_object_or_problem_is_enough(others: tuple[ParsedFile, ...]) -> None:
    assert tally.nothing_checked([OBJECT, *others]) is None
    assert tally.nothing_checked([*others, BROKEN]) is None


def test_the_coverage_counts_each_file_once() -> None:
    judged = Evaluation(ObjectRef("v1", "ConfigMap", "a"), Coverage.KNOWN)
    count = tally.coverage(FILES, [judged])
    assert (count.files, count.left_out) == (4, 3), "an empty file was read and is left out"
    assert (count.checked, count.unparsed, count.not_kubernetes) == (1, 1, 1)
    assert count.line() == (
        "1 document checked, 0 of unknown kind, 1 unparsed, 1 not a Kubernetes object, "
        "3 files left out"
    )


def test_every_object_is_in_exactly_one_number() -> None:
    ref = ObjectRef("example.com/v1", "Widget", "w")
    evaluations = [
        Evaluation(ref, Coverage.KNOWN),
        Evaluation(ref, Coverage.DISCOVERED),
        Evaluation(ref, Coverage.UNKNOWN),
        Evaluation(ref, Coverage.KNOWN, not_evaluated="too large"),
    ]
    count = tally.coverage([OBJECT], evaluations)
    assert (count.checked, count.unknown_kinds.total(), count.not_evaluated) == (2, 1, 1)
    assert count.discovered == 1


def test_what_was_left_out_is_named_with_its_reason() -> None:
    told = [(entry.file, entry.line, entry.reason) for entry in tally.left_out(FILES)]
    assert told == [
        ("values.yaml", 1, "no apiVersion and no kind (a Helm chart's values)"),
        ("empty.yaml", None, "empty"),
        ("drop.yaml", None, "excluded by drop*"),
        ("t.yaml", None, "a template of a Helm chart: render it"),
    ]
