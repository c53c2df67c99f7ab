"""0: nothing at or above ``--fail-on``. 1: findings. 2: no verdict, or bad usage."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import CLEAN, POD, REPOSITORY, karb_guard


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a pod of each sort and what can't be read."""
    files = {
        "clean.yaml": CLEAN,
        "error.yaml": POD,
        "broken.yaml": "a: {{ b }}\n",
        "values.yaml": "replicas: 2\n",
        "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 0.1.0\n",
        "chart/values.yaml": "replicas: 2\n",
        "chart/templates/pod.yaml": "{{ .Values.x }}\n",
        "bad-config.yaml": "failon: error\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


TABLE = {
    "nothing found": (["clean.yaml"], 0),
    "a warning, below the threshold": (["clean.yaml", "--fail-on", "error"], 0),
    "a warning, at the threshold": (["clean.yaml", "--fail-on", "warning"], 1),
    "an error": (["error.yaml"], 1),
    "an error and a clean file": (["clean.yaml", "error.yaml"], 1),
    "an error that is ignored": (["error.yaml", "--ignore", "img-tag"], 0),
    "a file of another kind": (["values.yaml"], 0),
    "unparsed wins over findings": (["error.yaml", "broken.yaml"], 2),
    "unparsed wins over clean": (["clean.yaml", "broken.yaml"], 2),
    "a missing path": (["missing.yaml"], 2),
    "only templates of a chart": (["chart/templates"], 2),
    "everything excluded": (["error.yaml", "--exclude", "*.yaml"], 0),
    "what is broken is excluded": (["clean.yaml", "broken.yaml", "--exclude", "broken.yaml"], 0),
    "no path": ([], 2),
    "an unknown option": (["clean.yaml", "--nope"], 2),
    "an unknown format": (["clean.yaml", "--format", "yaml"], 2),
    "an unknown invariant": (["clean.yaml", "--select", "nope"], 2),
    "an unknown severity": (["clean.yaml", "--fail-on", "terrible"], 2),
    "an unknown parameter": (["clean.yaml", "--set", "img-tag.nope=1"], 2),
    "a bad --set": (["clean.yaml", "--set", "img-tag"], 2),
    "everything ignored": (["clean.yaml", "--select", "img-tag", "--ignore", "images"], 2),
    "a configuration with an unknown key": (["clean.yaml", "--config", "bad-config.yaml"], 2),
    "a configuration that isn't there": (["clean.yaml", "--config", "nope.yaml"], 2),
    "policies that aren't there": (["clean.yaml", "--policies", "nope"], 2),
    "an output that can't be written": (["clean.yaml", "--output", "no/such/dir"], 2),
    "quiet and verbose": (["clean.yaml", "--quiet", "--verbose"], 2),
}


@pytest.mark.parametrize(("arguments", "code"), TABLE.values(), ids=list(TABLE))
def test_the_exit_code(arguments: list[str], code: int, here: Path) -> None:
    done = karb_guard("lint", *arguments, cwd=here)
    assert done.code == code, done.out + done.err
    if code == 2:
        assert done.out or done.err


def test_only_templates_is_said_with_the_remedy(here: Path) -> None:
    done = karb_guard("lint", "chart/templates", cwd=here)
    assert "chart/templates/pod.yaml: nothing-checked: a template of a Helm chart" in done.out
    assert "helm template" in done.out


def test_everything_excluded_is_said(here: Path) -> None:
    done = karb_guard("lint", ".", "--exclude", "*.yaml", "--exclude", "chart", cwd=here)
    assert done.code == 0
    assert re.search(r"left out: \d x excluded by \*\.yaml", done.out)
    assert "no findings: nothing was checked" in done.out


def test_templates_beside_manifests_are_only_said(here: Path) -> None:
    done = karb_guard("lint", "chart/templates", "clean.yaml", cwd=here)
    assert done.code == 0
    assert "left out: 1 x a template of a Helm chart" in done.out


def test_no_command_prints_the_help_and_is_bad_usage() -> None:
    done = karb_guard()
    assert done.code == 2
    assert "usage: karb-guard" in done.err


def test_the_version_is_printed() -> None:
    done = karb_guard("--version")
    assert (done.code, done.out.split()[0]) == (0, "karb-guard")


def test_an_unknown_command_names_those_there_are() -> None:
    done = karb_guard("lnt")
    assert done.code == 2
    assert "lint" in done.err


def test_quiet_prints_findings_and_problems_alone(here: Path) -> None:
    done = karb_guard("lint", "error.yaml", "broken.yaml", "--quiet", cwd=here)
    assert "img-tag" in done.out
    assert "broken.yaml:1:4: unparsed" in done.out
    assert "checked" not in done.out
    assert karb_guard("lint", "values.yaml", "--quiet", cwd=here).out == ""


def test_verbose_says_what_to_do_what_was_left_out_and_what_configures(here: Path) -> None:
    done = karb_guard("lint", "error.yaml", "values.yaml", "chart/templates", "--verbose", cwd=here)
    assert "mend: " in done.out
    assert "left out: values.yaml:1: no apiVersion and no kind" in done.out
    assert "left out: chart/templates/pod.yaml: a template" in done.out
    assert "configured by the default configuration" in done.err


def in_a_terminal(directory: Path, **environment: str) -> bytes:
    """What ``lint`` prints to a terminal."""
    master, slave = pty.openpty()
    plain = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "karb_guard", "lint", "error.yaml"],
        cwd=directory,
        stdout=slave,
        env={**plain, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm", **environment},
    )
    os.close(slave)
    printed = b""
    try:
        while chunk := os.read(master, 65536):
            printed += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    process.wait(timeout=60)
    os.close(master)
    return printed


def test_colour_is_for_terminals(here: Path) -> None:
    assert b"\x1b[31;1merror img-tag" in in_a_terminal(here)
    assert "\x1b" not in karb_guard("lint", "error.yaml", cwd=here).out


def test_no_colour_where_the_user_says_so(here: Path) -> None:
    assert b"\x1b" not in in_a_terminal(here, NO_COLOR="1")
    assert b"\x1b" not in in_a_terminal(here, TERM="dumb")


def test_a_reader_that_goes_away_is_no_crash(here: Path) -> None:
    command = f"{sys.executable} -m karb_guard list --json | head -1"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["lint", "clean.yaml"], ["list"], ["lint", "broken.yaml"]])
def test_a_full_disk_is_said_and_is_no_mistake_of_ours(here: Path, arguments: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a file that is always full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "karb_guard", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.endswith(
        "karb-guard: the output can't be written: No space left on device; make room where "
        "standard output and temporary files go\n"
    )
    assert "internal error" not in done.stderr
    assert "Traceback" not in done.stderr
