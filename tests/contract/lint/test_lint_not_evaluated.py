"""Over a bound there is no verdict: exit 2, said where, counted, and the others are judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from karb_guard.facts import limits
from tests.support.cli import POD, karb_guard
from tests.support.own_policies import scaffold


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "large", "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "image": "a:1"}], **spec},
    }


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "c", "image": "a:1", **fields}


def containers(count: int) -> list[dict[str, Any]]:
    return [container(name=f"c{i}") for i in range(count)]


def ray_cluster(groups: int) -> dict[str, Any]:
    template = {"spec": {"containers": [container()]}}
    spec = {
        "headGroupSpec": {"template": template},
        "workerGroupSpecs": [{"groupName": f"g{i}", "template": template} for i in range(groups)],
    }
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": "large"},
        "spec": spec,
    }


OVER = {
    "containers": (pod(containers=containers(limits.MAX_CONTAINERS + 1)), "containers"),
    "containers of both lists": (
        pod(
            containers=containers(limits.MAX_CONTAINERS),
            initContainers=[container(name="i")],
        ),
        "containers",
    ),
    "environment variables": (
        pod(
            containers=[
                container(env=[{"name": f"E{i}", "value": ""} for i in range(limits.MAX_ENV + 1)])
            ]
        ),
        "env",
    ),
    "volumes": (
        pod(volumes=[{"name": f"v{i}", "emptyDir": {}} for i in range(limits.MAX_VOLUMES + 1)]),
        "volumes",
    ),
    "tolerations": (
        pod(tolerations=[{"key": f"k{i}"} for i in range(limits.MAX_TOLERATIONS + 1)]),
        "tolerations",
    ),
    "pod templates": (ray_cluster(limits.MAX_TEMPLATES + 1), "pod templates"),
    "characters": (pod(x="y" * (limits.MAX_CHARACTERS + 1)), "characters"),
    "values": (pod(x=[0] * (limits.MAX_VALUES + 1)), "values"),
}


@pytest.mark.parametrize(("obj", "words"), OVER.values(), ids=list(OVER))
def test_an_object_over_a_bound_gives_no_verdict(
    obj: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "large.json").write_text(json.dumps(obj))
    (tmp_path / "good.yaml").write_text(POD)
    done = karb_guard("lint", ".", cwd=tmp_path)
    assert done.code == 2
    (line,) = [line for line in done.out.splitlines() if line.startswith("large.json:")]
    assert line.startswith("large.json:1:1: not-evaluated: ")
    assert f"{obj['kind']} " in line
    assert words in line
    assert "1 document checked, 0 of unknown kind, 0 unparsed, 1 not evaluated" in done.out
    assert "good.yaml:7:5" in done.out


AT = {
    "containers": pod(containers=containers(limits.MAX_CONTAINERS)),
    "tolerations": pod(tolerations=[{"key": f"k{i}"} for i in range(limits.MAX_TOLERATIONS)]),
    "volumes": pod(
        volumes=[
            {"name": f"v{i}", "emptyDir": {"sizeLimit": "1Gi"}} for i in range(limits.MAX_VOLUMES)
        ]
    ),
}


@pytest.mark.parametrize("obj", AT.values(), ids=list(AT))
def test_an_object_at_a_bound_is_judged_within_the_deadline(
    obj: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text(json.dumps(obj))
    # Without what alone breaks more than MAX_VIOLATIONS rules in so many bare containers.
    done = karb_guard("lint", "x.json", "--quiet", "--ignore", "podsecurity", cwd=tmp_path)
    assert done.code == 1, done.out[-2000:]


def test_nesting_over_the_bound_is_refused_before_anything_looks_at_it(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(limits.MAX_DEPTH + 1):
        deep = {"a": deep}
    (tmp_path / "x.json").write_text(json.dumps(pod(x=deep)))
    done = karb_guard("lint", "x.json", cwd=tmp_path)
    assert done.code == 2
    assert "nested deeper than 100 levels" in done.out


LOOP = """
violations contains v if {
	some container in input.pods[_].containers
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	a * b == 8999999
	v := {"check": "policy", "path": container.path, "detail": {}}
}
"""


def test_a_policy_that_takes_too_long_gives_no_verdict(tmp_path: Path) -> None:
    policy = scaffold(tmp_path / "own", "demo/demo-loop") / "policy.rego"
    head, _, _ = policy.read_text().partition("import data.")
    (policy.parent / "policy_test.rego").write_text(
        "package karb.demo.demo_loop_test\n\ntest_nothing if true\n"
    )
    policy.write_text(head + LOOP)
    (tmp_path / "good.yaml").write_text(POD)
    (tmp_path / "config.yaml").write_text("engine: {deadlineMs: 50}\n")
    arguments = ("--policies", "own", "--config", "config.yaml")
    done = karb_guard("lint", "good.yaml", *arguments, cwd=tmp_path)
    assert done.code == 2, done.out + done.err
    assert "good.yaml:1:1: not-evaluated: Pod shop/web: " in done.out
    assert "deadline" in done.out
    assert "1 not evaluated" in done.out
    report = karb_guard("lint", "good.yaml", *arguments, "--format", "json", cwd=tmp_path)
    assert json.loads(report.out)["coverage"]["notEvaluated"] == 1
    assert json.loads(report.out)["exitCode"] == 2
