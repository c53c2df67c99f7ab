"""The wheel alone, elsewhere: an empty environment and a directory that tries to get in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from karb_guard.invariants.roots import builtin_root
from karb_guard.invariants.source import read
from tests.support.controlplane import REPOSITORY

pytestmark = pytest.mark.packaging

POD = """apiVersion: v1
kind: Pod
metadata: {name: leak, namespace: inference}
spec:
  tolerations:
  - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
  containers:
  - {name: web, image: "nginx:1.29.1", resources: {limits: {memory: 64Mi}}}
"""


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as ``pip install .`` builds it."""
    out = tmp_path_factory.mktemp("dist")
    done = _run(sys.executable, "-m", "build", "--wheel", "--outdir", out, REPOSITORY, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``karb-guard`` in an environment that holds the wheel and what it depends on."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home / "venv", with_pip=True)
    done = _run(home / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "venv/bin/karb-guard"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """An unrelated directory with folders and modules of our packages' names that must not win."""
    for name in ("audit", "webhook", "karb_guard", "policies"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported the wrong one')\n")
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def test_the_wheel_holds_policies_and_bundle_but_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("policy.wasm") for name in names)
    assert any(name.startswith("karb_guard/_policies/gpu/") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "examples/")) for name in names)


def test_the_wheel_knows_the_invariants_of_the_repository(command: Path, elsewhere: Path) -> None:
    done = _run(command, "list", "--json", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    listed = {row["id"]: row["name"] for row in json.loads(done.stdout)}
    assert listed == {i.id: i.name for i in read([builtin_root()])}
    assert len(listed) >= 21


def test_the_wheel_lints_with_its_own_bundle_and_without_opa_or_go(
    command: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("KARB_GUARD_CACHE", str(elsewhere / "cache"))
    done = _run(command, "lint", "pod.yaml", "--select", "gpu-tol-leak", cwd=elsewhere)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "pod.yaml:6:3:" in done.stdout, done.stdout
    assert "error gpu-tol-leak KARB-GPU-001" in done.stdout, done.stdout


def test_the_wheel_holds_what_the_page_is_made_of(command: Path, elsewhere: Path) -> None:
    done = _run(command, "lint", "pod.yaml", "--format", "html", cwd=elsewhere)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "<style>" in done.stdout
    assert "<script>" in done.stdout


def test_lint_needs_none_of_the_webhook_s_packages(command: Path, elsewhere: Path) -> None:
    done = _run(command, "webhook", "serve", cwd=elsewhere)
    assert done.returncode == 2
    assert "karb-guard[webhook]" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
