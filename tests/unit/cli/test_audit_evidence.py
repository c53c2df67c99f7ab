"""``audit --evidence``: what is kept of a scan, and that trouble with it loses no report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.evidence.source import StoredScans
from audit.evidence.store import EvidenceStore
from karb_guard.cli.main import main

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"containers": [{"name": "web", "image": "nginx:latest"}]},
}


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that scan an export of one pod, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    Path("pod.json").write_text(json.dumps(POD))
    return ["audit", "--from-dump", "pod.json", "--complete", "--select", "img-tag", "--exit-zero"]


def test_a_recorded_export_makes_a_trend_and_is_no_evidence(scan: list[str]) -> None:
    with_evidence = [*scan, "--evidence", "sqlite:///e.db", "--format", "json", "--output", "a"]
    assert main(with_evidence) == 0
    assert main(with_evidence) == 0
    trend = json.loads(Path("a").read_text())["trend"]
    assert [point["objects"] for point in trend] == [1, 1]
    with EvidenceStore("sqlite:///e.db") as store:
        assert StoredScans(store).latest() is None
        assert StoredScans(store, "pod.json").latest() is None
