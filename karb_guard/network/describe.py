"""A NetworkPolicy as policies see it: ``input.networkPolicy`` of the input document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.network.addresses import Block
from karb_guard.network.rules import (
    DIRECTIONS,
    Ports,
    compile_peer,
    compile_ports,
)
from karb_guard.network.selectors import InvalidPolicyError

DNS_PORT = 53
DNS_NAMES = frozenset({"dns", "dns-tcp"})
"""The names of CoreDNS' container ports in the add-on's manifest."""
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})

_Map = dict[str, Any]


def describe_policy(view: Mapping[str, Any]) -> _Map:
    """The rules in effect, of a sanitized and defaulted NetworkPolicy, read once.

    ``allows`` holds one entry for each rule of a direction that ``policyTypes`` names, with the
    paths of its fields; a part that the API server refuses has an ``error``.
    """
    spec = view.get("spec") or {}
    types = spec.get("policyTypes") or []
    return {
        "policyTypes": sorted(set(types) & DIRECTIONS.keys()),
        "allows": [
            _allow(direction, index, rule)
            for direction in DIRECTIONS
            if direction in types
            for index, rule in enumerate(spec.get(DIRECTIONS[direction][0]) or ())
        ],
    }


def _allow(direction: str, index: int, rule: Mapping[str, Any]) -> _Map:
    field, peers = DIRECTIONS[direction]
    path = ["spec", field, index]
    ports = [_ports(entry) for entry in rule.get("ports") or ()]
    return {
        "direction": direction,
        "path": path,
        "peersPath": [*path, peers],
        "peers": [_peer(peer, [*path, peers, i]) for i, peer in enumerate(rule.get(peers) or ())],
        "ports": ports,
        "dns": direction == "Egress" and bool(ports) and all(_is_dns(entry) for entry in ports),
    }


def _peer(peer: Mapping[str, Any], path: list[Any]) -> _Map:
    try:
        block = compile_peer(peer).block
    except InvalidPolicyError as reason:
        return {"kind": "pods", "path": path, "error": str(reason)}
    if block is not None:
        return _block(block, [*path, "ipBlock"])
    return {"kind": "pods", "path": path, "error": None}


def _block(block: Block, path: list[Any]) -> _Map:
    cidr = str(block.cidr)
    return {
        "kind": "ipBlock",
        "path": path,
        "cidr": cidr,
        "family": block.cidr.version,
        "except": [str(part) for part in block.excepted if part.version == block.cidr.version],
        "everywhere": cidr in EVERYWHERE,
        "error": None,
    }


def _ports(entry: Mapping[str, Any]) -> _Map:
    try:
        ports = compile_ports(entry)
    except InvalidPolicyError as reason:
        return {"error": str(reason)}
    return _named(ports) if ports.name is not None else _numbered(ports)


def _named(ports: Ports) -> _Map:
    return {"protocol": ports.protocol, "name": ports.name, "error": None}


def _numbered(ports: Ports) -> _Map:
    return {
        "protocol": ports.protocol,
        "first": ports.first,
        "last": ports.last,
        "error": None,
    }


def _is_dns(entry: _Map) -> bool:
    if entry.get("protocol") not in ("TCP", "UDP"):
        return False
    if "name" in entry:
        return entry["name"] in DNS_NAMES
    return bool(entry["first"] == entry["last"] == DNS_PORT)
