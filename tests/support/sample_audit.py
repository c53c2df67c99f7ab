"""An audit of an imagined cluster, the same at every run: as large as a test asks for.

Findings use the real catalogue's words, so that pages look as they do.
"""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from karb_guard.invariants.source import read
from karb_guard.model.audit import Audit, Missing, NamespaceSummary, TrendPoint
from karb_guard.model.finding import Finding, ObjectRef, Severity, Unknown
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.model.report import CoverageCount, LocatedFinding, Problem, Region, Report
from tests.support.cli import REPOSITORY

STARTED = datetime.datetime(2026, 3, 9, 6, 30, tzinfo=datetime.UTC)
TEAMS = ("chat", "search", "vision", "speech", "ranking", "embeddings", "agents", "batch")
SERVERS = ("llama-70b", "mixtral", "whisper-large", "bge-reranker", "sdxl", "triton", "guardrails")


@cache
def catalogue() -> tuple[Invariant, ...]:
    """The real one."""
    return read([REPOSITORY / "policies"]).invariants


def finding(
    invariant: Invariant, owner: ObjectRef, *, message: str = "", index: int = 0
) -> LocatedFinding:
    """One finding of an invariant on an object."""
    check, template = next(iter(invariant.checks.items()))
    found = Finding(
        invariant_id=invariant.id,
        name=invariant.name,
        check=check,
        severity=invariant.severity,
        message=message or re.sub(r"\{\w+\}", "server", template),
        remediation=invariant.remediation,
        object=owner,
        owner=owner,
        path=("spec", "template", "spec", "containers", index),
        anchor=f"pod/spec/containers[{index}]",
    )
    file = "/".join(filter(None, (owner.namespace, owner.kind, owner.name)))
    return LocatedFinding(found, Region(file, 1, 1, 1, 1))


def audit(
    findings: int = 400,
    namespaces: int = 24,
    workloads: int = 10,
    invariants: Sequence[Invariant] | None = None,
) -> Audit:
    """An audit with that many findings, of which every ninth is waived.

    ``invariants`` are the catalogue's unless given: golden files must not know its words.
    """
    enabled = catalogue() if invariants is None else invariants
    dice = random.Random(findings)  # noqa: S311 - the same sample at every run
    teams = [f"{TEAMS[i % len(TEAMS)]}-{i // len(TEAMS) + 1:02}" for i in range(namespaces)]
    owners = [
        ObjectRef("apps/v1", "Deployment", f"{SERVERS[i % len(SERVERS)]}-{i}", team)
        for team in teams
        for i in range(workloads)
    ]
    rules = [i for i in enabled if i.match == (PODS_GROUP,) and i.evaluator == "rego"]
    found = _findings(dice, rules, owners, findings)
    gpus = {owner: dice.choice((1, 1, 2, 4, 8)) for owner in owners if dice.random() < 0.6}
    return Audit(
        report=_report(found, owners, enabled),
        cluster="production-eu-west",
        started=STARTED,
        seconds=11.4,
        namespaces={
            team: NamespaceSummary(
                team,
                objects=workloads,
                workloads=workloads,
                gpus=sum(n for owner, n in gpus.items() if owner.namespace == team),
            )
            for team in teams
        },
        gpus=gpus,
        gpu_kinds={owner: dice.choice(("NVIDIA-H100-80GB-HBM3", "NVIDIA-L4")) for owner in gpus},
        missing=[
            Missing(
                "secrets in chat-01",
                'the API server refused to list them (403): give "list" on secrets to the account',
                ("st-secret-env",),
            )
        ],
        trend=_trend(dice, findings),
    )


def _findings(
    dice: random.Random, rules: Sequence[Invariant], owners: Sequence[ObjectRef], count: int
) -> list[LocatedFinding]:
    """A few namespaces and a few invariants have most of them, as in life."""
    found = []
    for index in range(count):
        rule = rules[min(int(dice.expovariate(0.12)), len(rules) - 1)]
        owner = owners[min(int(dice.expovariate(3.0 / len(owners))), len(owners) - 1)]
        each = finding(rule, owner, index=index)
        if index % 9 == 0:
            reason = "moves to the new pool in April until=2026-04-30"
            each = LocatedFinding(each.finding, each.region, waived=reason)
        found.append(each)
    return found


def _report(
    found: list[LocatedFinding], owners: Sequence[ObjectRef], invariants: Sequence[Invariant]
) -> Report:
    return Report(
        findings=found,
        problems=[
            Problem(
                "vision-01/ConfigMap/weights",
                None,
                None,
                "the object has 2,100,000 bytes; at most 1,048,576 are judged",
                kind="not-evaluated",
                remedy="store the weights outside of the API server",
            )
        ],
        unknowns=[
            Unknown("img-sig", owner, "no evidence of signatures was given")
            for owner in owners[:40]
        ],
        coverage=CoverageCount(
            files=1,
            checked=len(owners),
            unknown_kinds=Counter({"example.com/v1/Widget": 3}),
            not_evaluated=1,
        ),
        invariants=invariants,
        version="0.1.0",
        judged=frozenset(owners),
    )


def _trend(dice: random.Random, findings: int) -> list[TrendPoint]:
    points = []
    for days in range(42, 0, -1):
        share = 1 + days / 60
        errors = max(0, int(findings * 0.33 * share) + dice.randint(-6, 6))
        warnings = max(0, int(findings * 0.56 * share) + dice.randint(-8, 8))
        counts = {Severity.ERROR: errors, Severity.WARNING: warnings, Severity.INFO: days // 15}
        points.append(TrendPoint(STARTED - datetime.timedelta(days=days), counts, 240))
    return points
