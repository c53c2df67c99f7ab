"""NetworkPolicies: what the API server refuses, indexes, and answers about partial knowledge."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import pytest

from karb_guard.network import InvalidPolicyError, Labels, Policies, compile_policy, isolation_of
from karb_guard.network.addresses import Block, parse_cidr
from karb_guard.network.endpoints import dns_servers
from karb_guard.network.selectors import Selector, compile_selector
from karb_guard.network.truth import Truth, all_of, any_of, negated

DENY = {"name": "deny", "podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
BOTH = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def egress(*peers: dict[str, Any], ports: Any = (), name: str = "allow") -> dict[str, Any]:
    rule = {"to": list(peers), "ports": list(ports)}
    return {"name": name, "podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]}


def answer(*policies: dict[str, Any], known: Any = None, **pod: Any) -> dict[str, Any]:
    servers = dns_servers((known or {}).get)
    return isolation_of(Policies(policies, "ai", servers), {"app": "llm"}, **pod)


class TestTruth:
    @pytest.mark.parametrize(
        ("values", "every", "some"),
        [
            ((), True, False),
            ((True, True), True, True),
            ((True, False), False, True),
            ((True, None), None, True),
            ((False, None), False, None),
            ((None, None), None, None),
        ],
    )
    def test_kleene_s_tables(self, values: tuple[Truth, ...], every: Truth, some: Truth) -> None:
        assert all_of(values) is every
        assert any_of(values) is some

    def test_unknown_negated_is_unknown(self) -> None:
        assert [negated(each) for each in (True, False, None)] == [False, True, None]


class TestCidrs:
    @pytest.mark.parametrize(
        ("text", "network"),
        [
            ("10.1.2.3/8", IPv4Network("10.0.0.0/8")),
            ("010.001.000.000/16", IPv4Network("10.1.0.0/16")),
            ("10.0.0.0/08", IPv4Network("10.0.0.0/8")),
            ("0.0.0.0/0", IPv4Network("0.0.0.0/0")),
            ("fd00:ec2::254/64", IPv6Network("fd00:ec2::/64")),
            ("::ffff:10.1.0.0/112", IPv4Network("10.1.0.0/16")),
        ],
    )
    def test_reads_what_the_api_server_reads(self, text: str, network: Any) -> None:
        assert parse_cidr(text) == network

    @pytest.mark.parametrize(
        "text",
        [
            *("", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/255.0.0.0"),
            *("x/8", "fe80::1%eth0/64", "10.0.0.0/8/8", "::/129", "256.0.0.0/8", "..../8"),
            *("1" * 65 + "/8", "10.0.0.0/\u0668"),
        ],
    )
    def test_refuses_what_is_none(self, text: str) -> None:
        with pytest.raises(InvalidPolicyError):
            parse_cidr(text)

    def test_except_cuts_out_of_its_own_block(self) -> None:
        block = Block("0.0.0.0/0", ["169.254.0.0/16"])
        assert block.contains(ip_address("8.8.8.8"))
        assert not block.contains(ip_address("169.254.169.254"))
        assert not block.contains(ip_address("2001:db8::1"))


class TestRefusedPolicies:
    @pytest.mark.parametrize(
        "change",
        [
            {"policyTypes": ["Inbound"]},
            {"policyTypes": ["Ingress", "Egress", "Ingress"]},
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Equals"}]}},
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            {
                "podSelector": {
                    "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                }
            },
            {"podSelector": {"matchExpressions": [{"operator": "Exists"}]}},
            {"podSelector": {"matchLabels": {"a": 5}}},
            {"podSelector": {"matchLabels": ["a"]}},
            {"podSelector": "all"},
            {"egress": [{"to": [{}]}]},
            {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
            {"egress": [{"to": [{"ipBlock": {}}]}]},
            {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["x"]}}]}]},
            {"egress": [{"ports": [{"protocol": "ICMP"}]}]},
            {"egress": [{"ports": [{"port": 0}]}]},
            {"egress": [{"ports": [{"port": 65_536}]}]},
            {"egress": [{"ports": [{"port": 80, "endPort": 79}]}]},
            {"egress": [{"ports": [{"port": "http", "endPort": 80}]}]},
            {"egress": [{"ports": [{"endPort": 80}]}]},
            {"egress": [{"ports": [{"port": True}]}]},
            {"ingress": [{"from": [{"ipBlock": {"cidr": "x"}}]}], "policyTypes": ["Egress"]},
        ],
    )
    def test_a_policy_that_the_api_server_refuses_protects_nothing(
        self, change: dict[str, Any]
    ) -> None:
        policy = {**DENY, **change}
        with pytest.raises(InvalidPolicyError):
            compile_policy(policy)
        assert answer(policy)["egress"]["isolated"] is False

    def test_the_policy_itself_is_fine(self) -> None:
        assert answer(DENY)["egress"] == {"isolated": True, "denied": True, "policies": ["deny"]}


class TestDns:
    def test_is_open_where_nothing_isolates(self) -> None:
        assert answer()["dns"] is True

    def test_needs_udp_and_tcp(self) -> None:
        node_local = {"ipBlock": {"cidr": "169.254.20.10/32"}}
        assert answer(DENY, egress(node_local, ports=BOTH))["dns"] is True
        assert answer(DENY, egress(node_local, ports=BOTH[:1]))["dns"] is False
        two = (egress(node_local, ports=BOTH[:1]), egress(node_local, ports=BOTH[1:]))
        assert answer(DENY, *two)["dns"] is True

    def test_addresses_of_other_servers_leave_it_unknown(self) -> None:
        elsewhere = {"ipBlock": {"cidr": "10.96.0.10/32"}}
        assert answer(DENY, egress(elsewhere, ports=BOTH))["dns"] is None
        assert answer(DENY, egress(elsewhere, ports=[{"port": 443}]))["dns"] is False

    def test_labels_of_the_namespace_count_once_its_object_is_known(self) -> None:
        peer = {"namespaceSelector": {"matchLabels": {"name": "kube-system"}}}
        allow = egress(peer, ports=BOTH)
        assert answer(DENY, allow)["dns"] is None
        assert answer(DENY, allow, known={"kube-system": {"name": "kube-system"}})["dns"] is True
        assert answer(DENY, allow, known={"kube-system": {}})["dns"] is False

    def test_further_labels_of_dns_pods_are_not_known(self) -> None:
        def dns(pod: dict[str, str]) -> Any:
            peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": pod}}
            return answer(DENY, egress(peer, ports=BOTH))["dns"]

        assert dns({"k8s-app": "kube-dns"}) is True
        assert dns({"app.kubernetes.io/name": "coredns"}) is None
        assert dns({"k8s-app": "other"}) is False

    def test_openshift_s_dns_listens_on_another_port(self) -> None:
        labels = {"kubernetes.io/metadata.name": "openshift-dns"}
        peer = {"namespaceSelector": {"matchLabels": labels}}
        high = [{"protocol": each, "port": 5353} for each in ("UDP", "TCP")]
        assert answer(DENY, egress(peer, ports=high))["dns"] is True
        assert answer(DENY, egress(peer, ports=BOTH))["dns"] is False


class TestIsolation:
    def test_pods_on_the_network_of_their_host_are_beyond_policies(self) -> None:
        found = answer(DENY, host_network=True)
        assert found["hostNetwork"] is True
        assert found["ingress"]["isolated"] is found["egress"]["isolated"] is False

    def test_labels_of_controllers_are_no_reason_to_deny_a_match(self) -> None:
        selector = {"matchExpressions": [{"key": "job-name", "operator": "Exists"}]}
        assert answer({**DENY, "podSelector": selector})["ingress"]["isolated"] is None
        plain = {"matchLabels": {"job-name": "train"}}
        assert answer({**DENY, "podSelector": plain})["ingress"]["isolated"] is None

    def test_an_operator_may_add_any_label(self) -> None:
        selected = {**DENY, "podSelector": {"matchLabels": {"component": "predictor"}}}
        assert answer(selected)["ingress"]["isolated"] is False
        assert answer(selected, complete=False)["ingress"]["isolated"] is None
        assert answer(DENY, complete=False)["ingress"]["isolated"] is True

    def test_allows_name_their_boundary(self) -> None:
        named = {**egress(name="named"), "boundary": "L4-to-external"}
        assert answer(DENY, named, egress(name="unnamed"))["allows"] == [
            {"policy": "named", "direction": "Egress", "boundary": "L4-to-external"},
            {"policy": "unnamed", "direction": "Egress", "boundary": None},
        ]

    def test_except_of_one_policy_does_not_limit_another(self) -> None:
        careful = egress({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}})
        assert answer(DENY, careful)["metadata"] is False
        assert answer(careful, egress({"ipBlock": {"cidr": "169.254.169.254/32"}}))["metadata"]


def test_looking_up_a_pod_does_not_visit_the_policies_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = (
        {**DENY, "name": f"p{i}", "podSelector": {"matchLabels": {"app": f"a{i}"}}}
        for i in range(1_000)
    )
    policies = Policies([*others, DENY], "ai")
    visited: list[Selector] = []
    real = Selector.matches

    def counted(selector: Selector, labels: Labels) -> Truth:
        visited.append(selector)
        return real(selector, labels)

    monkeypatch.setattr(Selector, "matches", counted)
    found = policies.selecting(Labels({"app": "a7", "tier": "x"}))
    assert [policy.name for policy, _ in found] == ["deny", "p7"]
    assert len(visited) == 2


def test_a_selector_of_one_value_is_indexed_whichever_way_it_is_written() -> None:
    expression = {"key": "app", "operator": "In", "values": ["llm"]}
    assert compile_selector({"matchExpressions": [expression]}).pair == ("app", "llm")
    assert compile_selector({"matchLabels": {"app": "llm"}}).pair == ("app", "llm")
    several = {**expression, "values": ["llm", "router"]}
    assert compile_selector({"matchExpressions": [several]}).pair is None
    assert compile_selector({}).pair is None
