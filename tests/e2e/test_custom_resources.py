"""Custom resources warn, however bad; what nobody understands passes and says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import BAD, container, template

pytestmark = pytest.mark.e2e

Apply = Callable[..., subprocess.CompletedProcess[str]]
MakeNamespace = Callable[..., str]


def leader_worker_set(**changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": "llm"},
        "spec": {
            "replicas": 1,
            "leaderWorkerTemplate": {"size": 2, "workerTemplate": template(**changes)},
        },
    }


def test_a_bad_custom_resource_is_created_with_warnings_where_all_is_enforced(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace
) -> None:
    where = namespace("enforce")
    done = apply(leader_worker_set(**BAD), where)
    assert done.returncode == 0, done.stderr
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("Warning: KARB-RES-002 res-mem: ")
    path = "spec.leaderWorkerTemplate.workerTemplate.spec.containers[0].resources.limits.memory"
    assert path in warning
    assert "enforced, but custom resources only warn" in warning
    found = cluster.kubectl("get", "leaderworkersets.leaderworkerset.x-k8s.io", f"-n{where}")
    assert "llm" in found.stdout


def test_fields_of_the_wrong_type_in_a_custom_resource_are_warned_about(
    apply: Apply, namespace: MakeNamespace
) -> None:
    wrong = leader_worker_set(containers=[container(image=5, resources="plenty")])
    done = apply(wrong, namespace("warn"))
    assert done.returncode == 0, done.stderr
    warnings = done.stderr.splitlines()
    malformed = [line for line in warnings if "KARB-MAN-001 malformed" in line]
    assert len(malformed) == 2
    assert any("image must be a string, not a number" in line for line in malformed)
    assert any("resources must be an object, not a string" in line for line in malformed)


def test_a_kind_that_nobody_understands_passes_and_the_audit_log_says_so(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("enforce")
    widget = {
        "apiVersion": "e2e.karb.dev/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {"size": 1},
    }
    done = apply(widget, where)
    assert (done.returncode, done.stderr) == (0, "")
    said = "e2e.karb.dev/Widget is not understood and was not judged"
    assert audit_log.of_object(where, "one") == {"unknown-kind": said}


def test_pods_in_a_kind_that_nobody_knows_are_found_by_their_shape(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("enforce")
    widget = {
        "apiVersion": "e2e.karb.dev/v1",
        "kind": "Widget",
        "metadata": {"name": "two"},
        "spec": {"runner": {"template": template(**BAD)}},
    }
    done = apply(widget, where)
    assert done.returncode == 0, done.stderr
    assert "Warning: KARB-RES-002 res-mem" in done.stderr
    assert "found by their shape" in audit_log.of_object(where, "two")["discovered-kind"]
