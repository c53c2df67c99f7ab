"""Report objects for the cluster: bounded, stable, and honest about what they leave out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from karb_guard.model.audit import Audit
from karb_guard.model.finding import ObjectRef, Severity
from karb_guard.model.report import LocatedFinding
from karb_guard.reports.policy_report import (
    CONTENT,
    INCOMPLETE,
    LEFT_OUT,
    MAX_OBJECTS,
    MAX_RESULTS,
    MAX_SHARDS,
    OPENREPORTS,
    WGPOLICY,
    ReportApi,
    report_objects,
)
from tests.support.report_crds import crds
from tests.support.sample_audit import audit, catalogue, finding

RULES = [i for i in catalogue() if i.evaluator == "rego"]


def audit_of(found: list[LocatedFinding]) -> Audit:
    sampled = audit(0)
    return replace(sampled, missing=(), report=replace(sampled.report, findings=found))


def many(count: int, namespace: str | None = "a") -> list[LocatedFinding]:
    return [
        finding(RULES[i % len(RULES)], ObjectRef("apps/v1", "Deployment", f"w{i}", namespace))
        for i in range(count)
    ]


def by_name(sampled: Audit, api: ReportApi = OPENREPORTS) -> dict[tuple[str, str], Any]:
    made = report_objects(sampled, api).objects
    return {(m["metadata"].get("namespace", ""), m["metadata"]["name"]): m for m in made}


@pytest.mark.parametrize("api", [OPENREPORTS, WGPOLICY])
def test_every_finding_is_in_one_object_that_fits_its_schema(api: ReportApi) -> None:
    sampled = audit_of([*many(500), *many(30, None)])
    schemas = {
        crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for crd in crds(api)
    }
    seen = []
    for made in report_objects(sampled, api).objects:
        jsonschema.validate(made, schemas[made["kind"]])
        assert made.keys() <= schemas[made["kind"]]["properties"].keys()
        assert sum(made["summary"].values()) == len(made["results"]) <= MAX_RESULTS
        seen += [
            (r["policy"], r["resources"][0]["name"], r["resources"][0].get("namespace"))
            for r in made["results"]
        ]
    expected = [
        (f.finding.name, f.finding.object.name, f.finding.object.namespace)
        for f in sampled.report.findings
    ]
    assert sorted(seen, key=str) == sorted(expected, key=str)


def test_cluster_scoped_findings_are_in_the_cluster_s_kind() -> None:
    made = by_name(audit_of(many(2, None)), WGPOLICY)
    assert {(key, m["kind"]) for key, m in made.items()} == {
        (("", "karb-guard-00"), "ClusterPolicyReport")
    }
    assert "source" not in made["", "karb-guard-00"]
    assert all("namespace" not in r["resources"][0] for r in made["", "karb-guard-00"]["results"])


def test_severities_and_waivers_become_results() -> None:
    found = many(len(RULES))
    found[0] = replace(found[0], waived="agreed until=2030-01-01")
    results = [r for m in by_name(audit_of(found)).values() for r in m["results"]]
    for each in found[1:]:
        (result,) = [r for r in results if r["resources"][0]["name"] == each.finding.object.name]
        is_error = each.finding.severity is Severity.ERROR
        assert result["result"] == ("fail" if is_error else "warn")
        assert result["scored"] is is_error
    (skipped,) = [r for r in results if r["result"] == "skip"]
    assert skipped["properties"]["waived"] == "agreed until=2030-01-01"


def test_the_same_findings_make_the_same_objects_whenever_and_in_whatever_order() -> None:
    found = many(700)
    first = by_name(audit_of(found))
    later = replace(audit_of(found[::-1]), started=audit(1).started.replace(year=2030), seconds=9.0)
    assert by_name(later) == first


def test_a_finding_that_goes_changes_one_object_alone() -> None:
    found = many(700)
    before, after = by_name(audit_of(found)), by_name(audit_of(found[:-1]))
    assert before.keys() == after.keys()
    assert sum(before[key] != after[key] for key in before) == 1
    hashes = [
        made["metadata"]["annotations"][CONTENT] for made in (*before.values(), *after.values())
    ]
    assert len(set(hashes)) == len(before) + 1


def test_one_namespace_is_bounded_and_keeps_the_worst() -> None:
    found = many(20 * MAX_RESULTS * MAX_SHARDS // 10)
    made = report_objects(audit_of(found), OPENREPORTS)
    assert len(made.objects) <= MAX_SHARDS
    shown = sum(len(m["results"]) for m in made.objects)
    assert shown + made.left_out_results == len(found)
    assert made.objects[0]["metadata"]["annotations"][LEFT_OUT] == str(made.left_out_results)
    errors = sum(f.finding.severity is Severity.ERROR for f in found)
    kept = sum(r["severity"] == "high" for m in made.objects for r in m["results"])
    assert kept == min(errors, shown)


def test_the_cluster_is_bounded() -> None:
    found = [f for i in range(MAX_OBJECTS + 5) for f in many(1, f"team-{i:04}")]
    made = report_objects(audit_of(found), OPENREPORTS)
    assert len(made.objects) == MAX_OBJECTS
    assert len(made.left_out_namespaces) == made.left_out_results == 5


def test_the_largest_object_is_far_below_etcd_s_limit() -> None:
    name = "ü" * 253
    owner = ObjectRef("example.com/v1", name, name, name)
    found = []
    for i, each in enumerate(many(5_000)):
        path = ("spec", "🦊" * 9_000, i)
        finding_ = each.finding._replace(
            object=owner,
            owner=owner,
            message="🦊" * 9_000,
            path=path,
            anchor=str(i),
            container=name,
        )
        found.append(replace(each, finding=finding_, waived="🦊" * 9_000))
    sizes = [
        len(json.dumps(m, ensure_ascii=False).encode())
        for m in report_objects(audit_of(found), WGPOLICY).objects
    ]
    assert max(sizes) < 1 << 20


def test_what_could_not_be_read_is_on_every_object() -> None:
    sampled = replace(audit_of(many(3)), missing=audit(0).missing)
    (made,) = by_name(sampled).values()
    assert made["metadata"]["annotations"][INCOMPLETE] == "secrets in chat-01"
