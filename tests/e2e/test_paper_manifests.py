"""The paper's own manifests, applied with kubectl at every stage, as their author sees it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.invariants import profiles
from karb_guard.invariants.roots import builtin_root
from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import SESSION_CONFIG
from tests.support.judging import catalogue, evaluator_for
from tests.support.webhook_process import WebhookProcess

pytestmark = pytest.mark.e2e

PAPER = Path(__file__).parent / "data" / "paper"
PASSING = {"hpa": set(), "scaledobject": {"as-fallback"}, "default-deny": set()}
"""They pass at every stage; the invariants that warn of them. The paper's ScaledObject says nothing
of the time without metrics, and custom resources are never denied by default."""

Apply = Callable[..., subprocess.CompletedProcess[str]]
MakeNamespace = Callable[..., str]


def manifest(name: str) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load((PAPER / f"{name}.yaml").read_text(encoding="utf-8"))
    obj["metadata"].pop("namespace", None)  # the test's own namespace stands for `inference`
    return obj


def expected_names() -> set[str]:
    """The invariants that lint finds broken in the GPU pod, without what is checked on request."""
    (evaluation,) = evaluator_for(SESSION_CONFIG["params"]).evaluate([manifest("gpu-pod")])
    on_request = {invariant.name for invariant in catalogue() if invariant.opt_in}
    return {finding.name for finding in evaluation.findings} - on_request


def named(text: str) -> set[str]:
    """The short names in an audit annotation such as ``warn: img-tag, owner x2``."""
    words = text.replace(":", ",").replace(";", ",").split(",")
    return {word.split()[0] for word in words if word.strip()} - {"enforce", "warn", "audit"}


def exists(cluster: Cluster, namespace: str, kind: str, name: str) -> bool:
    return cluster.kubectl("get", kind, name, f"-n{namespace}", check=False).returncode == 0


def test_the_gpu_pod_breaks_what_the_blueprint_asks_of_pods() -> None:
    paper = profiles.members(profiles.load("paper", [builtin_root()], catalogue()), catalogue())
    expected = {
        "img-registry",
        "img-tag",
        "owner",
        "pss-restricted",
        "sa-default",
        "slo-required",
    }
    assert expected_names() & {invariant.name for invariant in paper} == expected


def test_enforced_the_gpu_pod_is_denied_with_what_where_and_how_to_mend(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace, webhook: WebhookProcess
) -> None:
    where = namespace("enforce")
    done = apply(manifest("gpu-pod"), where)
    assert done.returncode != 0
    assert 'admission webhook "pods.karb.dev" denied the request' in done.stderr
    for name in expected_names():
        assert f" {name}: " in done.stderr
    assert "KARB-IMG-002 img-tag" in done.stderr
    assert "at spec.containers[0].image" in done.stderr
    assert "your-registry/your-inference-image:latest" in done.stderr
    assert "to mend: " in done.stderr
    assert "enforced by configuration namespaces.karb-e2e-*-enforce.default" in done.stderr
    assert not exists(cluster, where, "pod", "example-gpu-inference")


def test_at_warn_the_gpu_pod_is_created_and_kubectl_prints_a_warning_for_each_finding(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace
) -> None:
    where = namespace("warn")
    done = apply(manifest("gpu-pod"), where)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning: KARB-")]
    assert {line.split()[2].rstrip(":") for line in warnings} == expected_names()
    assert any("(spec.containers[0].image)" in line for line in warnings)
    assert exists(cluster, where, "pod", "example-gpu-inference")


@pytest.mark.parametrize("stage", ["audit", "off"])
def test_below_warn_the_gpu_pod_s_author_sees_nothing(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace, stage: str
) -> None:
    where = namespace(stage)
    done = apply(manifest("gpu-pod"), where)
    assert (done.returncode, done.stderr) == (0, "")
    assert exists(cluster, where, "pod", "example-gpu-inference")


def test_at_audit_the_gpu_pod_s_findings_are_counted_and_at_off_they_are_not(
    apply: Apply, namespace: MakeNamespace, webhook: WebhookProcess
) -> None:
    def counted() -> float:
        return webhook.metric("karb_guard_findings_total", invariant="img-tag", stage="audit")

    before = counted()
    apply(manifest("gpu-pod"), namespace("off"))
    assert counted() == before
    apply(manifest("gpu-pod"), namespace("audit"))
    assert counted() == before + 1


@pytest.mark.parametrize("stage", ["audit", "warn", "enforce"])
def test_the_audit_log_names_the_gpu_pod_s_findings_and_who_decided(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog, stage: str
) -> None:
    where = namespace(stage)
    apply(manifest("gpu-pod"), where)
    notes = audit_log.of_object(where, "example-gpu-inference")
    assert notes["decision"] == ("denied" if stage == "enforce" else "allowed")
    assert notes["findings"].startswith(f"{stage}: ")
    assert named(notes["findings"]) == expected_names()
    by = f"{stage} by configuration namespaces.karb-e2e-*-{stage}.default: "
    assert notes["decided-by"].startswith(by)


def test_at_off_the_audit_log_names_no_finding(
    apply: Apply, namespace: MakeNamespace, audit_log: AuditLog
) -> None:
    where = namespace("off")
    apply(manifest("gpu-pod"), where)
    notes = audit_log.of_object(where, "example-gpu-inference")
    assert notes["decision"] == "allowed"
    assert "findings" not in notes


@pytest.mark.parametrize("stage", ["off", "audit", "warn", "enforce"])
@pytest.mark.parametrize("name", PASSING)
def test_autoscalers_and_the_default_deny_policy_pass_at_every_stage(
    cluster: Cluster, apply: Apply, namespace: MakeNamespace, name: str, stage: str
) -> None:
    where = namespace(stage)
    obj = manifest(name)
    done = apply(obj, where)
    assert done.returncode == 0
    warned = PASSING[name] if stage in {"warn", "enforce"} else set()
    lines = [line for line in done.stderr.splitlines() if line]
    assert {name for name in warned if any(f" {name}: " in line for line in lines)} == warned
    assert len(lines) == len(warned)
    assert exists(cluster, where, obj["kind"].lower(), obj["metadata"]["name"])
