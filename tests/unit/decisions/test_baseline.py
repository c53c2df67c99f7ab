"""A baseline is a multiset of identities."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions.baseline import Scope, compare, entries_of, kept, order, result
from karb_guard.model.finding import Finding, Identity, ObjectRef, Severity
from karb_guard.model.report import BaselineState, LocatedFinding, Region

WEB = ObjectRef("v1", "Pod", "web", "shop")
API = ObjectRef("v1", "Pod", "api", None)


def found(anchor: str, owner: ObjectRef = WEB, line: int = 1, waived: str | None = None):
    finding = Finding(
        invariant_id="KARB-IMG-002",
        name="img-tag",
        check="floating",
        severity=Severity.ERROR,
        message="m",
        remediation="r",
        object=owner,
        owner=owner,
        path=(),
        anchor=anchor,
    )
    return LocatedFinding(finding, Region("a.yaml", line, 1, line, 2), waived)


def identity(anchor: str, owner: ObjectRef = WEB, invariant: str = "KARB-IMG-002") -> Identity:
    return Identity(invariant, "floating", owner, anchor)


def states(findings, entries) -> list[BaselineState | None]:
    return [each.baseline for each in compare(findings, entries)[0]]


NEW, UNCHANGED = BaselineState.NEW, BaselineState.UNCHANGED


def test_what_is_in_the_baseline_is_known_and_the_rest_is_new() -> None:
    entries = Counter({identity("a"): 1})
    assert states([found("a"), found("b")], entries) == [UNCHANGED, NEW]


def test_a_second_instance_is_new() -> None:
    entries = Counter({identity("a"): 2})
    assert states([found("a"), found("a"), found("a")], entries) == [UNCHANGED, UNCHANGED, NEW]


def test_the_same_finding_on_another_object_is_new() -> None:
    assert states([found("a", API)], Counter({identity("a"): 1})) == [NEW]


def test_a_waived_finding_takes_no_entry() -> None:
    judged, left = compare([found("a", waived="why"), found("a")], Counter({identity("a"): 1}))
    assert [each.baseline for each in judged] == [NEW, UNCHANGED]
    assert not left


def test_waived_findings_get_no_entry() -> None:
    assert entries_of([found("a", waived="why"), found("b")]) == Counter({identity("b"): 1})


FINDINGS = st.lists(
    st.builds(found, st.sampled_from("abc"), st.sampled_from([WEB, API]), st.integers(1, 99)),
    max_size=12,
)


@given(FINDINGS)
def test_a_fresh_baseline_knows_everything(findings: list[LocatedFinding]) -> None:
    judged, left = compare(findings, entries_of(findings))
    assert all(each.baseline is UNCHANGED for each in judged)
    assert not left


@given(FINDINGS, FINDINGS)
def test_new_findings_and_left_entries_are_the_differences_of_the_multisets(before, now) -> None:
    judged, left = compare(now, entries_of(before))
    new = Counter(each.finding.identity for each in judged if each.baseline is NEW)
    assert new == entries_of(now) - entries_of(before)
    assert left == entries_of(before) - entries_of(now)
    assert [each.finding for each in judged] == [each.finding for each in now]


@given(FINDINGS, FINDINGS, st.randoms())
def test_the_order_of_findings_does_not_change_how_many_are_new(before, now, random) -> None:
    shuffled = list(now)
    random.shuffle(shuffled)
    assert Counter(states(now, entries_of(before))) == Counter(states(shuffled, entries_of(before)))


def scope(**changes) -> Scope:
    defaults = {
        "invariants": frozenset({"KARB-IMG-002"}),
        "known": frozenset({"KARB-IMG-002", "KARB-GPU-001"}),
        "owners": frozenset({WEB}),
    }
    return Scope(**{**defaults, **changes})


def test_left_entries_are_gone_absent_or_still_open() -> None:
    left = Counter(
        {
            identity("b"): 1,
            identity("a"): 2,
            identity("a", API): 1,
            identity("a", WEB, "KARB-GPU-001"): 1,
            identity("a", API, "KARB-OLD-001"): 1,
        }
    )
    outcome = result("f", 7, left, scope())
    assert outcome.gone == [
        identity("a", API, "KARB-OLD-001"),
        identity("a"),
        identity("a"),
        identity("b"),
    ]
    assert outcome.absent == [identity("a", API)]
    assert (outcome.file, outcome.known) == ("f", 7)
    assert kept(left, outcome) == Counter({identity("a", WEB, "KARB-GPU-001"): 1})


def test_an_undecided_invariant_mends_nothing() -> None:
    undecided = frozenset({("KARB-IMG-002", WEB)})
    outcome = result("f", 0, Counter({identity("a"): 1}), scope(undecided=undecided))
    assert (outcome.gone, outcome.absent) == ([], [])


def test_the_order_tells_a_missing_namespace_from_others_and_is_total() -> None:
    identities = [identity(a, o, i) for a in "ab" for o in (WEB, API) for i in ("X", "Y")]
    assert len({order(each) for each in identities}) == len(identities)
