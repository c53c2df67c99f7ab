"""A worse value of a field that was wrong before is a new finding to the ratchet."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.decisions import ratchet
from karb_guard.model.finding import Finding
from tests.support.judging import evaluator_for


def findings(container: dict[str, Any], **spec: Any) -> list[Finding]:
    obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "a", "image": "r.example/a:1", **container}], **spec},
    }
    (evaluation,) = evaluator_for({}).evaluate([obj])
    return [f for f in evaluation.findings if f.name == "pss-baseline"]


def host_path(path: str) -> dict[str, Any]:
    return {"volumes": [{"name": "v", "hostPath": {"path": path}}]}


def selinux(value: str) -> dict[str, Any]:
    return {"securityContext": {"seLinuxOptions": {"type": value}}}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (findings({}, **host_path("/var/log/x")), findings({}, **host_path("/"))),
        (
            findings({"ports": [{"containerPort": 80, "hostPort": 80}]}),
            findings({"ports": [{"containerPort": 80, "hostPort": 22}]}),
        ),
        (findings(selinux("my_t")), findings(selinux("spc_t"))),
    ],
    ids=["hostPath", "hostPort", "seLinuxOptions"],
)
def test_another_value_is_new_and_the_same_is_not(
    before: list[Finding], now: list[Finding]
) -> None:
    assert before
    assert len(ratchet.split(now, before)[0]) == len(now) > 0
    assert ratchet.split(before, before)[0] == []


def of_a_deployment(name: str, spec: dict[str, Any], **more: Any) -> list[Finding]:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "n"},
        "spec": {**more, "template": {"spec": spec}},
    }
    (evaluation,) = evaluator_for({"res-gpu-cap": {"cap": 4}}).evaluate([obj])
    return [f for f in evaluation.findings if f.name == name]


def gpus(replicas: int, each: int = 8) -> list[Finding]:
    limits = {"nvidia.com/gpu": str(each)}
    spec = {"containers": [{"name": "a", "image": "a", "resources": {"limits": limits}}]}
    return of_a_deployment("res-gpu-cap", spec, replicas=replicas)


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        (gpus(1), gpus(1000), 1),
        (gpus(1000), gpus(1), 0),
        (gpus(3), gpus(3), 0),
        (gpus(3, 4), gpus(3, 8), 1),
        (gpus(4, 4), gpus(2, 8), 0),
    ],
    ids=["up", "down", "same", "more each", "the same in another way"],
)
def test_more_gpus_above_a_cap_are_new_and_fewer_are_not(
    before: list[Finding], now: list[Finding], new: int
) -> None:
    assert len(before) == len(now) == 1
    assert len(ratchet.split(now, before)[0]) == new


def test_all_gpus_are_worse_than_one() -> None:
    def visible(value: str) -> list[Finding]:
        env = [{"name": "NVIDIA_VISIBLE_DEVICES", "value": value}]
        spec = {"containers": [{"name": "a", "image": "a", "env": env}]}
        return of_a_deployment("gpu-bypass", spec)

    assert visible("0")
    assert len(ratchet.split(visible("all"), visible("0"))[0]) == 1
    assert ratchet.split(visible("0"), visible("0"))[0] == []


def privileged(field: str, **more: Any) -> list[Finding]:
    container = {"name": "x", "image": "a", "securityContext": {"privileged": True}, **more}
    return of_a_deployment("pss-baseline", {"containers": [{"name": "y"}], field: [container]})


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (privileged("initContainers"), privileged("containers")),
        (privileged("initContainers"), privileged("initContainers", **SIDECAR)),
        (privileged("ephemeralContainers"), privileged("containers")),
    ],
)
def test_what_an_init_container_may_another_of_its_name_may_not(
    before: list[Finding], now: list[Finding]
) -> None:
    assert len(before) == len(now) == 1
    assert len(ratchet.split(now, before)[0]) == 1
    assert ratchet.split(now, now)[0] == []
