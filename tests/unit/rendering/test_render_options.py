"""What users say about charts is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from karb_guard.model.errors import UsageError
from karb_guard.rendering import RenderOptions, read_inputs


@pytest.mark.parametrize("file", ["missing.yaml", ".", "https://example.com/v.yaml", "-", "a\0b"])
def test_values_must_be_files_of_this_machine(file: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        RenderOptions(values=(file,))


@pytest.mark.parametrize("setting", ["", "image", "=1"])
def test_a_setting_without_a_key_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        RenderOptions(helm_set=(setting,))


@pytest.mark.parametrize("setting", ["a=", "a.b=1,c=2", "a=b=c", "a[0]={x,y}"])
def test_what_helm_takes_is_passed_on(setting: str) -> None:
    assert RenderOptions(helm_set=(setting,)).helm_set == (setting,)


@pytest.mark.parametrize("name", ["", "A", "-x", "x-", "a b", "--values=x", "a..b", "x" * 54])
def test_a_release_that_helm_refuses_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--release-name"):
        RenderOptions(release_name=name)


@pytest.mark.parametrize("name", ["a", "my-release", "a.b-1", "x" * 53])
def test_a_release_that_helm_takes_is_taken(name: str) -> None:
    assert RenderOptions(release_name=name).release_name == name


@pytest.mark.parametrize("name", ["", "A", "a.b", "-x", "a\n", "x" * 64])
def test_a_namespace_that_kubernetes_refuses_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--namespace"):
        RenderOptions(namespace=name)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (RenderOptions(helm_set=("a=1",)), "--helm-set: no PATH is a Helm chart or kustomization"),
        (RenderOptions(release_name="r", namespace="n"), "--release-name and --namespace"),
    ],
)
def test_options_that_nothing_can_take_are_refused(options, word: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    with pytest.raises(UsageError, match=word):
        read_inputs([str(tmp_path)], options=options)


def test_options_for_charts_are_refused_where_only_kustomizations_are(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    with pytest.raises(UsageError, match="no PATH is a Helm chart; name one"):
        read_inputs([str(tmp_path)], options=RenderOptions(release_name="r"))
    read_inputs([str(tmp_path)], options=RenderOptions(namespace="n"))
