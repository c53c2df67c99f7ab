"""The gate on import directions: it covers every room, holds today, and can fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ROOTS = ("karb_guard", "webhook", "audit")
CONFIGURATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in CONFIGURATION["contracts"]}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(command), "--no-cache"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rooms() -> set[str]:
    """What stands directly in the package, as import-linter names it."""
    package = REPOSITORY / "karb_guard"
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return {f"karb_guard.{name}" for name in packages | modules}


def test_every_room_has_its_place_in_the_layers() -> None:
    layers = CONTRACTS["rooms"]["layers"]
    named = {module.strip("()") for layer in layers for module in re.split(r" [|:] ", layer)}
    assert {name for name in named if name.startswith("karb_guard.")} == rooms()


def test_the_architecture_names_every_room() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    described = set(re.findall(r"^\| `(karb_guard/\w+)/`", text, re.MULTILINE))
    packages = (REPOSITORY / "karb_guard").glob("*/__init__.py")
    assert described == {f"karb_guard/{path.parent.name}" for path in packages}


def test_all_contracts_are_kept() -> None:
    done = lint_imports(REPOSITORY)
    assert done.returncode == 0, done.stdout


FORBIDDEN = {
    "a room imports one above it": (
        "karb_guard/model/finding.py",
        "from karb_guard.reports import Format",
        "rooms",
    ),
    "the domain imports an application": (
        "karb_guard/evaluation/evaluator.py",
        "import webhook.app",
        "rooms",
    ),
    "one application imports the other": ("audit/__init__.py", "import webhook.app", "rooms"),
    "lint imports kubernetes": ("karb_guard/lint/runner.py", "import kubernetes", "cluster"),
    "the webhook imports kubernetes past the one room for it": (
        "webhook/app.py",
        "import kubernetes",
        "cluster",
    ),
    "the audit imports fastapi": ("audit/__init__.py", "import fastapi", "server"),
    "a report imports cryptography": (
        "karb_guard/reports/text.py",
        "import cryptography",
        "server",
    ),
    "lint reaches the cluster through another room": (
        "karb_guard/inventory/inventory.py",
        "import karb_guard.cluster",
        "lint",
    ),
    "the webhook prints reports": (
        "webhook/review.py",
        "import karb_guard.reports",
        "webhook",
    ),
    "evaluation imports an engine's library": (
        "karb_guard/evaluation/evaluator.py",
        "import wasmtime",
        "engines",
    ),
    "the controller asks the database itself": (
        "audit/controller/loop.py",
        "import sqlalchemy",
        "database",
    ),
    "facts read YAML": ("karb_guard/facts/view.py", "import yaml", "pure"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, to break."""
    for root in ROOTS:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / root, tmp_path / root, ignore=skip)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("file", "line", "contract"), FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, file: str, line: str, contract: str
) -> None:
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1
    name = CONTRACTS[contract]["name"]
    assert re.search(rf"^{re.escape(name)} *BROKEN", done.stdout, re.MULTILINE), done.stdout


def test_every_contract_has_an_import_that_breaks_it() -> None:
    assert {contract for _, _, contract in FORBIDDEN.values()} == set(CONTRACTS)
