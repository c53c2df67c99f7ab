"""What is judged again after which change, and when."""

from __future__ import annotations

from typing import Any

import pytest

from audit.dirt import (
    LONGEST_SECONDS,
    MAX_NAMESPACES,
    QUIET_SECONDS,
    REST,
    Dirt,
    Scopes,
    essence,
    is_far_reaching,
    place_of,
)
from audit.plan import POD, plan_of
from karb_guard.assembly.policies import Choices, read_catalogue

Json = dict[str, Any]
NODE = ("", "Node")
HPA = ("autoscaling", "HorizontalPodAutoscaler")
NEVER = 10**6


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Dirt, Clock]:
    clock = Clock()
    return Dirt(clock), clock


def test_nothing_is_due_before_something_changed() -> None:
    dirt, clock = made()
    clock.now += NEVER
    assert dirt.due() is None


def test_it_waits_until_it_is_quiet() -> None:
    dirt, clock = made()
    dirt.mark("a")
    clock.now += QUIET_SECONDS - 0.1
    dirt.mark("b")
    assert dirt.due() == pytest.approx(QUIET_SECONDS)
    clock.now += QUIET_SECONDS
    assert dirt.due() == pytest.approx(0)
    assert dirt.take() == Scopes(namespaces=frozenset({"a", "b"}))
    assert dirt.due() is None


def test_it_does_not_wait_for_ever_where_it_is_never_quiet() -> None:
    dirt, clock = made()
    waited = 0.0
    while (due := dirt.due()) is None or due > 0:
        dirt.mark("a")
        clock.now += 0.1
        waited += 0.1
        assert waited < 2 * LONGEST_SECONDS
    assert waited == pytest.approx(LONGEST_SECONDS, abs=0.2)


def test_everything_rests_in_between_and_what_changed_itself_does_not() -> None:
    dirt, clock = made()
    dirt.rest(10)
    dirt.mark("a")
    dirt.mark_everything()
    clock.now += QUIET_SECONDS
    assert dirt.due() == pytest.approx(0)
    assert dirt.take() == Scopes(namespaces=frozenset({"a"}))
    assert dirt.due() == pytest.approx(10 * REST - QUIET_SECONDS)
    clock.now += 10 * REST
    assert dirt.take() == Scopes(everything=True)
    assert dirt.due() is None


def test_many_namespaces_are_everything() -> None:
    dirt, _ = made()
    dirt.mark(*(f"n{number}" for number in range(MAX_NAMESPACES)))
    dirt.mark("one-more")
    assert dirt.take().everything


def test_a_change_while_it_was_judged_is_not_lost() -> None:
    dirt, clock = made()
    dirt.mark("a")
    dirt.take()
    dirt.mark("a")
    clock.now += QUIET_SECONDS
    assert dirt.take() == Scopes(namespaces=frozenset({"a"}))


def obj(**more: Any) -> Json:
    return {"metadata": {"name": "x", "resourceVersion": "1", "labels": {"a": "b"}}, **more}


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (POD, obj(), {"metadata": {"name": "x", "resourceVersion": "2", "labels": {"a": "b"}}}),
        (POD, obj(status={"podIP": "1"}), obj(status={"podIP": "2"})),
        (NODE, obj(status={"images": [1]}), obj(status={"images": []})),
        (("apps", "Deployment"), obj(status={"replicas": 1}), obj(status={"replicas": 2})),
        (
            HPA,
            obj(status={"currentReplicas": 1, "conditions": [{"type": "A", "message": "1"}]}),
            obj(status={"currentReplicas": 2, "conditions": [{"type": "A", "message": "2"}]}),
        ),
    ],
)
def test_what_no_verdict_depends_on_is_no_change(
    kind: tuple[str, str], before: Json, after: Json
) -> None:
    assert essence(kind, before) == essence(kind, after)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (POD, obj(), {"metadata": {"name": "x", "labels": {"a": "c"}}}),
        (POD, obj(spec={"a": 1}), obj(spec={"a": 2})),
        (POD, obj(status={"phase": "Running"}), obj(status={"phase": "Failed"})),
        (NODE, obj(status={"capacity": {"g": "1"}}), obj(status={"capacity": {"g": "2"}})),
        (
            HPA,
            obj(status={"conditions": [{"type": "ScalingActive", "status": "True"}]}),
            obj(status={"conditions": [{"type": "ScalingActive", "status": "False"}]}),
        ),
        (("", "ConfigMap"), obj(data={"a": "1"}), obj(data={"a": "2"})),
    ],
)
def test_what_a_verdict_may_depend_on_is_a_change(
    kind: tuple[str, str], before: Json, after: Json
) -> None:
    assert essence(kind, before) != essence(kind, after)


def test_a_namespace_is_judged_with_what_is_in_it() -> None:
    assert place_of(("", "Namespace"), "", "shop") == "shop"
    assert place_of(POD, "shop", "web") == "shop"
    assert place_of(NODE, "", "n1") == ""


def test_what_is_read_everywhere_reaches_far() -> None:
    catalogue, _ = read_catalogue(Choices())
    plan = plan_of(tuple(catalogue))
    assert is_far_reaching(plan, NODE, namespaced=False)
    assert is_far_reaching(plan, ("", "Namespace"), namespaced=False)
    assert not is_far_reaching(plan, ("networking.k8s.io", "NetworkPolicy"), namespaced=True)
    assert not is_far_reaching(plan, ("apps", "Deployment"), namespaced=True)
