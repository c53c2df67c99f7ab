"""Which stage counts, by configuration and by labels that change while everything runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    BAD,
    DIGEST,
    UNLIMITED,
    container,
    denied,
    pod,
    seconds_until,
)

pytestmark = pytest.mark.e2e

LABEL_SECONDS = 5
"""A relabelled namespace has to count within this time; the watch takes milliseconds."""

Apply = Callable[..., subprocess.CompletedProcess[str]]
MakeNamespace = Callable[..., str]


def mixed_pod(name: str = "llm", **changes: object) -> dict[str, object]:
    """Breaks img-registry and slo-format."""
    moving = container(image=f"docker.io/someone/server:1.0.0@{DIGEST}", **changes)
    made = pod(name, containers=[moving])
    made["metadata"]["annotations"]["karb.dev/slo-p95-latency"] = "quickly"
    return made


def test_each_invariant_has_the_stage_that_the_configuration_gives_it_there(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("mixed")
    done = apply(mixed_pod(), where)
    assert done.returncode == 0, done.stderr
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("Warning: KARB-SLO-002 slo-format: ")
    notes = audit_log.of_object(where, "llm")
    assert notes["findings"] == "warn: slo-format; audit: img-registry"
    said = "configuration namespaces.karb-e2e-*-mixed"
    assert f"audit by {said}.default: img-registry" in notes["decided-by"]
    assert f"warn by {said}.categories.labels: slo-format" in notes["decided-by"]


def test_only_the_enforced_one_of_three_broken_invariants_denies(
    apply: Apply, namespace: MakeNamespace
) -> None:
    done = apply(mixed_pod(resources=UNLIMITED), namespace("mixed"))
    assert done.returncode != 0
    assert "1 finding of enforced invariants" in done.stderr
    assert "KARB-RES-002 res-mem" in done.stderr
    said = "enforced by configuration namespaces.karb-e2e-*-mixed.invariants.res-mem"
    assert said in done.stderr
    assert "KARB-IMG-002" not in done.stderr


def test_without_any_setting_the_severity_decides_and_nothing_is_denied(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("plain")
    done = apply(pod(**BAD), where)
    assert done.returncode == 0, done.stderr
    assert "Warning: KARB-RES-002 res-mem" in done.stderr
    assert audit_log.of_object(where, "llm")["decided-by"] == "warn by severity error: res-mem"


def test_a_label_for_all_invariants_counts_soon_after_it_is_set_and_after_it_is_gone(
    api: ApiProxy, cluster: Cluster, namespace: MakeNamespace
) -> None:
    where = namespace("plain")
    assert denied(api, where) is None
    cluster.kubectl("label", "namespace", where, "karb.dev/stage=enforce")
    seconds_until(lambda: denied(api, where) is not None, LABEL_SECONDS)
    assert "enforced by namespace label karb.dev/stage=enforce" in (denied(api, where) or "")
    cluster.kubectl("label", "namespace", where, "karb.dev/stage-")
    seconds_until(lambda: denied(api, where) is None, LABEL_SECONDS)


def test_a_label_for_one_invariant_enforces_that_one_alone(
    api: ApiProxy, cluster: Cluster, apply: Apply, namespace: MakeNamespace
) -> None:
    where = namespace("plain")
    cluster.kubectl("label", "namespace", where, "karb.dev/stage.res-mem=enforce")
    seconds_until(lambda: denied(api, where) is not None, LABEL_SECONDS)
    done = apply(mixed_pod(), where)
    assert done.returncode == 0, done.stderr
    assert "Warning: KARB-IMG-001 img-registry" in done.stderr
    bad = apply(mixed_pod("other", resources=UNLIMITED), where)
    assert bad.returncode != 0
    assert "enforced by namespace label karb.dev/stage.res-mem=enforce" in bad.stderr
    assert "1 finding of enforced invariants" in bad.stderr


def test_a_label_can_not_loosen_what_the_configuration_enforces(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("enforce", **{"karb.dev/stage": "audit", "karb.dev/stage.res-mem": "nope"})
    done = apply(pod(**BAD), where)
    assert done.returncode != 0
    assert "enforced by configuration namespaces.karb-e2e-*-enforce.default" in done.stderr
    ignored = audit_log.of_object(where, "llm")["ignored-labels"]
    assert "karb.dev/stage=audit may only tighten the configured stage" in ignored
    assert "karb.dev/stage.res-mem=nope is no stage" in ignored


def test_the_first_request_in_a_new_namespace_heeds_its_labels(
    api: ApiProxy, namespace: MakeNamespace
) -> None:
    for _ in range(3):
        assert denied(api, namespace("plain", **{"karb.dev/stage": "enforce"})) is not None
