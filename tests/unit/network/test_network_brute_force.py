"""NetworkPolicy reasoning against a model that looks at each concrete connection by itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from karb_guard.network import Endpoint, Labels, Policies, isolation_of
from karb_guard.network.endpoints import NODE_LOCAL_DNS, dns_servers
from karb_guard.network.policies import Stance

OWN = "ai"
NAMESPACES = {
    OWN: {"kubernetes.io/metadata.name": OWN, "team": "ml"},
    "kube-system": {"kubernetes.io/metadata.name": "kube-system"},
    "openshift-dns": {"kubernetes.io/metadata.name": "openshift-dns"},
    "web": {"kubernetes.io/metadata.name": "web", "team": "web"},
}
DIRECTIONS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
PORTS = (53, 80, 443, 5353, 8000)
PROTOCOLS = ("TCP", "UDP")
CONNECTIONS = tuple(itertools.product(PROTOCOLS, PORTS))


class Far(NamedTuple):
    """A concrete far end: every address, label and port name is known."""

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = {}
    names: Mapping[tuple[str, str], int] = {}

    def endpoint(self) -> Endpoint:
        where = NAMESPACES[self.namespace] if self.namespace else {}
        return Endpoint(
            ip_address(self.address),
            self.namespace,
            Labels(where),
            Labels(self.labels),
            self.names,
        )


FARS = (
    Far("169.254.169.254"),
    Far("fd00:ec2::254"),
    Far("169.254.20.10"),
    Far("8.8.8.8"),
    Far("2001:db8::1"),
    Far("10.1.0.1", OWN, {"app": "a"}, {("TCP", "http"): 8000}),
    Far("10.1.0.2", OWN, {"app": "b", "tier": "x"}),
    Far("10.2.0.1", "web", {"app": "a"}, {("TCP", "http"): 80, ("UDP", "dns"): 53}),
    Far("10.3.0.1", "kube-system", {"k8s-app": "kube-dns"}, {("UDP", "dns"): 53}),
)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions", []):
        key, values = each["key"], each.get("values", [])
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[each["operator"]]
        if not holds:
            return False
    return True


def peer_means(peer: Mapping[str, Any], far: Far) -> bool:
    if "ipBlock" in peer:
        address = ip_address(far.address)
        inside = address in ip_network(peer["ipBlock"]["cidr"])
        return inside and not any(
            address in ip_network(part) for part in peer["ipBlock"].get("except", [])
        )
    if far.namespace is None:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], NAMESPACES[far.namespace]):
            return False
    elif far.namespace != OWN:
        return False
    return selects(peer.get("podSelector", {}), far.labels)


def port_means(entry: Mapping[str, Any], far: Far, protocol: str, port: int) -> bool:
    if entry["protocol"] != protocol:
        return False
    number = entry.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return far.names.get((protocol, number)) == port
    return bool(number <= port <= entry.get("endPort", number))


def is_open(
    policies: list[dict[str, Any]],
    labels: Mapping[str, str],
    direction: str,
    far: Far,
    connection: tuple[str, int],
) -> bool:
    """What the API's documentation says of one connection, word by word."""
    isolating = [
        p for p in policies if direction in p["policyTypes"] and selects(p["podSelector"], labels)
    ]
    if not isolating:
        return True
    rules, peers = DIRECTIONS[direction]
    protocol, port = connection
    for policy in isolating:
        for rule in policy[rules]:
            to = rule.get(peers, [])
            ports = rule.get("ports", [])
            if (not to or any(peer_means(peer, far) for peer in to)) and (
                not ports or any(port_means(entry, far, protocol, port) for entry in ports)
            ):
                return True
    return False


KEYS = st.sampled_from(["app", "tier", "k8s-app", "team", "kubernetes.io/metadata.name"])
VALUES = st.sampled_from(["a", "b", "x", "ml", "web", "kube-dns", "kube-system", OWN])
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(VALUES, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": st.dictionaries(KEYS, VALUES, max_size=1),
        "matchExpressions": st.lists(EXPRESSIONS, max_size=1),
    },
)
BLOCKS = st.one_of(
    st.fixed_dictionaries(
        {
            "cidr": st.sampled_from(["0.0.0.0/0", "169.254.0.0/16", "10.0.0.0/8", "10.2.0.0/16"]),
            "except": st.lists(
                st.sampled_from(["169.254.169.254/32", "169.254.0.0/16", "10.3.0.0/16"]), max_size=2
            ),
        }
    ),
    st.fixed_dictionaries({"cidr": st.sampled_from(["::/0", "fd00:ec2::/32", "2001:db8::/32"])}),
)
PEERS = st.one_of(
    st.fixed_dictionaries({"ipBlock": BLOCKS}),
    st.fixed_dictionaries({"podSelector": SELECTORS}),
    st.fixed_dictionaries({"namespaceSelector": SELECTORS}),
    st.fixed_dictionaries({"namespaceSelector": SELECTORS, "podSelector": SELECTORS}),
    st.just(
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ),
)
ENTRIES = st.fixed_dictionaries(
    {"protocol": st.sampled_from(PROTOCOLS)},
    optional={"port": st.sampled_from([*PORTS, "http", "dns", "dns-tcp"])},
) | st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(PROTOCOLS),
        "port": st.sampled_from([1, 53, 80]),
        "endPort": st.sampled_from([80, 443, 65_535]),
    }
)


def rules(peers: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    rule = st.fixed_dictionaries(
        {},
        optional={
            peers: st.lists(PEERS, min_size=1, max_size=2),
            "ports": st.lists(ENTRIES, min_size=1, max_size=3),
        },
    )
    return st.lists(rule, max_size=2)


POLICIES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["p", "q", "r"]),
            "podSelector": SELECTORS,
            "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
            "ingress": rules("from"),
            "egress": rules("to"),
        }
    ),
    max_size=4,
)
POD_LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), VALUES, max_size=2)


def stances(policies: list[dict[str, Any]], labels: Labels) -> Iterator[tuple[str, Stance]]:
    read = Policies(policies, OWN)
    for direction in DIRECTIONS:
        yield direction, read.stance(labels, direction)


@given(POLICIES, POD_LABELS)
@settings(max_examples=300, deadline=None)
def test_each_connection_is_open_exactly_when_the_model_says_so(
    policies: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    for direction, stance in stances(policies, Labels(labels)):
        for far, (protocol, port) in itertools.product(FARS, CONNECTIONS):
            expected = is_open(policies, labels, direction, far, (protocol, port))
            found = stance.allows(far.endpoint(), protocol, port)
            assert found is expected, (direction, far, protocol, port)


@given(POLICIES, POD_LABELS)
@settings(max_examples=300, deadline=None)
def test_isolation_is_what_the_union_of_policies_says(
    policies: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    answer = isolation_of(Policies(policies, OWN, dns_servers(NAMESPACES.get)), labels)
    for direction, (field, _) in DIRECTIONS.items():
        isolating = [
            p
            for p in policies
            if direction in p["policyTypes"] and selects(p["podSelector"], labels)
        ]
        found = answer[direction.lower()]
        assert found["isolated"] is bool(isolating)
        assert found["denied"] is (bool(isolating) and not any(p[field] for p in isolating))
        assert found["policies"] == sorted(p["name"] for p in isolating)
    reached = (
        is_open(policies, labels, "Egress", Far(address), ("TCP", port))
        for address in ("169.254.169.254", "fd00:ec2::254")
        for port in (80, 443)
    )
    assert answer["metadata"] is any(reached)


DNS_ADDRESSES = ("10.3.0.1", "10.9.9.9", "172.20.0.10")
MORE_LABELS: tuple[dict[str, str], ...] = ({}, {"app": "a"}, {"app": "b", "tier": "x"})


@given(POLICIES, POD_LABELS)
@settings(max_examples=300, deadline=None)
def test_a_definite_answer_about_dns_holds_wherever_the_dns_pods_run(
    policies: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    answer = isolation_of(Policies(policies, OWN, dns_servers(NAMESPACES.get)), labels)["dns"]
    if answer is None:
        return
    for address, more in itertools.product(DNS_ADDRESSES, MORE_LABELS):
        core = Far(
            address,
            "kube-system",
            {**more, "k8s-app": "kube-dns"},
            {("UDP", "dns"): 53, ("TCP", "dns-tcp"): 53},
        )
        openshift = Far(
            address,
            "openshift-dns",
            {**more, "dns.operator.openshift.io/daemonset-dns": "default"},
            {("UDP", "dns"): 5353, ("TCP", "dns-tcp"): 5353},
        )
        servers = ((core, 53), (openshift, 5353), (Far(str(NODE_LOCAL_DNS)), 53))
        reached = any(
            all(is_open(policies, labels, "Egress", far, (each, port)) for each in PROTOCOLS)
            for far, port in servers
        )
        assert reached is answer


@given(POLICIES, POD_LABELS, st.sampled_from(["open", "incomplete"]))
@settings(max_examples=300, deadline=None)
def test_a_definite_answer_holds_for_every_label_that_is_not_visible(
    policies: list[dict[str, Any]], labels: dict[str, str], how: str
) -> None:
    hidden = "k8s-app"
    partial = (
        Labels(labels, complete=True, open=frozenset({hidden}))
        if how == "open"
        else Labels(labels, complete=False)
    )
    completions = [labels, {**labels, hidden: "kube-dns"}, {**labels, hidden: "a"}]
    for direction, stance in stances(policies, partial):
        for far, (protocol, port) in itertools.product(FARS[::2], CONNECTIONS[::2]):
            found = stance.allows(far.endpoint(), protocol, port)
            if found is not None:
                for each in completions:
                    assert is_open(policies, each, direction, far, (protocol, port)) is found
        exact = [dict(stances(policies, Labels(each)))[direction] for each in completions]
        for name in ("isolated", "denied"):
            found = getattr(stance, name)
            assert found is None or all(getattr(each, name) is found for each in exact)
