"""One report with everything in it that a format has to cope with."""

from __future__ import annotations

from collections import Counter

from karb_guard.model.finding import Finding, ObjectRef, Severity, Unknown
from karb_guard.model.invariant import Invariant, Reference
from karb_guard.model.report import CoverageCount, LocatedFinding, Problem, Region, Report

LEAK = Invariant(
    id="KARB-GPU-001",
    name="gpu-tol-leak",
    category="gpu",
    package="karb.gpu.gpu_tol_leak",
    title="A GPU toleration sits on a pod that requests no GPU",
    description="Such a pod lands on GPU nodes and keeps them from being removed.",
    severity=Severity.ERROR,
    since="0.1.0",
    remediation="Remove the toleration.",
    checks={"leak": "toleration {toleration} admits this pod to GPU nodes"},
    references=(Reference("https://kubernetes.io/docs/", "Taints"),),
)
PIN = Invariant(
    id="KARB-GPU-004",
    name="gpu-pin",
    category="gpu",
    package="karb.gpu.gpu_pin",
    title="A GPU workload doesn't say which accelerator it needs",
    description="Any GPU will do, says the scheduler.",
    severity=Severity.WARNING,
    since="0.1.0",
    remediation="Select one.",
    checks={"unpinned": "nothing selects the accelerator"},
)
DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "chat", "inference")
TOLERATION = '        - {key: "nvidia.com/gpu", operator: Exists}  # 100%, <b>, ünï'


def _finding(invariant: Invariant, check: str, message: str, index: int) -> Finding:
    return Finding(
        invariant_id=invariant.id,
        name=invariant.name,
        check=check,
        severity=invariant.severity,
        message=message,
        remediation=invariant.remediation,
        object=DEPLOYMENT,
        owner=DEPLOYMENT,
        path=("spec", "template", "spec", "tolerations", index),
        anchor='pod/spec/tolerations[{"key":"nvidia.com/gpu"}]',
    )


def sample() -> Report:
    """An error, a waived error, a warning on a path with spaces, a problem, an unknown."""
    region = Region("k8s/chat.yaml", 24, 9, 24, 55, TOLERATION)
    spaced = Region("k8s/with space,and:colon.yaml", 3, 1, 3, 5, "spec:")
    leak = _finding(LEAK, "leak", "toleration nvidia.com/gpu admits this pod, 100%", 0)
    waived = _finding(LEAK, "leak", "toleration other admits this pod", 1)
    pin = _finding(PIN, "unpinned", "nothing selects the accelerator\nsecond line", 0)
    return Report(
        findings=[
            LocatedFinding(leak, region),
            LocatedFinding(waived, region, waived="shared nodes until Q1, a=b"),
            LocatedFinding(pin, spaced),
        ],
        problems=[Problem("k8s/broken.yaml", 7, 3, "a tab can't indent; use spaces")],
        unknowns=[Unknown("np-ingress-deny", DEPLOYMENT, "no NetworkPolicy in the input")],
        coverage=CoverageCount(
            files=3, checked=2, unknown_kinds=Counter({"example.com/v1/Widget": 1}), unparsed=1
        ),
        invariants=[LEAK, PIN],
        version="0.1.0",
    )


def clean() -> Report:
    """Nothing found in one checked document."""
    return Report(
        findings=[],
        problems=[],
        unknowns=[],
        coverage=CoverageCount(files=1, checked=1),
        invariants=[LEAK, PIN],
        version="0.1.0",
    )
