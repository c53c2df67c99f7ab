"""The hooks as users get them: pre-commit installs this repository and runs them on theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.controlplane import REPOSITORY

pytestmark = pytest.mark.packaging

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: inference}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.29.1"}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: inference}\n"


def _git(*arguments: str, cwd: Path) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a commit of a repository of its own, uncommitted work included."""
    repository = tmp_path_factory.mktemp("hooks") / "karb-guard"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split("\n")
    for name in filter(None, files):
        if (REPOSITORY / name).is_file():
            target = repository / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target)
    _git("init", "--quiet", cwd=repository)
    _git("add", "--all", cwd=repository)
    _git("commit", "--quiet", "--message", "hooks", cwd=repository)
    return repository


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit-home")


@pytest.fixture
def consumer(hooks: Path, tmp_path: Path) -> Path:
    """A repository with manifests that uses the hook from ``hooks``."""
    repository = tmp_path / "consumer"
    (repository / "k8s").mkdir(parents=True)
    (repository / "k8s/web.yaml").write_text(DEPLOYMENT)
    (repository / "k8s/ns.yaml").write_text(NAMESPACE)
    (repository / "notes.md").write_text("no manifest\n")
    revision = _git("rev-parse", "HEAD", cwd=hooks)
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n"
        "  - id: karb-guard\n    args: [--select, 'res-mem,np-ingress-deny']\n"
        "  - id: karb-guard-tree\n    args: [--select, 'res-mem,np-ingress-deny', k8s]\n"
    )
    _git("init", "--quiet", cwd=repository)
    _git("add", "--all", cwd=repository)
    return repository


def _pre_commit(home: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PRE_COMMIT_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color=never", "--verbose", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_file_hook_judges_changed_manifests_by_themselves(consumer: Path, home: Path) -> None:
    done = _pre_commit(home, "karb-guard", "--files", "k8s/web.yaml", "notes.md", cwd=consumer)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "k8s/web.yaml:10:" in done.stdout
    assert "res-mem" in done.stdout
    assert "error np-ingress-deny" not in done.stdout, (
        "one file alone can't decide about its namespace"
    )
    assert "np-ingress-deny: undecided" in done.stdout


def test_the_tree_hook_sees_what_is_missing_across_files(consumer: Path, home: Path) -> None:
    done = _pre_commit(home, "karb-guard-tree", "--all-files", cwd=consumer)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "np-ingress-deny" in done.stdout
    assert "undecided" not in done.stdout


def test_the_file_hook_is_not_run_where_no_manifest_changed(consumer: Path, home: Path) -> None:
    done = _pre_commit(home, "karb-guard", "--files", "notes.md", cwd=consumer)
    assert done.returncode == 0
    assert "Skipped" in done.stdout
