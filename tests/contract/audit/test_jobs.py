"""``karb-guard audit --jobs``: several processes say what one says, to the letter."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import planted
from tests.support.forks import needs_forks

Json = dict[str, Any]
KINDS = ("Deployment", "StatefulSet")
PLACES = 20
SOON = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30)

ALONE = """
import os
import sys
import audit.sharing
from audit.workers import Workers
from karb_guard.cli.main import main

if os.environ["PARTS"] == "small":
    audit.sharing.PART_BYTES = audit.sharing.WORTH_BYTES = 1  # a part for each namespace
audit.sharing.usable_cpus = lambda: int(os.environ["CPUS"])
taken, told = Workers._taken, []

def counting(*arguments):
    for answer in taken(*arguments):
        told.append(answer)
        yield answer

Workers._taken = counting
code = main(sys.argv[1:])
print("of others:", len(told), file=sys.stderr)
sys.exit(code)
"""
"""The command, which also says how many answers came from its workers."""


def waiver(namespace: str, name: str, invariant: str, kind: str = "Deployment") -> Json:
    return {
        "apiVersion": "karb.dev/v1alpha1",
        "kind": "Waiver",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "invariant": invariant,
            "workload": {"kind": kind, "name": "chat-server"},
            "reason": "until the next release",
            "owner": "team-llm",
            "until": "2000-01-01" if name == "over" else SOON.isoformat(),
        },
    }


def pods_of(deployment: Json, count: int) -> list[Json]:
    """Pods that nothing tells apart, one with a container that nobody asked for, one too deep."""
    template, metadata = deployment["spec"]["template"], deployment["metadata"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
    owner |= {"name": metadata["name"], "uid": metadata["uid"]}
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-{number}",
                "namespace": metadata["namespace"],
                "labels": template["metadata"].get("labels", {}),
                "ownerReferences": [owner],
            },
            "spec": json.loads(json.dumps(template["spec"])),
        }
        for number in range(count)
    ]
    pods[0]["spec"]["containers"].append({"name": "mesh", "image": "mesh:latest"})
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    pods[1]["spec"]["tolerations"] = deep
    return pods


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of everything that a report can speak of, in several namespaces."""
    objects = list(planted.CLUSTER)
    for plot in [*planted.plots("one"), *planted.plots("two")]:
        objects += plot.objects
        deployments = [o for o in plot.objects if o["kind"] == "Deployment"]
        for number, deployment in enumerate(deployments):
            deployment["metadata"]["uid"] = f"{plot.namespace}-{number}"
            objects += pods_of(deployment, 4)
        objects += [waiver(plot.namespace, "over", "res-mem")]
        objects += [waiver(plot.namespace, f"w-{kind.lower()}", "img-tag", kind) for kind in KINDS]
        unknown = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"size": 1}}
        objects.append({**unknown, "metadata": {"name": "w", "namespace": plot.namespace}})
    file = tmp_path_factory.mktemp("dump") / "dump.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return file


def audit(
    dump: Path, jobs: int, form: str, *arguments: str, cpus: int = 64, parts: str = "small"
) -> tuple[int, str, int]:
    """Exit code, output, and how many answers other processes gave."""
    command = ["audit", "--from-dump", str(dump), "--jobs", str(jobs), "--format", form]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *command, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "CPUS": str(cpus), "PARTS": parts},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, int(done.stderr.rpartition("of others:")[2])


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("complete", [(), ("--complete",)], ids=["partial", "complete"])
def test_more_processes_say_the_same(dump: Path, form: str, complete: tuple[str, ...]) -> None:
    code, alone, others = audit(dump, 1, form, *complete)
    assert (code, others) == (2, 0)
    for jobs in (2, 4):
        code, shared, others = audit(dump, jobs, form, *complete)
        assert code == 2
        if sys.platform == "linux":
            assert others >= jobs - 1
        assert timeless(shared, form) == timeless(alone, form)


def timeless(text: str, form: str) -> Any:
    """The report without when it was made, which is all that two may differ in."""
    if form != "json":
        return text
    report = json.loads(text)
    for key in ("started", "seconds"):
        del report[key]
    for point in report["trend"]:
        del point["at"]
    return report


def test_the_report_speaks_of_everything(dump: Path) -> None:
    """Else the test above would hold little against little."""
    _, text, _ = audit(dump, 3, "json", "--complete")
    report = json.loads(text)["report"]
    findings = report["findings"]
    names = {found["name"] for found in findings}
    assert {"img-tag", "waiver-expired", "waiver-unused"} <= names
    unused = {found["object"]["name"] for found in findings if found["name"] == "waiver-unused"}
    assert unused == {"w-statefulset"}
    assert any(found["waived"] for found in findings)
    assert any("(injected: " in found["message"] for found in findings)
    assert any(found["owner"]["namespace"] is None for found in findings)
    assert report["undecided"]
    assert {problem["kind"] for problem in report["problems"]} == {"not-evaluated"}
    assert report["coverage"]["unknownKinds"] == {"example.com/v1/Widget": PLACES}
    assert report["coverage"]["discovered"] > 0
    assert len(json.loads(text)["namespaces"]) >= PLACES


def test_there_are_never_more_processes_than_cpus(dump: Path) -> None:
    """They would keep one another from meeting the deadline of an evaluation."""
    code, _, others = audit(dump, 4, "csv", cpus=1)
    assert (code, others) == (2, 0)


@needs_forks
def test_namespaces_that_hold_little_are_shared_out_too(tmp_path: Path) -> None:
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"team-{number:04}"}}
        for number in range(2000)
    ]
    file = tmp_path / "dump.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": namespaces}))
    _, alone, _ = audit(file, 1, "csv", "--complete", parts="as they are")
    _, shared, others = audit(file, 2, "csv", "--complete", parts="as they are")
    assert others > 2
    assert shared == alone
