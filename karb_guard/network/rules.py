"""NetworkPolicies, read into what they allow.

What the API server refuses raises ``InvalidPolicyError``. Source: ``ValidateNetworkPolicySpec`` in
kubernetes/pkg/apis/networking/validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.network.addresses import Block
from karb_guard.network.endpoints import Endpoint
from karb_guard.network.selectors import (
    InvalidPolicyError,
    Selector,
    as_list,
    as_map,
    as_text,
    compile_selector,
)
from karb_guard.network.truth import Truth, all_of, any_of

DIRECTIONS: Mapping[str, tuple[str, str]] = {
    "Ingress": ("ingress", "from"),
    "Egress": ("egress", "to"),
}
"""policyType -> the field of its rules, and the field of a rule's peers."""
PROTOCOLS = frozenset({"TCP", "UDP", "SCTP"})
MAX_PORT = 65_535


class Ports(NamedTuple):
    """One entry of a rule's ``ports``: a range of numbers, or a name."""

    protocol: str
    first: int = 1
    last: int = MAX_PORT
    name: str | None = None

    def covers(self, protocol: str, port: int, endpoint: Endpoint) -> Truth:
        """Whether a connection to ``port`` of the side that listens is meant."""
        if protocol != self.protocol:
            return False
        if self.name is None:
            return self.first <= port <= self.last
        return endpoint.named_ports.get((protocol, self.name)) == port


class Peer(NamedTuple):
    """One entry of a rule's ``from`` or ``to``."""

    block: Block | None = None
    pods: Selector | None = None
    namespaces: Selector | None = None
    """``None`` beside ``pods``: the policy's own namespace."""

    def speaks_of(self, endpoint: Endpoint, own: str | None) -> Truth:
        """Whether ``endpoint`` is meant by a policy of namespace ``own``."""
        if self.block is not None:
            return _block_holds(self.block, endpoint)
        if endpoint.namespace is None:
            return False
        where: Truth = (
            endpoint.namespace == own
            if self.namespaces is None
            else self.namespaces.matches(endpoint.namespace_labels)
        )
        who: Truth = True if self.pods is None else self.pods.matches(endpoint.pod_labels)
        return all_of((where, who))


def _block_holds(block: Block, endpoint: Endpoint) -> Truth:
    if endpoint.address is not None:
        return block.contains(endpoint.address)
    return True if block.whole and block.cidr.version == 4 else None


class Rule(NamedTuple):
    """Peers and ports; none of either means all."""

    peers: tuple[Peer, ...]
    ports: tuple[Ports, ...]

    def allows(self, endpoint: Endpoint, protocol: str, port: int, own: str | None) -> Truth:
        """Whether the rule opens this connection."""
        meant = not self.ports or any_of(p.covers(protocol, port, endpoint) for p in self.ports)
        if meant is False or not self.peers:
            return meant
        return all_of((meant, any_of(peer.speaks_of(endpoint, own) for peer in self.peers)))


class Policy(NamedTuple):
    """A NetworkPolicy."""

    name: str
    selector: Selector
    rules: Mapping[str, tuple[Rule, ...]]
    """policyType -> rules. A type that is not here is none of the policy's."""
    boundary: str | None = None


def compile_policy(projected: Mapping[str, Any]) -> Policy:
    """A policy as the inventory projects it (defaults filled in); raises ``InvalidPolicyError``."""
    # Rules of a direction that policyTypes doesn't name have no effect, but they are validated.
    rules = {
        direction: tuple(
            compile_rule(as_map(rule), peers) for rule in as_list(projected.get(field))
        )
        for direction, (field, peers) in DIRECTIONS.items()
    }
    types = as_list(projected.get("policyTypes"))
    if len(types) > len(DIRECTIONS) or any(kind not in DIRECTIONS for kind in types):
        raise InvalidPolicyError("policyTypes are Ingress and Egress")
    boundary = projected.get("boundary")
    return Policy(
        as_text(projected.get("name", "")),
        compile_selector(projected.get("podSelector")),
        {direction: rules[direction] for direction in types},
        boundary if isinstance(boundary, str) else None,
    )


def compile_rule(rule: Mapping[str, Any], peers: str) -> Rule:
    """A rule whose peers stand in the field ``peers``; raises ``InvalidPolicyError``."""
    return Rule(
        tuple(compile_peer(as_map(peer)) for peer in as_list(rule.get(peers))),
        tuple(compile_ports(as_map(port)) for port in as_list(rule.get("ports"))),
    )


def compile_peer(peer: Mapping[str, Any]) -> Peer:
    """One peer; raises ``InvalidPolicyError``."""
    block, pods, namespaces = (
        peer.get(field) for field in ("ipBlock", "podSelector", "namespaceSelector")
    )
    if block is None:
        if pods is None and namespaces is None:
            raise InvalidPolicyError("a peer is needed")
        return Peer(None, _optional(pods), _optional(namespaces))
    if pods is not None or namespaces is not None:
        raise InvalidPolicyError("an ipBlock stands alone")
    return Peer(compile_block(as_map(block)))


def compile_block(block: Mapping[str, Any]) -> Block:
    """An ``ipBlock``; raises ``InvalidPolicyError``."""
    excepted = [as_text(text) for text in as_list(block.get("except"))]
    return Block(as_text(block.get("cidr")), excepted)


def _optional(selector: Any) -> Selector | None:
    return None if selector is None else compile_selector(selector)


def compile_ports(entry: Mapping[str, Any]) -> Ports:
    """One entry of ``ports``; raises ``InvalidPolicyError``."""
    protocol = as_text(entry.get("protocol") or "TCP")
    port, end = entry.get("port"), entry.get("endPort")
    if protocol not in PROTOCOLS:
        raise InvalidPolicyError(f"{protocol!r} is no protocol")
    if port is None and end is None:
        return Ports(protocol)
    if isinstance(port, str) and port and end is None:
        return Ports(protocol, name=port)
    first, last = _number(port), _number(port if end is None else end)
    if last < first:
        raise InvalidPolicyError("endPort is below port")
    return Ports(protocol, first, last)


def _number(port: Any) -> int:
    # YAML's 2.0 is JSON's 2.
    whole = int(port) if isinstance(port, float) and port.is_integer() else port
    if type(whole) is not int or not 1 <= whole <= MAX_PORT:
        raise InvalidPolicyError("a port is a number from 1 to 65535")
    return whole
