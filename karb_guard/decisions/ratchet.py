"""The ratchet: an update may keep what was wrong before, but not make it worse.

Findings are compared one by one by identity, as multisets: a second instance of a finding that
was there once is new, and the order of lists plays no part. Who owns the object plays none either:
both versions are the same object, and a pod that leaves its ReplicaSet (a label is taken away to
look into it) is no worse for it. Where a finding has an amount (the GPUs that a workload may take),
one of the same or of a larger amount must have been there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from karb_guard.model.finding import Finding


def split(
    findings: Sequence[Finding], before: Iterable[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """``(new, known)``: the findings that ``before`` does not account for, and the others.

    ``before`` are the old object's findings that no waiver covers: taking a waiver away makes
    what it covered new.
    """
    left: dict[tuple[str, str, str], list[float]] = {}
    for finding in before:
        left.setdefault(_key(finding), []).append(finding.amount or 0)
    if not left or not findings:
        return list(findings), []
    new: list[Finding] = []
    known: list[Finding] = []
    for finding in findings:
        there = left.get(_key(finding))
        (known if there and _taken(there, finding.amount) else new).append(finding)
    return new, known


def _taken(there: list[float], amount: float | None) -> bool:
    """Cross out the smallest of ``there`` that is no smaller than ``amount``, if there is one."""
    if amount is None:  # nearly always, and they may be many
        there.pop()
        return True
    enough = min((each for each in there if each >= amount), default=None)
    if enough is not None:
        there.remove(enough)
    return enough is not None


def _key(finding: Finding) -> tuple[str, str, str]:
    """The finding's identity without its owner."""
    return finding.invariant_id, finding.check, finding.anchor
