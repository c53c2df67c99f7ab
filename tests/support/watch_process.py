"""``karb-guard audit --watch`` as a process, and the view that its lines add up to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.cli import REPOSITORY, karb_guard
from tests.support.processes import cpu_seconds, peak_mib

Json = dict[str, Any]
Key = tuple[str, ...]
FIRST_SECONDS = 180
SECONDS = 90
"""Within which a change has to be seen. It takes one or two; machines are shared."""


class WatchProcess:
    """One watch; its lines are read as they come."""

    def __init__(self, directory: Path, *arguments: str | Path, form: str = "json") -> None:
        self._form = form
        self._errors = (directory / "watch.err").open("wb+")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "karb_guard",
                "audit",
                "--watch",
                "--format",
                form,
                *map(str, arguments),
            ],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        self.lines: list[Json] = []
        """In json."""
        self.text = ""
        """All that it printed."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.text += line.decode()
            if self._form == "json":
                self.lines.append(json.loads(line))

    @property
    def errors(self) -> str:
        """What it said on stderr."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def until(
        self, what: str, holds: Callable[[WatchProcess], bool], seconds: float = SECONDS
    ) -> float:
        """Wait until it holds; how long that took."""
        started = time.monotonic()
        while not holds(self):
            took = time.monotonic() - started
            if took > seconds or self._process.poll() is not None:
                last = [
                    (each["event"], each.get("what"), each.get("reason")) for each in self.lines
                ][-15:]
                raise AssertionError(
                    f"not within {seconds} s: {what}; last lines {last}; {self.errors}"
                )
            time.sleep(0.05)
        return time.monotonic() - started

    def started(self) -> WatchProcess:
        """Wait for the first report."""
        self.until("the first report", lambda w: "watching" in w.errors, FIRST_SECONDS)
        return self

    def has(self, namespace: str, invariant: str) -> bool:
        """Whether the view holds a finding of an invariant in a namespace."""
        return any(key[0] == namespace and key[1] == invariant for key in self.view())

    def saw(self, event: str, what: str) -> bool:
        """Whether a line says so."""
        return any(e["event"] == event and what in e.get("what", "") for e in list(self.lines))

    def view(self) -> Counter[Key]:
        """The open findings that the report and all lines after it add up to."""
        first, *others = list(self.lines)
        found = open_findings(first["audit"])
        for line in others:
            if line["event"] == "appeared":
                found[key_of(line["finding"])] += 1
            elif line["event"] == "gone":
                key = key_of(line["finding"])
                assert found[key] > 0, f"gone, and never there: {key}"
                found[key] -= 1
        return +found

    def cpu_seconds(self) -> float:
        """What it has used of processors so far (Linux)."""
        return cpu_seconds(self._process.pid)

    def peak_mebibytes(self) -> float:
        """The most memory that it held (Linux)."""
        return peak_mib(self._process.pid)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(30)
        self._reader.join(10)
        said = self.errors
        assert "Traceback" not in said, said
        assert "internal error" not in said, said
        return code

    def kill(self) -> None:
        """End it whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        self._errors.close()


def key_of(finding: Json) -> Key:
    """What makes two findings the same; where it is comes first."""
    owner = finding["owner"]
    place = owner["name"] if owner["kind"] == "Namespace" else owner["namespace"] or ""
    return place, finding["name"], finding["check"], owner["kind"], owner["name"], finding["anchor"]


def open_findings(audit: Json) -> Counter[Key]:
    """Of a report in json, what no waiver covers."""
    found = audit["report"]["findings"]
    return Counter(key_of(each) for each in found if each["waived"] is None)


def fresh(directory: Path, *arguments: str | Path) -> Counter[Key]:
    """What a scan finds now."""
    done = karb_guard("audit", "--format", "json", *arguments, cwd=directory)
    return open_findings(json.loads(done.out))


@contextlib.contextmanager
def watching(directory: Path, *arguments: str | Path, form: str = "json") -> Iterator[WatchProcess]:
    """A watch that has reported once."""
    process = WatchProcess(directory, *arguments, form=form)
    try:
        yield process.started()
    finally:
        process.kill()
