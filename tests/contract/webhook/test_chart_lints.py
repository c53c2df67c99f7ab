"""Our own linter on our own chart: `strict` is content with the hardened values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.controlplane import REPOSITORY
from tests.support.helm import CHART, helm_path

VALUES = CHART / "ci" / "hardened-values.yaml"
SWITCHES = [
    [],
    ["opa.enabled=true"],
    [
        "rollout.enabled=true",
        "rollout.podSecurity=true",
        "rollout.scanEvery=6h",
        "audit.enabled=true",
        "audit.writeBack=openreports",
        "evidence.secretName=evidence",
        "evidence.peers[0].podSelector.matchLabels.app=postgres",
    ],
    [
        "opa.enabled=true",
        "monitoring.serviceMonitor.enabled=true",
        "monitoring.prometheusRule.enabled=true",
        "monitoring.dashboard.enabled=true",
        "admission.failurePolicy=Fail",
    ],
]


def lint(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    (tmp_path / "helm").symlink_to(helm_path())
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "karb_guard", "lint", str(CHART), "--namespace=karb-guard"]
    command += ["--profile=strict", "--format=json", *arguments]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("switches", SWITCHES, ids=len)
def test_strict_is_content_with_the_hardened_values(tmp_path: Path, switches: list[str]) -> None:
    sets = [f"--helm-set={switch}" for switch in switches]
    code, report = lint(tmp_path, f"--values={VALUES}", *sets)
    assert code == 0, json.dumps(report["findings"], indent=1)[:3000]


def test_it_is_not_content_with_everything(tmp_path: Path) -> None:
    code, report = lint(tmp_path)
    assert code == 1
    assert "img-digest" in json.dumps(report["findings"])
