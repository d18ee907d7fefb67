"""Addresses as they are written in objects: one, a CIDR block, or `first-last`.

The spelling accepted is the intersection of what Kubernetes and Python accept: no zone, no
IPv4-mapped IPv6, no zero-padded octets, no netmask, no host bits.
"""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple

from porter_ctl.api.rules import Problem, TextCheck

_PREFIX_LENGTH = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z")

# Space that no VIP may lie in: "this" network, loopback, link local, multicast and reserved.
# IPv4-mapped IPv6 is refused by its spelling and by value.
SPECIAL_SPACE = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "::ffff:0:0/96",
        "fe80::/10",
        "ff00::/8",
    )
)
_WRITE_ADDRESS = "write an IPv4 or IPv6 address such as 192.0.2.10 or 2001:db8::10"
_WRITE_BLOCK = "write a CIDR block, first-last or one address"


class AddressError(ValueError):
    """A text is no address, block or range; carries the `Problem`."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.problem = Problem(message, remedy)


class AddressRange(NamedTuple):
    """All addresses from `first` to `last`, both of them in it, of one family."""

    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address

    @property
    def size(self) -> int:
        """How many addresses it holds, at least 1."""
        return int(self.last) - int(self.first) + 1

    def contains(self, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether the address is of this family and lies within."""
        return address.version == self.first.version and int(self.first) <= int(address) <= int(
            self.last
        )

    def overlaps(self, other: AddressRange) -> bool:
        """Tell whether the two have an address in common."""
        return (
            self.first.version == other.first.version
            and int(self.first) <= int(other.last)
            and int(other.first) <= int(self.last)
        )

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    @classmethod
    def of(cls, network: IPv4Network | IPv6Network) -> AddressRange:
        """Give the range that a network spans."""
        return cls(network.network_address, network.broadcast_address)


_SPECIAL_RANGES = tuple((network, AddressRange.of(network)) for network in SPECIAL_SPACE)


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """Read one address.

    Raises:
        AddressError: It is none, or carries a zone, or is an IPv4-mapped IPv6 address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise AddressError(f"{text!r} is not an IP address", _WRITE_ADDRESS) from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise AddressError(f"{text!r} carries a zone", "write the address without %zone")
        if address.ipv4_mapped is not None:
            raise AddressError(
                f"{text!r} is an IPv4 address mapped into IPv6", f"write {address.ipv4_mapped}"
            )
    return address


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Read one CIDR block.

    Raises:
        AddressError: It is none, or has bits set behind the prefix length.
    """
    head, slash, length = text.partition("/")
    address = parse_address(head)
    if not slash or not _PREFIX_LENGTH.match(length) or int(length) > address.max_prefixlen:
        raise AddressError(
            f"{text!r} is not a CIDR block",
            f"write a prefix length from 0 to {address.max_prefixlen} behind one slash",
        )
    network = ip_network((address, int(length)), strict=False)
    if network.network_address != address:
        raise AddressError(f"{text!r} has host bits set", f"write {network}")
    return network


def parse_block(text: str) -> AddressRange:
    """Read an element of a pool: CIDR, `first-last`, or one address.

    Raises:
        AddressError: It is none of the three, or ends before it begins.
    """
    if "/" in text:
        return AddressRange.of(parse_network(text))
    head, dash, tail = text.partition("-")
    if not dash:
        address = parse_address(text)
        return AddressRange(address, address)
    first, last = parse_address(head), parse_address(tail)
    if first.version != last.version:
        raise AddressError(f"{text!r} mixes IPv4 and IPv6", _WRITE_BLOCK)
    if int(last) < int(first):
        raise AddressError(f"{text!r} ends before it begins", f"write {last}-{first}")
    return AddressRange(first, last)


def special_space(block: AddressRange) -> IPv4Network | IPv6Network | None:
    """Give the special network that the block reaches into, if any."""
    for network, special in _SPECIAL_RANGES:
        if block.overlaps(special):
            return network
    return None


def vip_name(address: IPv4Address | IPv6Address) -> str:
    """Give the name of the VIP object that stands for this address.

    IPv4 as written; IPv6 in full, with `-` for `:`, so that each address has one name only.
    """
    return str(address) if address.version == 4 else address.exploded.replace(":", "-")


def explain_canonical(text: str) -> Problem | None:
    """Say what keeps a text from being the one spelling of an address a VIP may have."""
    try:
        address = parse_address(text)
    except AddressError as error:
        return error.problem
    if str(address) != text:
        return Problem(f"{text!r} is not the canonical spelling", f"write {address}")
    return _explain_special(text, AddressRange(address, address))


def explain_vip_block(text: str) -> Problem | None:
    """Say what keeps a text from being a block of a pool."""
    try:
        block = parse_block(text)
    except AddressError as error:
        return error.problem
    return _explain_special(text, block)


def explain_block(text: str) -> Problem | None:
    """Say what keeps a text from being a block of addresses, of whatever space."""
    try:
        parse_block(text)
    except AddressError as error:
        return error.problem
    return None


def explain_unicast(text: str) -> Problem | None:
    """Say what keeps a text from being the address of a host."""
    try:
        address = parse_address(text)
    except AddressError as error:
        return error.problem
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        return Problem(f"{text!r} is not the address of a host", "write a unicast address")
    return None


def explain_ipv4(text: str) -> Problem | None:
    """Say what keeps a text from being a unicast IPv4 address."""
    return explain_unicast(text) or _explain_version(text, 4)


def explain_ipv6(text: str) -> Problem | None:
    """Say what keeps a text from being a unicast IPv6 address."""
    return explain_unicast(text) or _explain_version(text, 6)


def _explain_version(text: str, version: int) -> Problem | None:
    if parse_address(text).version == version:
        return None
    return Problem(f"{text!r} is not an IPv{version} address", f"write an IPv{version} address")


def _explain_special(text: str, block: AddressRange) -> Problem | None:
    if block.size == 1 << block.first.max_prefixlen:
        return Problem(f"{text!r} is the default route", "write the block that is yours to give")
    network = special_space(block)
    if network is None:
        return None
    return Problem(
        f"{text!r} reaches into special space {network}",
        "write unicast addresses that are yours to give",
    )


_UNICAST_CEL = (
    "isIP(self) && (ip(self).isGlobalUnicast() || ip(self).isLoopback()"
    " || ip(self).isLinkLocalUnicast())"
)
HOST_ADDRESS = TextCheck(
    cel=_UNICAST_CEL,
    message="must be the unicast address of a host",
    explain=explain_unicast,
)
HOST_IPV4 = TextCheck(
    cel=f"{_UNICAST_CEL} && ip(self).family() == 4",
    message="must be a unicast IPv4 address",
    explain=explain_ipv4,
)
HOST_IPV6 = TextCheck(
    cel=f"{_UNICAST_CEL} && ip(self).family() == 6",
    message="must be a unicast IPv6 address",
    explain=explain_ipv6,
)
_ENDS = "self.split('-')"
_RANGE_CEL = (
    f"self.matches('^[^-]+-[^-]+$') && {_ENDS}.all(end, isIP(end))"
    f" && ip({_ENDS}[0]).family() == ip({_ENDS}[1]).family()"
)
_CIDR_CEL = "isCIDR(self) && cidr(self) == cidr(self).masked()"
VIP_ADDRESS = TextCheck(
    cel="isIP(self) && ip.isCanonical(self) && ip(self).isGlobalUnicast()",
    message="must be a unicast IP address in its canonical spelling",
    explain=explain_canonical,
    exact=False,
)
VIP_BLOCK = TextCheck(
    cel=(
        f"isIP(self) ? ip(self).isGlobalUnicast() : ({_CIDR_CEL} && cidr(self).prefixLength() > 0"
        f" && cidr(self).ip().isGlobalUnicast()) || ({_RANGE_CEL}"
        f" && {_ENDS}.all(end, ip(end).isGlobalUnicast()))"
    ),
    message=(
        "must be one address, a CIDR block without host bits, or first-last;"
        " of unicast space and not all of it"
    ),
    explain=explain_vip_block,
    exact=False,
)
EXCLUDE_BLOCK = TextCheck(
    cel=f"isIP(self) || ({_CIDR_CEL}) || ({_RANGE_CEL})",
    message="must be one address, a CIDR block without host bits, or first-last",
    explain=explain_block,
    exact=False,
)
