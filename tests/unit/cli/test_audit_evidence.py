"""``audit --evidence``: what is kept of a scan, and that trouble with it loses no report."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from audit.evidence import store as evidence_store
from audit.evidence.source import StoredScans
from audit.evidence.store import EvidenceStore
from audit.progress import Progress
from karb_guard.cli import audit_command
from karb_guard.cli.main import main

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"containers": [{"name": "web", "image": "nginx:latest"}]},
}


class Locking(Progress):
    """Another process that writes to the database from the first look at the export on."""

    def __init__(self, other: sqlite3.Connection) -> None:
        super().__init__()
        self._other = other
        self.held = False

    def part(self, done: int, total: int, what: str) -> None:
        """Begin to write, and never end."""
        if not self.held:
            self._other.execute("BEGIN IMMEDIATE")
            self.held = True


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


def test_a_database_that_locks_up_during_the_scan_costs_no_report(
    scan: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evidence_store, "TIMEOUT_SECONDS", 0.1)
    with closing(sqlite3.connect("e.db", isolation_level=None)) as other:
        lock = Locking(other)
        monkeypatch.setattr(audit_command, "_progress", lambda args: lock)
        code = main([*scan, "--evidence", "sqlite:///e.db", "--format", "json", "--output", "a"])
    assert lock.held
    assert code == 2
    assert "no evidence kept: sqlite:///e.db: database is locked" in capsys.readouterr().err
    audit = json.loads(Path("a").read_text())
    assert len(audit["trend"]) == 1, "itself"
    assert audit["report"]["findings"]


@pytest.mark.parametrize("url", ["sqlite:///no-such-folder/e.db", "sqlite:///pod.json"])
def test_a_database_that_can_not_be_opened_is_said_before_the_scan(
    url: str, scan: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit_command, "_scan", lambda *_: pytest.fail("it scanned"))
    assert main([*scan, "--evidence", url]) == 2
    assert url in capsys.readouterr().err


def test_a_folder_that_is_called_like_a_namespace_hides_nothing(scan: list[str]) -> None:
    folder = Path("shop")
    folder.mkdir()
    (folder / "pod.json").write_text(json.dumps(POD))
    (folder / "bad.json").write_text('{"kind": "Pod", ')
    told = [*scan, "--from-dump", "shop", "--evidence", "sqlite:///e.db", "--output", "a"]
    assert main(told) == 2
    with closing(sqlite3.connect("e.db")) as database:
        rows = database.execute("SELECT namespace, not_evaluated FROM karb_scan_namespaces")
        assert dict(rows) == {"": 1, "shop": 0}
