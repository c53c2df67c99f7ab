"""Start-up: what a command must not import before it needs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import POD, REPOSITORY

HEAVY = {
    "pydantic",
    "jsonschema",
    "kubernetes",
    "fastapi",
    "starlette",
    "uvicorn",
    "cryptography",
    "prometheus_client",
    "opa_client",
    "httpx",
    "asyncio",
    "importlib.metadata",
    "subprocess",
    "webhook",
    "audit",
    "karb_guard.cluster",
    "karb_guard.engine.compiler",
    "karb_guard.engine.opa_server",
    "karb_guard.engine.builtins.table",
    "karb_guard.invariants.source",
    "karb_guard.toolchain.gotool",
}
"""Nothing that lint needs when its bundle is compiled and no parameter is set."""
NOT_FOR_THE_VERSION = HEAVY | {
    "yaml",
    "orjson",
    "wasmtime",
    "json",
    "dataclasses",
    "karb_guard.assembly",
    "karb_guard.manifests",
}
PROGRAM = """
import sys
from karb_guard.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as done:
    code = done.code
print("\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a command leaves behind."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stderr.splitlines())


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def test_the_version_imports_next_to_nothing(here: Path) -> None:
    modules = imported("--version", cwd=here)
    assert "karb_guard.cli.main" in modules
    assert not modules & NOT_FOR_THE_VERSION


def test_lint_imports_what_it_needs_and_no_more(here: Path) -> None:
    imported("lint", "pod.yaml", cwd=here)  # the bundle may have to be compiled
    modules = imported("lint", "pod.yaml", cwd=here)
    assert "wasmtime" in modules, "it did evaluate"
    assert not modules & HEAVY


def test_list_does_not_load_the_engine(here: Path) -> None:
    modules = imported("list", cwd=here)
    assert "karb_guard.invariants.catalogue" in modules
    heavy = HEAVY | {"wasmtime", "orjson", "karb_guard.evaluation"}
    assert not modules & heavy


def test_a_configuration_file_is_what_needs_a_validator(here: Path) -> None:
    (here / "karb-guard.yaml").write_text("failOn: warning\n")
    assert "pydantic" in imported("lint", "pod.yaml", cwd=here), "else this test shows nothing"
