"""What counts as somebody else's change of the registration."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from webhook.metrics import Metrics
from webhook.registration import INJECT_ANNOTATION, Registrar, Target, covers, whole
from webhook.rules import RegistrationOptions, configuration, encoded

BUNDLE = b"-----BEGIN CERTIFICATE-----\n"
NEVER = {"matchLabels": {"never": "there"}}
TEMPLATE = configuration(RegistrationOptions("https://webhook.example.org:8443/validate"), b"")


def stored() -> dict[str, Any]:
    """As an API server has it: with metadata of its own."""
    document = copy.deepcopy(whole(TEMPLATE)(None, BUNDLE))
    assert document is not None
    document["metadata"] |= {"resourceVersion": "7", "uid": "1", "generation": 2}
    return document


def test_what_the_api_server_adds_to_the_metadata_is_no_change() -> None:
    found = stored()
    assert covers(found, whole(TEMPLATE)(found, BUNDLE))


@pytest.mark.parametrize(
    "change",
    [
        {"objectSelector": NEVER},
        {"namespaceSelector": {**TEMPLATE["webhooks"][0]["namespaceSelector"], **NEVER}},
        {"namespaceSelector": {}},
        {"rules": []},
        {"matchConditions": [*TEMPLATE["webhooks"][0]["matchConditions"], {"name": "no"}]},
        {"failurePolicy": "Fail"},
    ],
    ids=str,
)
def test_whatever_keeps_requests_away_is_a_change(change: dict[str, Any]) -> None:
    found = stored()
    found["webhooks"][0] |= change
    assert not covers(found, whole(TEMPLATE)(found, BUNDLE))


@pytest.mark.parametrize("selector", ["objectSelector", "namespaceSelector"])
def test_a_selector_that_the_template_leaves_out_selects_all(selector: str) -> None:
    template = copy.deepcopy(TEMPLATE)
    del template["webhooks"][0][selector]
    found = stored()
    found["webhooks"][0][selector] = {}
    assert covers(found, whole(template)(found, BUNDLE))
    found["webhooks"][0][selector] = NEVER
    assert not covers(found, whole(template)(found, BUNDLE))


def test_a_bundle_that_cert_manager_injects_is_left_to_it() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["metadata"]["annotations"] = {INJECT_ANNOTATION: "karb-guard/karb-guard"}
    made = whole(template)(None, BUNDLE)
    assert made is not None
    assert {w["clientConfig"]["caBundle"] for w in made["webhooks"]} == {encoded(BUNDLE)}
    injected = copy.deepcopy(made)
    for webhook in injected["webhooks"]:
        webhook["clientConfig"]["caBundle"] = "aW5qZWN0ZWQ="
    assert covers(injected, whole(template)(injected, BUNDLE))
    del injected["webhooks"][0]["clientConfig"]["caBundle"]
    assert not covers(injected, whole(template)(injected, BUNDLE))


def test_each_change_of_a_configuration_wakes_the_registrar() -> None:
    """Seen: its copy kept nothing, and changes that leave a copy as it is are dropped."""
    target = Target("ValidatingWebhookConfiguration", "karb-guard", whole(TEMPLATE))
    registrar = Registrar(None, [target], lambda: BUNDLE, Metrics())  # type: ignore[arg-type]
    (watch,) = registrar._watches
    for version in ("1", "2", "3"):
        found = stored()
        found["metadata"]["resourceVersion"] = version
        registrar._wake.clear()
        watch._take("MODIFIED", found)
        assert registrar._wake.is_set(), version
