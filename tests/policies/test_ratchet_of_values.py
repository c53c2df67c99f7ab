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
