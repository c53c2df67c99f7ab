"""``Waiver`` objects in lint's input: the same file that goes to the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.contract.lint.test_lint_waivers import (
    LONG_AGO,
    SOON,
    TODAY,
    deployment,
    lint,
    outcome,
)
from tests.support.cli import karb_guard


def waiver(name: str = "w", **spec: Any) -> str:
    document = {
        "apiVersion": "karb.dev/v1alpha1",
        "kind": "Waiver",
        "metadata": {"name": name, "namespace": spec.pop("namespace", "shop")},
        "spec": {
            "invariant": "img-tag",
            "workload": {"kind": "Deployment", "name": "web"},
            "reason": "until the registry is there",
            "owner": "team-shop",
            "until": str(SOON),
            **spec,
        },
    }
    return "\n---\n" + yaml.safe_dump(document)


def test_a_waiver_covers_the_findings_of_its_workload(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment() + waiver())
    assert code == 0
    assert outcome(findings) == {("img-tag", "web", True), ("img-tag", "proxy", True)}
    said = f"until the registry is there (until {SOON}, team-shop, Waiver w)"
    assert {f["waived"] for f in findings} == {said}


def test_it_covers_one_container_only_where_it_names_one(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment() + waiver(container="web"))
    assert code == 1
    assert outcome(findings) == {("img-tag", "web", True), ("img-tag", "proxy", False)}


def test_labels_of_the_pod_template_select(tmp_path: Path) -> None:
    chosen = waiver(workload={"selector": {"matchLabels": {"app": "web"}}})
    assert lint(tmp_path, deployment() + chosen)[0] == 0
    others = waiver(workload={"selector": {"matchLabels": {"app": "api"}}})
    assert lint(tmp_path, deployment() + others)[0] == 1


def test_it_counts_in_its_own_namespace_alone(tmp_path: Path) -> None:
    code, findings = lint(tmp_path, deployment() + waiver(namespace="other"))
    assert code == 1
    assert {name for name, _, _ in outcome(findings)} == {"img-tag"}  # its workload is not here


def test_an_expired_one_is_a_finding_and_covers_nothing(tmp_path: Path) -> None:
    old = waiver(until=str(LONG_AGO), notBefore=str(LONG_AGO))
    code, findings = lint(tmp_path, deployment() + old)
    assert code == 1
    (found,) = [f for f in findings if f["name"] == "waiver-expired"]
    assert found["message"].startswith(f"Waiver w expired on {LONG_AGO}")
    assert found["object"]["kind"] == "Waiver"
    assert not any(waived for _, _, waived in outcome(findings))


def test_one_that_covers_nothing_is_unused(tmp_path: Path) -> None:
    _, findings = lint(tmp_path, deployment() + waiver(invariant="waiver-free"))
    (found,) = [f for f in findings if f["name"] == "waiver-invalid"]
    assert "spec.invariant=waiver-free names no invariant" in found["message"]
    _, findings = lint(tmp_path, deployment() + waiver() + waiver("x", container="gone"))
    (found,) = [f for f in findings if f["name"] == "waiver-unused"]
    assert found["message"] == (
        "Waiver x covers nothing: img-tag has no finding in a container gone of the workloads it "
        "names"
    )


def test_one_whose_workload_is_elsewhere_is_unused_only_in_a_complete_input(
    tmp_path: Path,
) -> None:
    gone = waiver(workload={"kind": "Deployment", "name": "gone"})
    _, findings = lint(tmp_path, deployment() + gone)
    assert not [f for f in findings if f["name"] == "waiver-unused"]
    _, findings = lint(tmp_path, deployment() + gone, "--complete")
    assert [f for f in findings if f["name"] == "waiver-unused"]


def test_one_that_lasts_longer_than_allowed_waives_nothing(tmp_path: Path) -> None:
    (tmp_path / "karb-guard.yaml").write_text("waivers: {maxDays: 29}\n")
    code, findings = lint(tmp_path, deployment() + waiver())
    assert code == 1
    (found,) = [f for f in findings if f["name"] == "waiver-invalid"]
    assert f"is 30 days after it begins ({TODAY})" in found["message"]
    assert "allows 29 (waivers.maxDays)" in found["message"]


def test_its_kind_is_understood(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(waiver().removeprefix("\n---\n"))
    done = karb_guard("lint", "x.yaml", "--format", "json", cwd=tmp_path)
    assert done.code == 0
    assert not json.loads(done.out)["coverage"]["unknownKinds"]
