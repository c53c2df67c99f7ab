"""``make bench-audit``: a large cluster on a real API server, scanned by ``karb-guard audit``.

kube-controller-manager makes the pods, kwok the kubelets (see ``benchmarks.filling``); all of it
goes on while the scan runs. The smaller of the clusters is exported, too, and linted as files,
which has to find the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.exporting import export
from benchmarks.filling import MANAGER_FLAGS, Builder
from benchmarks.large_cluster import NAMESPACES
from benchmarks.table import markdown
from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.toolchain import ToolchainError
from tests.support import kwok, planted
from tests.support.controlplane import ControlPlane, NotReadyError
from tests.support.processes import children, peak_mib, together_mib

SETTLE_SECONDS = 240
REST = 0.75
"""Of the machine's processors: idle."""

Json = dict[str, Any]
Finding = tuple[str, ...]
"""What makes a finding the same wherever it is found."""


class Run(NamedTuple):
    """One command in a process of its own."""

    what: str
    pods: int
    seconds: float
    cpu_seconds: float
    """Of all its processes: on a machine that does other work, the wall says little."""
    mebibytes: float
    """The peak of all its processes together, shared pages once."""
    report: Json


def scan(kubeconfig: Path, directory: Path, pods: int) -> Run:
    """One ``karb-guard audit``."""
    measured = _run(["audit", "--kubeconfig", str(kubeconfig)], directory)
    return Run("audit", pods, *measured[:3], measured[3]["report"])


def lint_export(client: ClusterClient, directory: Path, pods: int) -> Run:
    """One ``karb-guard lint`` of everything that the cluster holds."""
    files = directory / "export"
    files.mkdir()
    export(client, files)
    return Run("lint of its export", pods, *_run(["lint", str(files), "--complete"], directory))


def _run(arguments: Sequence[str], directory: Path) -> tuple[float, float, float, Json]:
    """Wall and CPU seconds and the peak of memory (MiB) of all its processes; its JSON."""
    out = directory / "report.json"
    command = [
        *(sys.executable, "-m", "karb_guard", *arguments),
        *planted.SETTINGS,
        *("--config", str(directory / "karb-guard.yaml")),
        *("--format", "json", "--output", str(out)),
    ]
    (directory / "karb-guard.yaml").write_text(yaml.safe_dump({"failOn": "error"}))
    begun = time.monotonic()
    process = os.posix_spawn(sys.executable, command, {**os.environ})
    peak = 0.0
    while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, _memory(process))
        time.sleep(0.05)
    seconds = time.monotonic() - begun
    _, status, usage = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"karb-guard {arguments[0]} ended with {code}")
    report = json.loads(out.read_text())
    return seconds, usage.ru_utime + usage.ru_stime, peak, report


def _memory(process: int) -> float:
    """MiB that a process has taken at most, or takes now with its children, whichever is more.

    0 where one of them has just ended. Of ``wait4`` the peak would be this process's, which is
    larger, at the ``exec``.
    """
    try:
        others = children(process)
        return max(peak_mib(process), together_mib(process, *others) if others else 0.0)
    except (OSError, ValueError):
        return 0.0


def check(run: Run, wrong: Counter[tuple[str, str]]) -> None:
    """Every planted violation is found, and nothing else in the planted namespaces."""
    found: Counter[tuple[str, str]] = Counter()
    for each in run.report["findings"]:
        owner = each["owner"]
        parts = (owner["namespace"], owner["kind"], owner["name"])
        place = "/".join(part for part in parts if part)
        if "team-" in place or owner["kind"] == "Node":
            found[place, each["name"]] += 1
    if found != wrong:
        missed, more = wrong - found, found - wrong
        raise SystemExit(f"missed: {missed.most_common(5)}; not planted: {more.most_common(5)}")


def check_same(scanned: Run, linted: Run) -> None:
    """One verdict: the export has the findings of the living cluster, and no others."""
    one, other = _findings(scanned), _findings(linted)
    if one != other:
        raise SystemExit(
            f"only in the scan: {sorted(one - other)[:5]}; only in lint: {sorted(other - one)[:5]}"
        )


def _findings(run: Run) -> set[Finding]:
    """By what makes them the same (``Finding.identity``)."""
    return {
        (each["id"], each["check"], *map(str, each["owner"].values()), each["anchor"])
        for each in run.report["findings"]
    }


def main() -> None:
    """Build, scan, export and lint, grow, scan, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit")
    parser.add_argument("--pods", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--namespaces", type=int, default=NAMESPACES)
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    try:
        runs, planted_count = measure(args.pods, args.namespaces)
    except (ToolchainError, NotReadyError) as error:
        raise SystemExit(f"there is no such cluster here: {error}") from error
    print(_table(runs, planted_count))


def measure(sizes: Sequence[int], namespaces: int) -> tuple[list[Run], int]:
    """The runs on a cluster that grows to each of the sizes, and how much is planted."""
    with tempfile.TemporaryDirectory() as place:
        control = ControlPlane(Path(place))
        try:
            control.start(controllers=False)
            control.start_controller_manager(*MANAGER_FLAGS)
            kwok.start(control)
            client = connect(control.kubeconfig)
            builder = Builder(client, namespaces, control.check)
            begun = time.monotonic()
            builder.build()
            builder.wait_for_nodes()
            runs: list[Run] = []
            for pods in sizes:
                builder.grow(pods)
                _say(f"{pods:,} pods run after {time.monotonic() - begun:.0f} s")
                _settle()
                run = scan(control.kubeconfig, Path(place), pods)
                check(run, builder.wrong)
                runs.append(run)
                if len(runs) == 1:
                    runs.append(lint_export(client, Path(place), pods))
                    check_same(*runs)
        finally:
            control.stop()
    return runs, builder.wrong.total()


def _settle() -> None:
    """Wait until the machine rests: what has just grown is still renewed, compacted and copied."""
    begun = time.monotonic()
    while time.monotonic() - begun < SETTLE_SECONDS:
        before = _processor()
        time.sleep(5)
        idle, every = (now - then for now, then in zip(_processor(), before, strict=True))
        if idle > every * REST:
            return
    _say(f"the machine is still busy after {SETTLE_SECONDS} s")


def _processor() -> tuple[int, int]:
    """Ticks that all processors of the machine were idle, and all ticks (proc(5), /proc/stat)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _table(runs: list[Run], planted_count: int) -> str:
    head = ("pods", "what", "objects checked", "planted, all found", "seconds", "of CPU", "MiB")
    rows = [
        (
            f"{run.pods:,}",
            run.what,
            f"{run.report['coverage']['checked']:,}",
            planted_count,
            f"{run.seconds:.1f}",
            f"{run.cpu_seconds:.1f}",
            f"{run.mebibytes:.0f}",
        )
        for run in runs
    ]
    return markdown(head, rows)


if __name__ == "__main__":
    main()
