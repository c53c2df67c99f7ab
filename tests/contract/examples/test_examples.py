"""The examples say what they claim: good is clean, ten findings are ten, the demo notices."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from karb_guard.defaulting import apply
from tests.support.cli import karb_guard
from tests.support.controlplane import REPOSITORY
from tests.support.judging import evaluator_for
from tests.support.stored import differences

EXAMPLES = REPOSITORY / "examples"
CONFIG = EXAMPLES / "karb-guard.yaml"
DEMO_SECONDS = 20
PODS = ("clean", "ten-findings")


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "pods" / f"{name}.yaml").read_text())
    return found


def review(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "reviews" / f"{name}.json").read_text())
    return found


def found_in(obj: dict[str, Any]) -> list[str]:
    params = yaml.safe_load(CONFIG.read_text())["params"]
    (evaluation,) = evaluator_for(params).evaluate([obj])
    assert evaluation.not_evaluated is None
    return sorted(finding.name for finding in evaluation.findings)


def marked(name: str) -> list[str]:
    """The invariants that a pod's comments name, ``# 3 rc-approved`` or ``# 1 owner: why``."""
    text = (EXAMPLES / "pods" / f"{name}.yaml").read_text()
    marks = re.findall(r"# (\d+) ([a-z-]+)", text)
    assert [int(number) for number, _ in marks] == list(range(1, len(marks) + 1))
    return sorted(name for _, name in marks)


def test_the_ten_findings_are_ten_different_ones_as_marked() -> None:
    assert len(set(marked("ten-findings"))) == 10
    assert found_in(pod("ten-findings")) == marked("ten-findings")


def test_the_clean_pod_has_no_finding() -> None:
    assert found_in(pod("clean")) == []


@pytest.mark.parametrize("name", PODS)
def test_a_recorded_review_is_about_its_pod_and_gives_the_same_findings(name: str) -> None:
    request = review(name)["request"]
    written, recorded = apply(pod(name)), request["object"]
    written["spec"].pop("tolerations")  # the API server adds those for nodes that are not ready
    wrong = list(differences(written, recorded, pod(name)))
    assert wrong == [], "record anew: python -m tests.support.record_reviews"
    assert (request["operation"], request["dryRun"]) == ("CREATE", False)
    assert found_in(recorded) == found_in(pod(name))


@pytest.mark.parametrize(("folder", "code"), [("good", 0), ("bad", 1)])
def test_the_good_stack_passes_lint_and_the_bad_one_fails(folder: str, code: int) -> None:
    done = karb_guard("lint", f"--config={CONFIG}", EXAMPLES / folder)
    assert done.code == code, done.out
    assert ("no findings" in done.out) is (code == 0)


def test_the_demo_shows_all_verdicts_and_is_quick() -> None:
    started = time.monotonic()
    command = [sys.executable, str(EXAMPLES / "demo.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every verdict is as expected." in done.stdout
    assert done.stdout.count("ALLOWED") == 3
    assert done.stdout.count("DENIED") == 1
    assert time.monotonic() - started < DEMO_SECONDS


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("ten-findings", {"allowed": True}),
        ("ten-findings", {"allowed": False, "status": {"message": "- KARB-GPU-001 a\n" * 10}}),
        ("clean", {"allowed": False, "status": {"message": "- KARB-GPU-001 a"}}),
        ("clean", {"allowed": True, "warnings": ["KARB-GPU-001 a"]}),
        ("clean", {"allowed": True, "uid": "another"}),
    ],
)
def test_the_demo_notices_a_wrong_verdict(
    demo: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    response: dict[str, Any],
) -> None:
    monkeypatch.chdir(REPOSITORY)
    uid = review(name)["request"]["uid"]
    answer = {"response": {"uid": uid, **response}}
    monkeypatch.setattr(demo, "_call", lambda *_: answer)
    assert list(demo._ask(0, None, name, "enforce"))


def test_the_demo_fails_where_lint_finds_what_it_should_not(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert list(demo._lint("examples/bad", "bad, said to be good", expected=0))


def test_there_is_a_review_for_each_pod() -> None:
    assert {p.stem for p in Path(EXAMPLES / "reviews").iterdir()} == set(PODS)
    assert {p.stem for p in Path(EXAMPLES / "pods").iterdir()} == set(PODS)
