"""The Pod Security Standards on the command line: a version by ``--set``, or by the namespace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Done, karb_guard

POD = """apiVersion: v1
kind: Pod
metadata: {name: llm, namespace: inference}
spec:
  securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '4096'}]}
  containers: [{name: server, image: 'registry.example.com/ml/server:1.0.0'}]
"""
NAMESPACE = """---
apiVersion: v1
kind: Namespace
metadata:
  name: inference
  labels: {pod-security.kubernetes.io/enforce: LEVEL,
           pod-security.kubernetes.io/enforce-version: VERSION}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The Pod alone."""
    found = tmp_path / "pod.yaml"
    found.write_text(POD, encoding="utf-8")
    return found


def lint(file: Path, *params: str) -> Done:
    values = [part for param in params for part in ("--set", f"pss-baseline.{param}")]
    return karb_guard("lint", "--select", "pss-baseline", *values, "--format", "json", file)


def checks(done: Done) -> list[str]:
    return [finding["check"] for finding in json.loads(done.out)["findings"]]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v1.0", ["sysctls"]), ("v1.30", ["sysctls"]), ("v1.32", []), ("v1.99", []), ("latest", [])],
)
def test_a_version_decides_and_a_finding_carries_upstream_s_check_id(
    file: Path, version: str, expected: list[str]
) -> None:
    done = lint(file, f"version={version}")
    assert checks(done) == expected
    assert done.code == (1 if expected else 0)


@pytest.mark.parametrize("version", ["1.30", "v1", "v2.0", "v1.030", "newest", "'v1.30 '"])
def test_a_version_that_is_none_is_refused(file: Path, version: str) -> None:
    done = lint(file, f"version={version}")
    assert done.code == 2
    assert "pss-baseline.version" in done.err


@pytest.mark.parametrize(
    ("level", "version", "expected"),
    [
        ("privileged", "v1.30", []),
        ("baseline", "v1.30", ["sysctls"]),
        ("baseline", "v1.32", []),
        ("nonsense", "v1.30", ["sysctls"]),
        ("baseline", "nonsense", []),
    ],
)
def test_the_labels_of_a_namespace_among_the_manifests_decide(
    file: Path, level: str, version: str, expected: list[str]
) -> None:
    namespace = NAMESPACE.replace("LEVEL", level).replace("VERSION", version)
    file.write_text(POD + namespace, encoding="utf-8")
    assert checks(lint(file, "version=v1.0", "namespaceLabels=true")) == expected


@pytest.mark.parametrize("mode", ["audit", "warn"])
@pytest.mark.parametrize(
    ("level", "expected"),
    [("privileged", []), ("baseline", ["sysctls"]), ("restricted", ["sysctls"]), ("nonsense", [])],
)
def test_the_labels_of_another_mode_decide_where_asked(
    file: Path, mode: str, level: str, expected: list[str]
) -> None:
    labels = NAMESPACE.replace("enforce", mode).replace("LEVEL", level)
    file.write_text(POD + labels.replace("VERSION", "v1.30"), encoding="utf-8")
    asked = ("version=latest", "namespaceLabels=true", f"namespaceMode={mode}")
    assert checks(lint(file, *asked)) == expected


def test_without_the_namespace_its_labels_are_not_guessed(file: Path) -> None:
    done = lint(file, "version=v1.0", "namespaceLabels=true")
    assert (done.code, checks(done)) == (0, [])
    assert [undecided["invariant"] for undecided in json.loads(done.out)["undecided"]] == [
        "pss-baseline"
    ]
