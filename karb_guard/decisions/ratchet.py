"""The ratchet: an update may keep what was wrong before, but not make it worse.

Findings are compared one by one by identity, as multisets: a second instance of a finding that
was there once is new, and the order of lists plays no part. Who owns the object plays none either:
both versions are the same object, and a pod that leaves its ReplicaSet (a label is taken away to
look into it) is no worse for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from karb_guard.model.finding import Finding


def split(
    findings: Sequence[Finding], before: Iterable[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """``(new, known)``: the findings that ``before`` does not account for, and the others.

    ``before`` are the old object's findings that no waiver covers: taking a waiver away makes
    what it covered new.
    """
    keys = [_key(finding) for finding in before]
    if not keys or not findings:
        return list(findings), []
    left = Counter(keys)
    new: list[Finding] = []
    known: list[Finding] = []
    for finding in findings:
        key = _key(finding)
        if left[key] > 0:
            left[key] -= 1
            known.append(finding)
        else:
            new.append(finding)
    return new, known


def _key(finding: Finding) -> tuple[str, str, str]:
    """The finding's identity without its owner."""
    return finding.invariant_id, finding.check, finding.anchor
