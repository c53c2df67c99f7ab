"""A NetworkPolicy as policies see it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.evaluation.prepare import prepare
from karb_guard.facts.settings import FactSettings
from karb_guard.network import addresses, describe_policy

KIND = "networking.k8s.io/NetworkPolicy"


def described(**spec: Any) -> dict[str, Any]:
    return describe_policy({"spec": {"podSelector": {}, **spec}})


def allow(**rule: Any) -> dict[str, Any]:
    (found,) = described(policyTypes=["Egress"], egress=[rule])["allows"]
    assert isinstance(found, dict)
    return found


def test_rules_of_a_type_that_is_not_named_have_no_effect() -> None:
    both: dict[str, Any] = {"ingress": [{}], "egress": [{}]}
    found = described(policyTypes=["Ingress"], **both)
    assert found["policyTypes"] == ["Ingress"]
    assert [each["path"] for each in found["allows"]] == [["spec", "ingress", 0]]
    assert len(described(policyTypes=["Egress", "Ingress"], **both)["allows"]) == 2


def test_a_block_is_given_as_it_is_read() -> None:
    block = {"cidr": "10.1.2.3/8", "except": ["10.9.0.1/16", "fd00::/8"]}
    (peer,) = allow(to=[{"ipBlock": block}])["peers"]
    assert peer == {
        "kind": "ipBlock",
        "path": ["spec", "egress", 0, "to", 0, "ipBlock"],
        "cidr": "10.0.0.0/8",
        "family": 4,
        "except": ["10.9.0.0/16"],
        "everywhere": False,
        "error": None,
    }


def test_each_network_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    real = addresses.parse_cidr
    monkeypatch.setattr(addresses, "parse_cidr", lambda text: texts.append(text) or real(text))
    block = {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16", "10.8.0.0/16"]}
    allow(to=[{"ipBlock": block}])
    assert texts == ["10.0.0.0/8", "10.9.0.0/16", "10.8.0.0/16"]


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "8.8.8.8/0", "::/0", "::ffff:0:0/96"])
def test_every_address_however_it_is_written(cidr: str) -> None:
    (peer,) = allow(to=[{"ipBlock": {"cidr": cidr}}])["peers"]
    assert peer["everywhere"] is True


def test_what_the_api_server_refuses_has_a_reason() -> None:
    first, second = allow(to=[{"ipBlock": {"cidr": "10.0.0.0"}}, {}])["peers"]
    assert "'10.0.0.0' is not a CIDR" in first["error"]
    assert second["error"] == "a peer is needed"
    (port,) = allow(ports=[{"port": 0}])["ports"]
    assert "1 to 65535" in port["error"]


def test_ports_are_ranges_or_names() -> None:
    found = allow(ports=[{}, {"port": 80}, {"port": 80, "endPort": 90}, {"port": "http"}])
    assert [(p.get("first"), p.get("last"), p.get("name")) for p in found["ports"]] == [
        (1, 65_535, None),
        (80, 80, None),
        (80, 90, None),
        (None, None, "http"),
    ]


@pytest.mark.parametrize(
    ("ports", "dns"),
    [
        ([{"protocol": "UDP", "port": 53}], True),
        ([{"protocol": "UDP", "port": 53}, {"port": 53}], True),
        ([{"protocol": "UDP", "port": "dns"}, {"port": "dns-tcp"}], True),
        ([{"protocol": "UDP", "port": 53}, {"port": 443}], False),
        ([{"port": 53, "endPort": 54}], False),
        ([{"protocol": "SCTP", "port": 53}], False),
        ([{"port": 0}], False),
        ([], False),
    ],
)
def test_a_rule_is_for_dns_when_all_its_ports_are(ports: list[dict[str, Any]], dns: bool) -> None:
    assert allow(ports=ports)["dns"] is dns


def test_ingress_on_port_53_is_no_allow_for_dns() -> None:
    rule = {"ports": [{"protocol": "UDP", "port": 53}]}
    (found,) = described(policyTypes=["Ingress"], ingress=[rule])["allows"]
    assert found["dns"] is False


FIELDS = ("to", "from", "ports", "port", "endPort", "ipBlock", "cidr", "except")
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70_000) | st.text(max_size=4) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from((*FIELDS, "podSelector", "matchLabels", "protocol")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["egress", "ingress", "policyTypes"]), junk))
def test_a_policy_of_any_shape_is_described(spec: dict[str, Any]) -> None:
    obj = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": spec}
    prepared = prepare(obj, FactSettings(), None, [KIND])
    for each in prepared.document["networkPolicy"]["allows"]:
        assert each["direction"] in ("Ingress", "Egress")
