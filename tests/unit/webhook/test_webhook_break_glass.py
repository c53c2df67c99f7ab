"""Break-glass in the process: the switch, the review, the registration that waits for its end."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.cluster.errors import ClusterError
from karb_guard.decisions.admission import Decision
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.messages import MAX_WARNING_CHARACTERS, MAX_WARNINGS_TOTAL
from tests.support.webhook_rig import Rig, body, pod
from webhook.break_glass import Switch, admit, summary
from webhook.metrics import Metrics
from webhook.registration import (
    Registrar,
    bundle_only,
    is_switched_off,
    of_template,
    switched_off,
    switched_on,
)
from webhook.rules import RegistrationOptions, configuration

NOW = datetime.datetime(2027, 1, 15, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
STATE = BreakGlass("jane", "node pool is gone", NOW, NOW + HOUR)
ON = STATE.to_data()
TEMPLATE = configuration(RegistrationOptions("https://webhook.example.org:8443/validate"), b"")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        return self.now


def test_the_switch_follows_the_config_map_and_ends_by_itself() -> None:
    clock, metrics = Clock(), Metrics()
    switch = Switch(metrics, clock)

    def gauge() -> float | None:
        return metrics.registry.get_sample_value("karb_guard_break_glass")

    assert switch.active() is None
    assert gauge() == 0
    switch.replace(ON)
    assert switch.active() is not None
    assert gauge() == 1
    clock.now += HOUR
    assert switch.active() is None
    assert gauge() == 0


@pytest.mark.parametrize("data", [None, {}, {**ON, "until": "never"}], ids=str)
def test_what_cannot_be_read_is_off(data: dict[str, Any] | None) -> None:
    switch = Switch(Metrics(), Clock())
    switch.replace(ON)
    switch.replace(data)
    assert switch.active() is None


@pytest.mark.parametrize("spec", [{}, {"tooLarge": True}], ids=["finding", "not evaluated"])
def test_a_review_that_would_be_denied_is_admitted_and_counted(spec: dict[str, Any]) -> None:
    rig, switch = Rig(), Switch(Metrics(), Clock())
    rig.service._broken = switch.active
    obj = pod("server")
    obj["spec"].update(spec)

    def ask() -> dict[str, Any]:
        with TestClient(rig.app) as client:
            answer = client.post(
                "/validate", content=body(obj), headers={"content-type": "application/json"}
            )
        found: dict[str, Any] = answer.json()["response"]
        return found

    assert ask()["allowed"] is False
    switch.replace(ON)
    found = ask()
    assert found["allowed"] is True
    assert (
        "break-glass (until 2027-01-15T13:00:00Z, by jane): node pool is gone; admitted"
        in found["warnings"][0]
    )
    assert "break-glass" in found["auditAnnotations"]
    switch.replace(None)
    assert ask()["allowed"] is False
    counter = "karb_guard_break_glass_admissions_total"
    assert rig.metrics.registry.get_sample_value(counter) == 1


@pytest.mark.parametrize(
    ("invariants", "namespaces", "admitted"),
    [("res-mem", "", 1), ("KARB-TEST-001", "inf*", 1), ("gpu-pin", "", 0), ("res-mem", "x", 0)],
)
def test_break_glass_for_some_invariants_is_counted_once_where_it_decided(
    invariants: str, namespaces: str, admitted: int
) -> None:
    rig, switch = Rig(), Switch(Metrics(), Clock())
    rig.service._broken = switch.active
    switch.replace({**ON, "invariants": invariants, "namespaces": namespaces})

    def ask(obj: dict[str, Any]) -> dict[str, Any]:
        with TestClient(rig.app) as client:
            answer = client.post(
                "/validate", content=body(obj), headers={"content-type": "application/json"}
            )
        found: dict[str, Any] = answer.json()["response"]
        return found

    bad = ask(pod("server"))
    assert bad["allowed"] is bool(admitted)
    if admitted:
        assert "node pool is gone" in bad["auditAnnotations"]["break-glass"]
        assert "res-mem" in bad["warnings"][0]
    good = ask(pod("server", limit="1Gi"))
    assert good["allowed"] is True
    assert "break-glass" not in good["auditAnnotations"]
    counter = "karb_guard_break_glass_admissions_total"
    assert rig.metrics.registry.get_sample_value(counter) == admitted


def test_switching_off_keeps_everything_else_and_can_be_undone() -> None:
    off = switched_off(TEMPLATE)
    assert is_switched_off(off)
    assert not is_switched_off(TEMPLATE)
    for webhook in off["webhooks"]:
        assert webhook["matchConditions"][-1]["expression"] == "false"
    assert switched_off(off) == off
    assert switched_on(off) == TEMPLATE
    bare = {"webhooks": [{"name": "a"}]}
    assert switched_on(switched_off(bare))["webhooks"][0]["matchConditions"] == []


class Stored:
    """One configuration on an API server."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        self.document = document

    def get(self, _path: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.document)

    def create(self, _path: str, body: dict[str, Any]) -> None:
        self.document = copy.deepcopy(body)

    replace = create


@pytest.mark.parametrize("stored", [None, switched_off(TEMPLATE)], ids=["deleted", "switched off"])
def test_the_registration_is_left_alone_until_break_glass_ends(
    stored: dict[str, Any] | None,
) -> None:
    client, reason = Stored(stored), ["hard break-glass"]
    target = of_template(TEMPLATE)
    registrar = Registrar(client, [target], lambda: b"pem", Metrics())  # type: ignore[arg-type]
    registrar.hold(lambda: reason[0] if reason else None)
    assert registrar.ensure(target) == "held"
    assert client.document == stored
    reason.clear()
    assert registrar.ensure(target) in ("created", "repaired")
    assert client.document is not None
    assert not is_switched_off(client.document)
    assert registrar.ensure(target) == "unchanged"


def test_who_cannot_know_does_not_repair() -> None:
    def away() -> str | None:
        raise ClusterError("no answer")

    client, target = Stored(None), of_template(TEMPLATE)
    registrar = Registrar(client, [target], lambda: b"pem", Metrics())  # type: ignore[arg-type]
    registrar.hold(away)
    with pytest.raises(ClusterError):
        registrar.ensure(target)
    assert client.document is None


def test_a_chart_s_configuration_is_switched_on_again_after_the_end() -> None:
    found = bundle_only(switched_off(TEMPLATE), b"pem")
    assert found is not None
    assert not is_switched_off(found)


def test_a_denial_becomes_an_admission_that_says_so() -> None:
    denied = Decision(
        False,
        "Pod p: 1 finding\n  KARB-RES-002 res-mem: no limit\n",
        ("an older warning",),
        {"decision": "denied", "findings": "enforce: res-mem"},
    )
    found = admit(denied, STATE)
    assert found.allowed
    assert found.message == ""
    assert found.warnings == (
        f"{summary(STATE)}; admitted, would be denied",
        "Pod p: 1 finding",
        "KARB-RES-002 res-mem: no limit",
        "an older warning",
    )
    assert found.audit_annotations["decision"] == "allowed"
    assert found.audit_annotations["findings"] == "enforce: res-mem"
    assert "by jane" in found.audit_annotations["break-glass"]


def test_warnings_stay_in_bounds() -> None:
    state = BreakGlass("j" * 256, "r" * 500 + "\n\x1b[2J", NOW, NOW + HOUR)
    found = admit(Decision(False, "\n".join("m" * 900 for _ in range(100))), state)
    assert all(len(warning) <= MAX_WARNING_CHARACTERS for warning in found.warnings)
    assert sum(map(len, found.warnings)) <= MAX_WARNINGS_TOTAL
    assert all(warning.isprintable() for warning in found.warnings)


def test_an_admission_stays_as_it_is() -> None:
    allowed = Decision(True, warnings=("w",))
    assert admit(allowed, STATE) is allowed
