"""Which charts and kustomizations are rendered, and which files that stands for."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from karb_guard.manifests import read_paths
from karb_guard.rendering.plan import BESIDE, Form, plan

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
CHART = "apiVersion: v2\nname: demo\nversion: 0.1.0\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def units(*paths: str, below: bool = False, exclude: Sequence[str] = ()) -> list[tuple[str, str]]:
    return [(unit.form.value, unit.path) for unit in plan(paths, exclude, below=below).units]


def read(*paths: str, below: bool = False) -> list[str]:
    """What is still read as it is."""
    found = plan(paths, below=below)
    sources = read_paths([p for p in paths if p not in found.archives], covered=found.covers)
    return [source.name for source in sources if source.skipped is None]


def left_out(*paths: str, below: bool = False) -> dict[str, str | None]:
    found = plan(paths, below=below)
    sources = [*found.left_out, *read_paths(paths, covered=found.covers)]
    return {source.name: source.skipped for source in sources if source.skipped}


def test_a_named_chart_is_rendered_and_its_parts_are_not_read(tree) -> None:
    tree(
        {
            "c/Chart.yaml": CHART,
            "c/values.yaml": "a: 1\n",
            "c/templates/a.yaml": "{{ x }}",
            "c/crds/crd.yaml": POD,
            "c/charts/sub/Chart.yaml": CHART,
            "c/charts/sub/templates/b.yaml": "{{ y }}",
        }
    )
    assert units("c") == [("helm", "c")]
    assert read("c") == []
    assert left_out("c") == {}


def test_files_beside_the_templates_of_a_chart_are_left_out_and_said(tree) -> None:
    tree({"c/Chart.yaml": CHART, "c/files/a.yaml": POD, "c/x/y/b.yaml": POD, "d/z.yaml": POD})
    assert left_out("c", "d") == {"c/files/a.yaml": BESIDE, "c/x/y/b.yaml": BESIDE}
    assert read("c", "d") == ["d/z.yaml"]


def test_a_directory_that_is_named_beside_its_chart_is_read(tree) -> None:
    tree({"Chart.yaml": CHART, "k8s/a.yaml": POD, "other/b.yaml": POD})
    assert read(".", "k8s") == ["k8s/a.yaml"]
    assert left_out(".", "k8s") == {"other/b.yaml": BESIDE}


def test_a_file_of_a_chart_that_is_named_is_read(tree) -> None:
    tree({"c/Chart.yaml": CHART, "c/files/a.yaml": POD})
    assert read("c", "c/files/a.yaml") == ["c/files/a.yaml"]


def test_charts_below_a_directory_are_rendered_on_request_only(tree) -> None:
    tree({"b/Chart.yaml": CHART, "b/templates/t.yaml": "{{ x }}", "a.yaml": POD})
    assert units(".") == []
    assert units(".", below=True) == [("helm", "./b")]
    assert read(".", below=True) == ["a.yaml"]


def test_what_is_found_comes_in_sorted_order(tree) -> None:
    tree({f"{name}/Chart.yaml": CHART for name in ("b", "a/z", "a/b", "c")})
    assert [path for _, path in units(".", below=True)] == ["./a/b", "./a/z", "./b", "./c"]


def test_subcharts_are_rendered_with_their_chart_alone(tree) -> None:
    tree({"c/Chart.yaml": CHART, "c/charts/sub/Chart.yaml": CHART})
    assert units("c", below=True) == [("helm", "c")]


def test_a_chart_is_rendered_once_however_often_it_is_named(tree) -> None:
    tree({"c/Chart.yaml": CHART})
    assert units("c", "./c/", ".", below=True) == [("helm", "c")]


def test_excluded_and_hidden_directories_are_not_searched(tree) -> None:
    tree({f"{name}/Chart.yaml": CHART for name in ("old", ".git", "node_modules", "new")})
    assert units(".", below=True, exclude=["old"]) == [("helm", "./new")]
    assert units("old", exclude=["old"]) == []


def test_links_to_directories_are_not_followed(tree, tmp_path) -> None:
    tree({"c/Chart.yaml": CHART})
    (tmp_path / "loop").symlink_to(tmp_path)
    assert units(".", below=True) == [("helm", "./c")]


def test_a_library_chart_that_is_found_is_left_out_and_said(tree) -> None:
    tree({"lib/Chart.yaml": CHART + "type: library\n", "lib/templates/_a.yaml": "{{ x }}"})
    assert units(".", below=True) == []
    assert "library" in str(left_out(".", below=True)["lib"])
    assert units("lib") == [("helm", "lib")]  # named: helm says what is wrong


def pack(archive: Path, first: str) -> None:
    with tarfile.open(archive, "w:gz") as packed:
        info = tarfile.TarInfo(first)
        packed.addfile(info)


def test_packed_charts_are_told_from_other_archives(tree, tmp_path) -> None:
    pack(tmp_path / "chart-1.tgz", "chart/Chart.yaml")
    pack(tmp_path / "package.tgz", "package/package.json")
    (tmp_path / "broken.tgz").write_bytes(b"\x1f\x8b no archive")
    assert units(".", below=True) == [("helm", "./chart-1.tgz")]
    assert units("package.tgz") == [("helm", "package.tgz")]  # named: helm says what is wrong
    assert read("chart-1.tgz") == []


BASE = {
    "base/kustomization.yaml": "resources: [pod.yaml]\n",
    "base/pod.yaml": POD,
    "base/notes.yaml": POD,
}
OVERLAY = {
    "prod/kustomization.yml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
    "prod/p.yaml": POD,
}


def test_a_named_kustomization_is_built_and_what_it_names_is_not_read(tree) -> None:
    tree({**BASE, **OVERLAY})
    assert units("prod") == [("kustomize", "prod")]
    assert read("prod") == []
    assert read("prod", "base") == ["base/notes.yaml"]


def test_bases_are_judged_as_parts_of_their_overlays(tree) -> None:
    tree({**BASE, **OVERLAY, "dev/Kustomization": "bases: [../base]\n"})
    assert units(".", below=True) == [("kustomize", "./dev"), ("kustomize", "./prod")]
    assert read(".", below=True) == ["base/notes.yaml"]


def test_a_base_that_is_named_is_built_by_itself_too(tree) -> None:
    tree({**BASE, **OVERLAY})
    assert units("prod", "base") == [("kustomize", "prod"), ("kustomize", "base")]


def test_a_namespace_called_like_a_directory_is_no_reference(tree) -> None:
    tree({"kustomization.yaml": "namespace: prod\n", "prod/kustomization.yaml": "resources: []\n"})
    assert units(".", below=True) == [("kustomize", "."), ("kustomize", "./prod")]


def test_kustomizations_that_use_each_other_are_not_lost(tree) -> None:
    tree(
        {
            "a/kustomization.yaml": "resources: [../b]\n",
            "b/kustomization.yaml": "resources: [../a]\n",
        }
    )
    assert units(".", below=True) == [("kustomize", "./a")]


def test_a_component_that_nothing_uses_is_left_out_and_said(tree) -> None:
    tree({"c/kustomization.yaml": "kind: Component\n"})
    assert units(".", below=True) == []
    assert "component" in str(left_out(".", below=True)["c"])


def test_files_of_generators_and_their_keys_are_parts(tree) -> None:
    text = "configMapGenerator:\n- name: a\n  files: [x.yaml=a.yaml, b.json]\n  envs: [c.yaml]\n"
    files = dict.fromkeys(("a.yaml", "b.json", "c.yaml", "d.yaml"), POD)
    tree({"kustomization.yaml": text, **files})
    assert read(".") == ["d.yaml"]


@pytest.mark.parametrize(
    "text", ["", "[", "- a\n", "resources: {a: 1}\n", "resources: [1, null]\n"]
)
def test_an_odd_kustomization_is_left_to_kustomize(tree, text) -> None:
    tree({"kustomization.yaml": text, "a.yaml": POD})
    assert units(".") == [("kustomize", ".")]
    assert read(".") == ["a.yaml"]


@pytest.mark.parametrize("path", ["-", "", "missing", "a\0b"])
def test_what_is_no_directory_is_left_to_the_reader(tree, path) -> None:
    tree({"Chart.yaml": CHART})
    assert units(path) == []


def test_a_directory_may_be_both(tree) -> None:
    tree({"Chart.yaml": CHART, "kustomization.yaml": "resources: []\n"})
    assert [form for form, _ in units(".")] == [Form.HELM.value, Form.KUSTOMIZE.value]
