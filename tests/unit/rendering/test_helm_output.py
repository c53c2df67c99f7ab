"""helm's answer -> sources named as the templates, and its faults at their places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.manifests import parse_source
from karb_guard.rendering import helm
from karb_guard.rendering.commands import RenderLimits
from karb_guard.rendering.options import RenderOptions
from tests.support.commands import SYSTEM, path_with


def render(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    options: RenderOptions | None = None,
):
    """Sources of the chart ``c`` as a helm that is this script makes them."""
    environment = path_with(tmp_path / "bin", helm=script)
    monkeypatch.setenv("PATH", f"{environment['PATH']}:{SYSTEM}")
    (tmp_path / "c").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return helm.sources("c", options or RenderOptions(), RenderLimits(seconds=20))


def answer(text: str) -> str:
    return f"cat <<'END'\n{text}END"


TWO = """---
# Source: demo/templates/a.yaml
a: 1
---
# Source: demo/charts/sub/templates/b.yaml
b: 1
---
# Source: demo/templates/a.yaml
a: 2
---
not: marked
"""


def test_each_template_is_a_source_of_its_own(tmp_path, monkeypatch) -> None:
    first, second = render(tmp_path, monkeypatch, answer(TWO))
    assert (first.name, second.name) == ("c/templates/a.yaml", "c/charts/sub/templates/b.yaml")
    assert first.data == (
        b"---\n# Source: demo/templates/a.yaml\na: 1\n"
        b"---\n# Source: demo/templates/a.yaml\na: 2\n---\nnot: marked\n"
    )
    assert second.data == b"---\n# Source: demo/charts/sub/templates/b.yaml\nb: 1\n"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("ab:\n #-", max_size=20)), max_size=8))
def test_splitting_loses_nothing(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"---\n# Source: d/templates/{name}\n{body}\n" for name, body in parts)
    made = dict(helm._split(text.encode(), "c"))
    assert sorted(b"".join(made.values())) == sorted(text.encode())
    assert set(made) == {f"c/templates/{name}" for name, _ in parts}


def test_what_a_template_writes_about_sources_is_not_believed(tmp_path, monkeypatch) -> None:
    text = "---\n# Source: demo/templates/a.yaml\n# Source: demo/templates/x.yaml\na: |\n  ---\n"
    (source,) = render(tmp_path, monkeypatch, answer(text))
    assert source.name == "c/templates/a.yaml"


def test_text_that_helm_did_not_mark_is_not_lost(tmp_path, monkeypatch) -> None:
    first, _ = render(
        tmp_path, monkeypatch, answer("a: 1\n---\n# Source: demo/templates/b.yaml\nb: 1\n")
    )
    assert (first.name, first.data) == ("c", b"a: 1\n")


def test_a_warning_is_a_note_and_drops_nothing(tmp_path, monkeypatch) -> None:
    script = f"echo 'level=WARN msg=\"unable to load\"' >&2\n{answer(TWO)}"
    first, second = render(tmp_path, monkeypatch, script)
    assert first.notes == ('c: helm says: level=WARN msg="unable to load"',)
    assert second.notes == ()
    assert parse_source(first).notes == first.notes


def test_an_empty_render_is_said_with_its_warnings(tmp_path, monkeypatch) -> None:
    (source,) = render(tmp_path, monkeypatch, "echo careful >&2; echo")
    assert source.skipped == "a chart that renders nothing with these values"
    assert source.notes == ("c: helm says: careful",)


def test_helm_is_told_everything_in_arguments_of_their_own(tmp_path, monkeypatch) -> None:
    values = tmp_path / "v.yaml"
    values.write_text("")
    options = RenderOptions(
        values=(str(values),), helm_set=("a=--b c",), release_name="rel", namespace="ns"
    )
    script = 'printf \'x: 1\\n\'; for a in "$@"; do echo "# [$a]"; done'
    (source,) = render(tmp_path, monkeypatch, script, options)
    given = [line[3:-1] for line in source.data.decode().splitlines()[1:]]
    assert given == [
        "template",
        "rel",
        str(tmp_path / "c"),
        "--namespace=ns",
        "--include-crds",
        f"--values={values}",
        "--set=a=--b c",
    ]


def test_without_a_namespace_helm_gets_its_default_not_a_contexts(tmp_path, monkeypatch) -> None:
    script = 'printf "a: $4 $2 $KUBECONFIG\\n"'
    (source,) = render(tmp_path, monkeypatch, script)
    assert source.data == b"a: --namespace=default release-name /dev/null\n"


FAULTS = {
    "execution": (
        'Error: template: demo/templates/d.yaml:3:12: executing "x" at <.Values.a>: nil pointer',
        ("c/templates/d.yaml", 3, 13),
    ),
    "execution, helm 4": (
        'Error: demo/templates/d.yaml:3:12\n  executing "demo/templates/d.yaml" at <.Values.a>:\n',
        ("c/templates/d.yaml", 3, 13),
    ),
    "fail": (
        "Error: execution error at (demo/charts/sub/templates/d.yaml:7:4): image is required",
        ("c/charts/sub/templates/d.yaml", 7, 5),
    ),
    "parse": (
        'Error: parse error at (demo/templates/d.yaml:2): function "nope" not defined',
        ("c/templates/d.yaml", 2, 1),
    ),
    "yaml": (
        "Error: YAML parse error on demo/templates/d.yaml: error converting YAML to JSON",
        ("c/templates/d.yaml", None, None),
    ),
    "other": ("Error: values don't meet the specifications", ("c", None, None)),
    "prose": ("Error: template: sorry", ("c", None, None)),
}


@pytest.mark.parametrize(("words", "place"), FAULTS.values(), ids=list(FAULTS))
def test_a_failure_is_told_at_the_template_that_helm_names(
    words: str, place: tuple[str, int, int], tmp_path: Path, monkeypatch
) -> None:
    (source,) = render(tmp_path, monkeypatch, f"cat >&2 <<'END'\n{words}\nEND\nexit 1")
    problem = source.problem
    assert problem is not None
    assert (problem.file, problem.line, problem.column) == place
    assert words.partition("\n")[0] in problem.message
    assert "--values" in problem.remedy


def test_a_missing_helm_names_the_command_the_chart_and_the_remedy(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (source,) = helm.sources("charts/a", RenderOptions(), RenderLimits())
    assert source.problem is not None
    assert source.problem.file == "charts/a"
    assert "`helm` is not on PATH" in source.problem.message
    assert "install helm" in source.problem.remedy
