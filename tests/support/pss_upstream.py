"""Kubernetes' own Pod Security admission: its fixtures, its checks, and what they say of pods.

All of it comes from the Go module that ``tools/pss-oracle`` pins, from where Go keeps modules
(downloaded if need be); nothing is copied into this repository.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Json = dict[str, Any]

ORACLE = Path(__file__).parents[2] / "tools" / "pss-oracle"
MODULE = "k8s.io/pod-security-admission"
LEVELS = ("baseline", "restricted")
TIMEOUT_SECONDS = 600


class Question(NamedTuple):
    """A pod, in a namespace with ``labels``, in a cluster whose default is ``level:version``."""

    pod: Mapping[str, Any]
    level: str
    version: str = "latest"
    labels: Mapping[str, str] | None = None


class Said(NamedTuple):
    """The level and version that decided, and the ids of the checks that refuse the pod."""

    level: str
    version: str
    checks: frozenset[str]


@dataclass(frozen=True)
class Check:
    """One check; ``versions`` holds the minor versions that changed it, in order."""

    id: str
    level: str
    versions: tuple[int, ...]
    overrides: frozenset[str]
    """Baseline checks that this one stands in for in a restricted namespace."""


class Sample(NamedTuple):
    """One upstream fixture: the check ``named`` must refuse it if ``refused``, else none may."""

    level: str
    version: str
    name: str
    named: str
    refused: bool
    pod: Json

    def __str__(self) -> str:
        outcome = "fail" if self.refused else "pass"
        return f"{self.level}/{self.version}/{outcome}/{self.name}"


class Upstream:
    """The program of ``tools/pss-oracle``, built in ``directory`` with the Go command ``go``."""

    def __init__(self, go: Path, directory: Path) -> None:
        self._go = go
        self._program = directory / "pss-oracle"
        self._run_go("build", "-mod=readonly", "-o", str(self._program), ".")

    def ask(self, questions: Iterable[Question]) -> list[Said]:
        """What the API server's admission says of each, after its defaulting."""
        lines = [
            json.dumps({**question._asdict(), "pod": defaulted(question.pod)})
            for question in questions
        ]
        answers = [json.loads(line) for line in self._run([], "\n".join(lines)).splitlines()]
        assert len(answers) == len(lines)
        assert [answer for answer in answers if "error" in answer] == []
        return [Said(a["level"], a["version"], frozenset(a["checks"])) for a in answers]

    def checks(self) -> list[Check]:
        """Every check there is."""
        return [
            Check(
                each["id"],
                each["level"],
                tuple(int(v["minimum"].removeprefix("v1.")) for v in each["versions"]),
                frozenset(id_ for v in each["versions"] for id_ in v["overrides"]),
            )
            for each in json.loads(self._run(["checks"], ""))
        ]

    def samples(self) -> list[Sample]:
        """Every fixture of the module, in the order of their paths."""
        self._run_go("mod", "download", MODULE)
        found = self._run_go("list", "-m", "-f", "{{.Dir}}", MODULE)
        ids = {check.id.lower(): check.id for check in self.checks()}
        return list(_samples(Path(found.strip(), "test", "testdata"), ids))

    def _run(self, arguments: Sequence[str], stdin: str) -> str:
        return _run([str(self._program), *arguments], stdin)

    def _run_go(self, *arguments: str) -> str:
        return _run([str(self._go), *arguments])


def _run(command: Sequence[str], stdin: str = "") -> str:
    done = subprocess.run(
        command,
        cwd=ORACLE,
        env={**os.environ, "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def _samples(root: Path, ids: Mapping[str, str]) -> Iterator[Sample]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(root.glob("*/*/*/*.yaml")):
        level, version, outcome = path.relative_to(root).parts[:3]
        pod = yaml.load(path.read_bytes(), loader)  # noqa: S506 - a safe loader, in C where it can be
        stem = path.stem.rstrip("0123456789")
        yield Sample(level, version, path.stem, ids.get(stem, ""), outcome == "fail", pod)


def defaulted(pod: Mapping[str, Any]) -> Json:
    """The pod with the defaults that matter, which the API server sets before its checks run.

    A volume without a source is an emptyDir (``SetDefaults_Volume``); under hostNetwork a port is
    the node's too (``defaultHostNetworkPorts``, not for ephemeral containers, which have none).
    """
    spec = dict(pod["spec"])
    spec["volumes"] = [
        volume
        if any(v is not None for k, v in volume.items() if k != "name")
        else {**volume, "emptyDir": {}}
        for volume in spec.get("volumes") or ()
    ]
    if spec.get("hostNetwork"):
        for key in ("initContainers", "containers"):
            spec[key] = [_on_host(container) for container in spec.get(key) or ()]
    return {**pod, "spec": spec}


def _on_host(container: Mapping[str, Any]) -> Json:
    ports = [
        {**port, "hostPort": port.get("hostPort") or port.get("containerPort")}
        for port in container.get("ports") or ()
    ]
    return {**container, "ports": ports}
