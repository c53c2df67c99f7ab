from __future__ import annotations

import pytest

from karb_guard.invariants.fixtures import all_fixtures, fixtures_of
from karb_guard.invariants.problems import CatalogueError
from karb_guard.invariants.source import read

FOLDER = "gpu/gpu_thing/fixtures"

FULL = """\
# fixture:
#   about: something is wrong
#   findings:
#   - check: wrong
#     path: spec.thing
#     line: 9
#   also: [gpu-other]
#   params: {gpu-thing: {allowed: [x]}}
kind: Pod
# not part of the header
"""


@pytest.fixture
def two(root):
    root.add("gpu/gpu_other", id_="KARB-GPU-002")
    return root


def fixtures(root):
    catalogue = read([root.path])
    return fixtures_of(catalogue.get("gpu-thing"), [root.path], catalogue)


def test_a_fixture_is_its_header_its_text_and_its_context(two):
    two.write(f"{FOLDER}/fail/pod-bad.yaml", FULL)
    two.write(f"{FOLDER}/fail/pod-bad.context.yaml", "kind: Namespace\n")
    good, bad = fixtures(two)
    assert (good.fails, bad.fails) == (False, True)
    assert good.case == "pod-good"
    assert good.context_file is None
    assert bad.header.about == "something is wrong"
    (expected,) = bad.header.findings
    assert (expected.check, expected.path, expected.line) == ("wrong", "spec.thing", 9)
    assert bad.header.also == ("gpu-other",)
    assert bad.header.params == {"gpu-thing": {"allowed": ["x"]}}
    assert bad.text.splitlines()[expected.line - 1] == "kind: Pod"
    assert bad.manifest == "kind: Pod\n# not part of the header\n"
    assert bad.context == "kind: Namespace\n"
    assert bad.context_file is not None
    assert bad.context_file.name == "pod-bad.context.yaml"


def test_all_fixtures_of_a_catalogue_are_read(two):
    found = all_fixtures(read([two.path]), [two.path])
    assert [(f.invariant.name, f.case) for f in found] == [
        ("gpu-thing", "pod-good"),
        ("gpu-thing", "pod-bad"),
        ("gpu-other", "pod-good"),
        ("gpu-other", "pod-bad"),
    ]


BAD = {
    "no header": (("# fixture:\n", ""), "pod-bad.yaml:1: fixture: the first line must be"),
    "not indented": (("#   ", "# "), "indent every line below"),
    "no about": (("#   about: something is wrong\n", ""), "fixture.about: is missing; add it"),
    "empty about": (("something is wrong", "''"), "pod-bad.yaml:2: fixture.about: is empty"),
    "unknown key": (
        ("#   also:", "#   allso:"),
        "pod-bad.yaml:7: fixture.allso: unknown key; did you mean 'also'?",
    ),
    "unknown key of a finding": (
        ("#     line: 9", "#     lines: 9"),
        "pod-bad.yaml:6: fixture.findings[0].lines: unknown key; did you mean 'line'?",
    ),
    "no findings": (
        ("#   findings:\n#   - check: wrong\n#     path: spec.thing\n#     line: 9\n", ""),
        "fixture.findings: is missing; a fail fixture names its findings",
    ),
    "unknown check": (
        ("check: wrong", "check: wrnog"),
        "fixture.findings: gpu-thing has no check 'wrnog'; did you mean 'wrong'?",
    ),
    "line 0": (("line: 9", "line: 0"), "fixture.findings: line 0; lines count from 1"),
    "line as text": (("line: 9", "line: '9'"), '"9" must be a whole number'),
    "itself": (("[gpu-other]", "[gpu-thing]"), "fixture.also: gpu-thing is the invariant itself"),
    "unknown invariant": (
        ("[gpu-other]", "[gpu-othr]"),
        "fixture.also: no invariant is called 'gpu-othr'; did you mean 'gpu-other'?",
    ),
    "params of an unknown invariant": (
        ("{gpu-thing: {", "{gpu-thin: {"),
        "fixture.params: no invariant is called 'gpu-thin'",
    ),
    "unknown param": (
        ("{allowed:", "{alowed:"),
        "fixture.params: gpu-thing has no parameter 'alowed'; did you mean 'allowed'?",
    ),
    "no YAML": (("[gpu-other]", "[gpu-other"), "fixture: is not YAML"),
}


@pytest.mark.parametrize(("edit", "words"), BAD.values(), ids=BAD)
def test_a_bad_header_is_refused_by_file_key_and_remedy(two, edit, words):
    two.write(f"{FOLDER}/fail/pod-bad.yaml", FULL)
    assert len(fixtures(two)) == 2
    two.edit(*edit, file=f"{FOLDER}/fail/pod-bad.yaml")
    with pytest.raises(CatalogueError) as caught:
        fixtures(two)
    assert words in str(caught.value)


def test_a_pass_fixture_names_no_findings(two):
    two.write(f"{FOLDER}/pass/pod-good.yaml", FULL)
    with pytest.raises(CatalogueError, match="a pass fixture gives no finding"):
        fixtures(two)


def test_a_fixture_that_is_not_text_is_refused(two):
    (two.path / f"{FOLDER}/pass/pod-good.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match=r"pod-good.yaml: can't be read"):
        fixtures(two)
