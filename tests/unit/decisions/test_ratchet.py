"""The ratchet against a brute-force model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions import ratchet
from karb_guard.model.finding import Finding, ObjectRef
from tests.support.decision_rig import GPU_PIN, RES_MEM, finding

FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from([RES_MEM, GPU_PIN]),
        st.sampled_from(["a", "b", None]),
        index=st.integers(0, 3),
    ),
    max_size=8,
)


def brute_force(now: list[Finding], before: list[Finding]) -> list[Finding]:
    """Cross out one old finding for each new one of the same identity; what is left is new."""
    left = [old.identity for old in before]
    new = []
    for each in now:
        if each.identity in left:
            left.remove(each.identity)
        else:
            new.append(each)
    return new


@given(FINDINGS, FINDINGS)
def test_new_is_what_the_old_object_does_not_account_for(
    now: list[Finding], before: list[Finding]
) -> None:
    new, known = ratchet.split(now, before)
    assert new == brute_force(now, before)
    assert len(new) + len(known) == len(now)


@given(FINDINGS, st.randoms())
def test_reordered_lists_bring_nothing_new(findings: list[Finding], random: object) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ratchet.split(shuffled, findings)[0] == []


def test_a_second_instance_is_new() -> None:
    new, known = ratchet.split([finding(index=0), finding(index=1)], [finding(index=0)])
    assert [found.path[4] for found in known] == [0]
    assert [found.path[4] for found in new] == [1]


def test_an_object_that_changes_its_owner_brings_nothing_new() -> None:
    """A pod whose pod-template-hash label is taken away belongs to no Deployment any more."""
    alone = ObjectRef("apps/v1", "ReplicaSet", "llm-5d9c", "inference")
    assert ratchet.split([finding(owner=alone)], [finding()]) == ([], [finding(owner=alone)])
