"""The command line of ``audit``: what it refuses, and what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from karb_guard.cli.main import main

WITHOUT = "import sys; sys.modules['kubernetes'] = None; from karb_guard.cli.main import main; "


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where the package ``kubernetes`` is not installed."""
    code = f"{WITHOUT} sys.exit(main({list(arguments)!r}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from-dump", "d", "--kubeconfig", "k"], "leave out --kubeconfig"),
        (["--in-cluster", "--context", "c"], "--in-cluster has no kubeconfig"),
        (["--complete"], "--complete is about a dump"),
        (["--from-dump", "no-such-dump"], "--from-dump no-such-dump: there is no such file"),
        (["--kubeconfig", "no-such-file"], "no-such-file: no usable credentials"),
        (["--write-back", "wgpolicy", "--select", "img-tag"], "leave out --select and --ignore"),
        (["--write-back", "wgpolicy", "--ignore", "img-tag"], "leave out --select and --ignore"),
        (["--evidence", ""], "--evidence names no database"),
        (["--evidence", "x", "--from-dump", "no-such-dump"], "the evidence URL can't be read"),
        (["--jobs", "0"], "--jobs is 0; give a number from 1 to 64"),
        (["--jobs", "65"], "--jobs is 65; give a number from 1 to 64"),
        (["--watch", "--from-dump", "d"], "--watch and --from-dump: an export does not change"),
        (["--watch", "--write-back", "wgpolicy"], "--watch and --write-back"),
        (["--watch", "--evidence", "sqlite:///e.db"], "--watch and --evidence"),
        (["--watch", "--prices", "p"], "--watch and --prices"),
        (["--watch", "--jobs", "2"], "--watch and --jobs: one process follows and judges"),
        (["--watch", "--format", "html"], "--watch prints text or json, not html"),
        (["--watch", "--format", "json", "--output", "f"], "leave out --output"),
        (["--watch", "--format", "json", "--format", "text"], "--watch prints one --format"),
        (["--watch", "--resync", "often"], "--resync often: not a duration"),
        (["--watch", "--resync", "1s"], "--resync 1s: at least 10s"),
        (["--resync", "1m"], "--resync is about a watch; add --watch"),
        (["--watch", *(f"-nn{n}" for n in range(21))], "at most 20 namespaces by name"),
        (["--watch", "--kubeconfig", "no-such-file"], "no-such-file: no usable credentials"),
    ],
)
def test_what_can_not_be_meant_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    done = run(tmp_path, "audit", "--kubeconfig", "k")
    assert done.returncode == 2
    assert "pip install 'karb-guard[audit]'" in done.stderr


def test_an_export_needs_no_cluster_client(tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "web", "image": "nginx:latest"}]},
    }
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    done = run(tmp_path, "audit", "--from-dump", "pod.json", "--complete", "--select", "img-tag")
    assert done.returncode == 1, done.stderr
    assert "shop/Pod/web" in done.stdout
