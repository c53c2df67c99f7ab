"""CIDRs as the API server and its clients read them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from karb_guard.network.selectors import InvalidPolicyError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MAX_TEXT = 64
"""Characters of a CIDR; the longest that means something has 49."""
_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_cidr(text: str) -> Network:
    """The network that ``text`` lies in; raises ``InvalidPolicyError``.

    As ``net.ParseCIDR`` reads it: bits behind the prefix are ignored, the prefix is a number of
    bits, and an IPv4-mapped IPv6 network is the IPv4 network. Leading zeros of an octet are
    decimal, as in ``ParseCIDRSloppy`` of k8s.io/utils/net, which the API server uses for fields
    of this age.
    """
    if len(text) > MAX_TEXT:
        raise InvalidPolicyError(f"{text[:MAX_TEXT]!r} is not a CIDR")
    return _parsed(text)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Network:
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()):
        raise InvalidPolicyError(f"{text!r} is not a CIDR")
    if "%" in address:
        raise InvalidPolicyError(f"{text!r} names a zone")
    try:
        found = ip_network(f"{_decimal(address)}/{int(bits)}", strict=False)
    except ValueError as error:
        raise InvalidPolicyError(f"{text!r} is not a CIDR") from error
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
        low = int(found.network_address) & 0xFFFFFFFF
        return IPv4Network((low, found.prefixlen - 96))
    return found


def _decimal(address: str) -> str:
    if ":" in address:
        return address
    return ".".join(part.lstrip("0") or part[:1] for part in address.split("."))


class Block:
    """An ``ipBlock``: a network without the parts in ``except``, of its own rule only."""

    __slots__ = ("cidr", "excepted")

    def __init__(self, cidr: str, excepted: list[str]) -> None:
        self.cidr = parse_cidr(cidr)
        self.excepted = tuple(parse_cidr(text) for text in excepted)

    def contains(self, address: Address) -> bool:
        """Whether the rule speaks of ``address``."""
        return _in(address, self.cidr) and not any(_in(address, part) for part in self.excepted)

    @property
    def whole(self) -> bool:
        """Every address of its family."""
        return self.cidr.prefixlen == 0 and not self.excepted


def _in(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
