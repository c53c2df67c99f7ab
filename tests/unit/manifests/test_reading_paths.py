"""Which files are found, which are left out and said, and which are errors."""

import io
import os
import tempfile
import threading
from pathlib import Path

import pytest

from karb_guard.manifests import Limits, parse_source, read_paths

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(*names: str, text: str = POD) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def read(*paths: str, **options) -> list[str]:
    return [source.name for source in read_paths(paths, **options) if is_read(source)]


def is_read(source) -> bool:
    return source.problem is None and source.skipped is None


def left_out(*paths: str, **options) -> dict[str, str]:
    return {each.name: each.skipped for each in read_paths(paths, **options) if each.skipped}


def failed(*paths: str, **options) -> dict[str, str]:
    return {
        each.name: each.problem.message for each in read_paths(paths, **options) if each.problem
    }


def test_directories_are_searched_for_manifests_in_sorted_order(tree):
    tree("b.yaml", "a/z.yml", "a/b/c.json", "a.yaml", "a/readme.md", "a/x.yaml.bak")
    assert read(".") == ["a/b/c.json", "a/z.yml", "a.yaml", "b.yaml"]
    assert read("a") == ["a/b/c.json", "a/z.yml"]


def test_hidden_and_foreign_directories_are_left_out_unless_named(tree):
    tree(".git/a.yaml", ".venv/a.yaml", "node_modules/a.yaml", ".github/w.yaml", "x.yaml")
    assert read(".") == ["x.yaml"]
    assert read(".github") == [".github/w.yaml"]


def test_a_named_file_is_read_whatever_its_name(tree):
    tree("pod.txt", "chart/Chart.yaml", "chart/templates/a.yaml")
    assert read("pod.txt", "chart/templates/a.yaml") == ["pod.txt", "chart/templates/a.yaml"]


def test_templates_of_a_helm_chart_are_left_out_and_said_but_not_its_crds(tree):
    tree("c/Chart.yaml", "c/values.yaml", "c/templates/a.yaml", "c/templates/sub/b.yaml")
    tree(
        "c/crds/crd.yaml",
        "c/charts/d/Chart.yaml",
        "c/charts/d/templates/e.yaml",
        "templates/f.yaml",
    )
    assert read(".") == [
        "c/Chart.yaml", "c/charts/d/Chart.yaml", "c/crds/crd.yaml", "c/values.yaml",
        "templates/f.yaml",
    ]  # fmt: skip
    assert set(left_out(".")) == {
        "c/templates/a.yaml", "c/templates/sub/b.yaml", "c/charts/d/templates/e.yaml",
    }  # fmt: skip
    assert "helm template" in left_out(".")["c/templates/a.yaml"]
    assert set(left_out("c/templates")) == {"c/templates/a.yaml", "c/templates/sub/b.yaml"}


def test_what_was_left_out_arrives_in_the_parsed_file(tree):
    tree("c/Chart.yaml", "c/templates/a.yaml", text="apiVersion: v2\nname: c\n")
    parsed = [parse_source(source) for source in read_paths(["c"])]
    assert [(each.name, each.skipped[0].reason.split(":")[0]) for each in parsed] == [
        ("c/Chart.yaml", "no kind (a Helm chart's description)"),
        ("c/templates/a.yaml", "a template of a Helm chart"),
    ]


@pytest.mark.parametrize("path", ["missing.yaml", "missing/", "", "a\0b", "file/below"])
def test_a_missing_path_is_an_error_that_names_it(tree, path):
    tree("file")
    (source,) = read_paths([path])
    assert source.problem is not None
    assert source.problem.file == path
    assert "can't be read" in source.problem.message
    assert parse_source(source).problems == [source.problem]


def test_a_directory_without_manifests_is_an_error_that_names_it(tree, tmp_path):
    tree("empty/readme.md", "a.yaml")
    assert "no manifests" in failed("empty", "a.yaml")["empty"]


@pytest.fixture
def nobody():
    """An open directory, read by a user without rights, so that it also works for root."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        yield top
        if os.getuid() == 0:
            os.seteuid(0)
        for path in (top / "d/a.yaml", top / "e"):
            path.chmod(0o700)


def test_unreadable_files_and_directories_are_errors(nobody):
    for name in ("d/a.yaml", "e/b.yaml", "c.yaml"):
        (nobody / name).parent.mkdir(exist_ok=True)
        (nobody / name).write_text(POD)
    (nobody / "d/a.yaml").chmod(0)
    (nobody / "e").chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)
    top = str(nobody)
    assert failed(top) == {
        f"{top}/d/a.yaml": "can't be read: Permission denied",
        f"{top}/e": "can't be read: Permission denied",
    }
    assert read(top) == [f"{top}/c.yaml"]


def test_links_to_directories_are_not_followed_so_loops_end(tree, tmp_path):
    tree("a/b/x.yaml")
    (tmp_path / "a/b/loop").symlink_to(tmp_path / "a")
    (tmp_path / "a/b/self.yaml").symlink_to(tmp_path / "a/b/self.yaml")
    assert read(".") == ["a/b/x.yaml"]
    assert "not followed" in left_out(".")["a/b/loop"]
    assert set(failed(".")) == {"a/b/self.yaml"}


def test_links_to_files_are_read_and_a_broken_link_is_an_error(tree, tmp_path):
    tree("real.txt")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/link.yaml").symlink_to(tmp_path / "real.txt")
    (tmp_path / "d/broken.yaml").symlink_to(tmp_path / "nothing")
    assert read("d") == ["d/link.yaml"]
    assert set(failed("d")) == {"d/broken.yaml"}


def test_a_file_that_is_reached_twice_is_read_once(tree):
    tree("a/x.yaml", "a/y.yaml")
    assert read("a/x.yaml", "a", "./a/x.yaml") == ["a/x.yaml", "a/y.yaml"]


@pytest.mark.parametrize("pattern", ["b", "b/", "a/b", "a/b/*", "*.yaml"])
def test_excluded_files_and_directories_are_left_out_and_said(tree, pattern):
    tree("a/b/x.yaml", "a/y.yml")
    assert read(".", exclude=[pattern]) == ["a/y.yml"]
    assert set(left_out(".", exclude=[pattern]).values()) == {f"excluded by {pattern}"}


def test_a_named_file_can_be_excluded_as_hooks_name_files(tree):
    tree("vendor/x.yaml")
    assert left_out("vendor/x.yaml", exclude=["vendor/*"]) == {
        "vendor/x.yaml": "excluded by vendor/*"
    }


def test_standard_input_is_read_once(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(POD.encode())))
    (source,) = read_paths(["-", "-"])
    assert (source.name, source.data) == ("<stdin>", POD.encode())


def test_closed_standard_input_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert set(failed("-")) == {"<stdin>"}


def test_files_over_the_limit_are_errors_even_endless_ones(tree):
    tree("big.yaml")
    for path in ("big.yaml", "/dev/zero"):
        (message,) = failed(path, limits=Limits(file_bytes=20)).values()
        assert "larger than 20 bytes" in message


def test_a_named_pipe_is_read_when_named_and_left_out_of_directories(tree, tmp_path):
    pipe = tmp_path / "d/pipe.yaml"
    tree("d/x.yaml")
    os.mkfifo(pipe)
    assert left_out("d") == {"d/pipe.yaml": "not a regular file"}
    writer = threading.Thread(target=pipe.write_text, args=(POD,))
    writer.start()
    (source,) = read_paths([str(pipe)])
    writer.join()
    assert source.data == POD.encode()


def test_a_name_that_is_not_unicode_can_be_shown(tree, tmp_path):
    raw = os.fsdecode(b"caf\xe9.yaml")
    (tmp_path / raw).write_text(POD)
    (source,) = read_paths([str(tmp_path)])
    assert source.data == POD.encode()
    assert source.name.encode().decode() == f"{tmp_path}/caf\ufffd.yaml"


@pytest.fixture
def deep_tree(tree, tmp_path):
    """A tree of 1,100 levels, taken away again: pytest's own tidying would not manage."""
    names = ["d"] * 1100
    os.chdir(tmp_path)
    for name in names:
        Path(name).mkdir()
        os.chdir(name)
    Path("x.yaml").write_text(POD)
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(tmp_path / "/".join(names))
    Path("x.yaml").unlink()
    for name in names:
        os.chdir("..")
        Path(name).rmdir()


def test_a_tree_deeper_than_pythons_stack_is_walked(deep_tree):
    assert len(read(str(deep_tree))) == 1
