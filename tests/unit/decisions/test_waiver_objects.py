"""Waiver objects: what they may say, when they count, what they cover."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.decisions import waiver_objects as objects
from karb_guard.decisions import waivers
from karb_guard.decisions.waiver_objects import Lifetimes, NotCounting, WaiverObject
from karb_guard.model.finding import Evaluation, ObjectRef
from tests.support.decision_rig import (
    CATALOGUE,
    DEPLOYMENT,
    GPU_PIN,
    evaluation,
    finding,
)

TODAY = datetime.date(2027, 1, 15)
RULES = Lifetimes(
    {**{i.id: i.name for i in CATALOGUE.values()}, **{name: name for name in CATALOGUE}},
    TODAY,
    unwaivable=waivers.ABOUT_WAIVERS,
)
SPEC: dict[str, Any] = {
    "invariant": "res-mem",
    "workload": {"kind": "Deployment", "name": "llm"},
    "reason": "the new image measures it",
    "owner": "team-a",
    "until": "2027-02-28",
}
TEMPLATE = (("spec", "template", "metadata"), ("spec", "template", "spec"))
LLM = {"spec": {"template": {"metadata": {"labels": {"app": "llm"}}}}}


def projection(name: str = "w", created: str = "2027-01-01T08:00:00Z", **spec: Any) -> Any:
    whole = {key: value for key, value in {**SPEC, **spec}.items() if value is not ...}
    metadata = {"name": name, "namespace": "inference", "creationTimestamp": created}
    return objects.project({"metadata": metadata, "spec": whole})


def counting(**spec: Any) -> WaiverObject:
    found = objects.read(projection(**spec), RULES)
    assert isinstance(found, WaiverObject), found
    return found


def judged(*found: Any) -> Evaluation:
    return evaluation(*found, templates=(TEMPLATE,))


def covered(waiver: WaiverObject, *owners: ObjectRef, **changes: Any) -> bool:
    one = finding(**changes)
    return objects.covers(waiver, one, objects.subject_of(LLM, judged(one), owners))


def test_the_last_day_counts_and_the_next_one_does_not() -> None:
    assert counting(until="2027-01-15").until == TODAY
    found = objects.read(projection(until="2027-01-14"), RULES)
    assert isinstance(found, NotCounting)
    assert (found.cause, found.message) == ("expired", "expired on 2027-01-14")


def test_a_lifetime_starts_at_the_creation() -> None:
    assert counting(until="2027-04-01")  # 90 days after
    found = objects.read(projection(until="2027-04-02"), RULES)
    assert isinstance(found, NotCounting)
    assert found.cause == "invalid"
    assert "is 91 days after it begins (2027-01-01)" in found.message


def test_a_file_has_no_creation_so_that_its_lifetime_starts_today() -> None:
    assert isinstance(objects.read(projection(created="", until="2027-04-15"), RULES), WaiverObject)
    assert isinstance(objects.read(projection(created="", until="2027-04-16"), RULES), NotCounting)


def test_a_waiver_counts_from_its_first_day_on() -> None:
    found = objects.read(projection(notBefore="2027-01-16"), RULES)
    assert isinstance(found, NotCounting)
    assert (found.cause, found.message) == ("pending", "counts from 2027-01-16 on")
    assert counting(notBefore="2027-01-15")


def test_what_has_expired_long_ago_is_called_expired_and_nothing_else() -> None:
    found = objects.read(projection(created="2026-01-01T00:00:00Z", until="2026-03-01"), RULES)
    assert isinstance(found, NotCounting)
    assert found.cause == "expired"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"invariant": "res-memory"}, "spec.invariant=res-memory names no invariant"),
        ({"invariant": "waiver-unused"}, "can't be waived itself"),
        ({"invariant": ...}, "spec.invariant is missing"),
        ({"until": ...}, "spec.until is missing; write it as YYYY-MM-DD"),
        ({"until": "soon"}, "spec.until is 'soon', which is no date"),
        ({"until": "2027-02-30"}, "which is no date"),
        ({"reason": "  "}, "spec.reason is missing"),
        ({"reason": "x" * 1025}, "spec.reason is longer than 1024"),
        ({"owner": ...}, "spec.owner is missing"),
        ({"workload": {}}, "spec.workload needs kind, selector, or both"),
        ({"workload": {"name": "llm"}}, "spec.workload"),
        ({"workload": {"selector": {}, "name": "llm"}}, "spec.workload.name needs"),
        ({"workload": {"kind": 7}}, "spec.workload.kind is no text"),
        ({"workload": {"selector": {"matchLabels": []}}}, "spec.workload.selector: "),
        ({"workload": ...}, "spec.workload needs"),
        ({"container": ""}, "spec.container"),
        ({"notBefore": "2027-02-01", "until": "2027-01-20"}, "before its beginning"),
    ],
)
def test_what_cant_be_meant_waives_nothing_and_says_why(spec: dict[str, Any], problem: str) -> None:
    found = objects.read(projection(**spec), RULES)
    assert isinstance(found, NotCounting)
    assert found.cause == "invalid"
    assert problem in found.message


@pytest.mark.parametrize(
    ("spec", "changes", "wanted"),
    [
        ({}, {}, True),
        ({"invariant": "KARB-TEST-001"}, {}, True),
        ({}, {"rule": GPU_PIN}, False),
        ({"workload": {"kind": "Deployment"}}, {}, True),
        ({"workload": {"kind": "Deployment", "name": "other"}}, {}, False),
        ({"workload": {"kind": "StatefulSet", "name": "llm"}}, {}, False),
        ({"container": "server"}, {}, True),
        ({"container": "sidecar"}, {}, False),
        ({"container": "server"}, {"container": None}, False),
        ({"workload": {"selector": {}}}, {}, True),
        ({"workload": {"selector": {"matchLabels": {"app": "llm"}}}}, {}, True),
        ({"workload": {"selector": {"matchLabels": {"app": "x"}}}}, {}, False),
        ({"workload": {"kind": "Job", "selector": {"matchLabels": {"app": "llm"}}}}, {}, False),
    ],
)
def test_what_it_covers(spec: dict[str, Any], changes: dict[str, Any], wanted: bool) -> None:
    assert covered(counting(**spec), **changes) is wanted


def test_a_waiver_of_the_owner_covers_what_the_owner_is_known_to_have_made() -> None:
    waiver = counting()
    pod = ObjectRef("v1", "Pod", "llm-1", "inference")
    one = finding(object=pod)
    alone = objects.subject_of({}, evaluation(one, object=pod))
    assert not objects.covers(waiver, one, alone)
    owned = objects.subject_of({}, evaluation(one, object=pod), [DEPLOYMENT])
    assert objects.covers(waiver, one, owned)


def test_of_several_templates_a_selector_covers_only_those_it_selects() -> None:
    head, worker = ("spec", "head", "spec"), ("spec", "worker", "spec")
    templates = ((("spec", "head", "metadata"), head), (("spec", "worker", "metadata"), worker))
    obj = {
        "spec": {
            "head": {"metadata": {"labels": {"role": "head"}}},
            "worker": {"metadata": {"labels": {"role": "worker"}}},
        }
    }
    at_head = finding(path=(*head, "containers", 0))
    at_worker = finding(path=(*worker, "containers", 0))
    outside = finding(path=("spec", "replicas"), container=None)
    judged = evaluation(at_head, at_worker, outside, templates=templates)
    subject = objects.subject_of(obj, judged)
    waiver = counting(workload={"selector": {"matchLabels": {"role": "head"}}})
    assert [objects.covers(waiver, f, subject) for f in judged.findings] == [True, False, False]
    both = counting(
        workload={"selector": {"matchExpressions": [{"key": "role", "operator": "Exists"}]}}
    )
    assert [objects.covers(both, f, subject) for f in judged.findings] == [True, True, True]


@given(
    kind=st.sampled_from([None, "Deployment", "Job"]),
    name=st.sampled_from([None, "llm", "other"]),
    selected=st.sampled_from([None, {"app": "llm"}, {"app": "x"}, {}]),
    container=st.sampled_from([None, "server", "sidecar"]),
    at=st.sampled_from([None, "server", "sidecar"]),
)
def test_everything_that_is_given_has_to_fit(
    kind: str | None,
    name: str | None,
    selected: dict[str, str] | None,
    container: str | None,
    at: str | None,
) -> None:
    workload: dict[str, Any] = {"kind": kind} if kind else {}
    workload |= {"name": name} if name else {}
    workload |= {"selector": {"matchLabels": selected}} if selected is not None else {}
    found = objects.read(projection(workload=workload, container=container or ...), RULES)
    if isinstance(found, NotCounting):
        assert not workload or ("name" in workload and "kind" not in workload)
        return
    fits = (
        kind in (None, "Deployment")
        and name in (None, "llm")
        and selected != {"app": "x"}
        and container in (None, at)
    )
    assert covered(found, container=at) is fits


def test_apply_sorts_by_objects_and_says_which_were_idle() -> None:
    reach = waivers.Reach(
        waivers.WaiverObjects(
            *objects.read_all(
                [
                    projection("a"),
                    projection("b", invariant="gpu-pin"),
                    projection("c", until="2027-01-02"),
                    projection("d", workload={"kind": "Job"}),
                ],
                RULES,
            )
        ),
        objects.subject_of(LLM, judged(finding())),
    )
    rules = waivers.WaiverRules(CATALOGUE, TODAY, self_waivable_only=True)
    outcome = waivers.apply(judged(finding()), (), rules, reach)
    assert not outcome.active
    assert [w.waiver.key for w in outcome.waived] == ["Waiver a"]
    assert outcome.waived[0].waiver.justification == (
        "the new image measures it (until 2027-02-28, team-a, Waiver a)"
    )
    assert outcome.idle == ("Waiver b: no finding of gpu-pin", "Waiver c: expired on 2027-01-02")
    nothing = waivers.apply(judged(), (), rules, reach)
    assert nothing.idle == ("Waiver a: no finding of res-mem", "Waiver b: no finding of gpu-pin")


def test_too_many_waivers_of_a_namespace_are_told() -> None:
    many = [projection(f"w{n:04}") for n in range(objects.MAX_PER_NAMESPACE + 2)]
    counted, others = objects.read_all(many, RULES)
    assert len(counted) == objects.MAX_PER_NAMESPACE
    assert [each.name for each in others] == ["w0500"]
