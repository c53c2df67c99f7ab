"""What is counted of an audit, and what of it is missing evidence."""

from __future__ import annotations

import datetime

import pytest

from karb_guard.model.audit import Audit, Missing, NamespaceSummary
from karb_guard.model.finding import Finding, ObjectRef, Severity, Unknown
from karb_guard.model.report import (
    BaselineState,
    CoverageCount,
    LocatedFinding,
    Problem,
    Region,
    Report,
)
from karb_guard.rollout.evidence import Counts, of_audit
from tests.support.decision_rig import CATALOGUE

AT = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
REGION = Region("team-a/Deployment/llm", 1, 1, 1, 1)


def located(namespace: str = "team-a", waived: str | None = None) -> LocatedFinding:
    ref = ObjectRef("apps/v1", "Deployment", "llm", namespace)
    finding = Finding("KARB-RES-002", "res-mem", "", Severity.ERROR, "m", "r", ref, ref, (), "")
    return LocatedFinding(finding, REGION, waived)


def audit(*found: LocatedFinding, **more: object) -> Audit:
    report = Report(
        findings=found,
        problems=more.pop("problems", ()),  # type: ignore[arg-type]
        unknowns=more.pop("unknowns", ()),  # type: ignore[arg-type]
        coverage=CoverageCount(),
        invariants=list(CATALOGUE.values()),
    )
    names = ("team-a", "team-b")
    summaries = {name: NamespaceSummary(name, objects=2) for name in names}
    return Audit(report, "test", AT, namespaces=summaries, **more)  # type: ignore[arg-type]


def test_open_waived_and_known_findings_are_told_apart() -> None:
    waived = located(waived="until 2099-01-01 or so (until 2026-04-01, team, Waiver w)")
    known = LocatedFinding(located().finding, REGION, None, BaselineState.UNCHANGED)
    evidence = of_audit(audit(located(), waived, known))
    counts = evidence.of("team-a", "res-mem")
    assert counts == Counts(2, 1, (datetime.date(2026, 4, 1),))
    assert evidence.of("team-b", "res-mem") == Counts()
    assert counts.open_at(datetime.date(2026, 4, 1)) == 2
    assert counts.open_at(datetime.date(2026, 4, 2)) == 3
    assert evidence.severities == {Severity.ERROR: 2}
    assert evidence.objects == 4


def test_what_was_not_seen_is_missing() -> None:
    evidence = of_audit(audit())
    assert evidence.missing("team-a", "res-mem") is None
    assert evidence.missing("team-c", "res-mem") == "the namespace is not in the scan"
    assert evidence.missing("team-a", "nobody") == "the scan did not ask nobody"


def test_an_object_without_a_verdict_is_missing_in_its_namespace() -> None:
    file = "team-a/Deployment/big"
    problem = Problem(file, None, None, "too large", "not-evaluated", namespace="team-a")
    evidence = of_audit(audit(problems=[problem]))
    assert evidence.missing("team-a", "res-mem") == "1 objects could not be evaluated"
    assert evidence.missing("team-b", "res-mem") is None


@pytest.mark.parametrize("file", ["?", "team-a/t.json"])
def test_what_belongs_to_no_known_namespace_is_missing_in_all(file: str) -> None:
    nowhere = of_audit(audit(problems=[Problem(file, None, None, "what?")]))
    for namespace in ("team-a", "team-b"):
        assert nowhere.missing(namespace, "res-mem") == "1 objects could not be evaluated"


def test_an_undecided_object_is_missing_for_its_invariant() -> None:
    ref = ObjectRef("v1", "Pod", "p", "team-a")
    evidence = of_audit(audit(unknowns=[Unknown("res-mem", ref, "no nodes")]))
    assert evidence.missing("team-a", "res-mem") == "1 objects could not be decided"
    assert evidence.missing("team-b", "res-mem") is None


def test_a_kind_that_was_not_listed_is_missing_for_whom_it_concerns() -> None:
    some = of_audit(audit(missing=[Missing("nodes", "forbidden", ("res-mem",))]))
    assert some.missing("team-a", "res-mem") == "the scan is incomplete: nodes: forbidden"
    assert some.missing("team-a", "gpu-pin") is None
    every = of_audit(audit(missing=[Missing("pods", "forbidden")]))
    assert every.missing("team-a", "gpu-pin") == "the scan is incomplete: pods: forbidden"
