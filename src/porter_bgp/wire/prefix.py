"""Address families and prefixes: parse, print, order, contain (RFC 4760 §3, RFC 4271 §4.3).

    octets  field
    4       Path Identifier (RFC 7911 §3): in an `NlriKey` only, 0 where there is none
    1       Length of the prefix in bits
    0..16   Prefix: the octets that hold these bits, the bits behind them zero

Which families a session carries is for `porter_bgp.wire.codec` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import NamedTuple, TypeAlias

from porter_bgp.wire.iana import Afi, Safi

NlriKey: TypeAlias = bytes
"""Path identifier and NLRI as octets: what tables are keyed by."""

NO_PATH_ID = bytes(4)


class AddressFamily(NamedTuple):
    """An AFI and a SAFI, of which any two numbers make one."""

    afi: int
    safi: int

    def __str__(self) -> str:
        return _NAMES.get(self, f"{self.afi}/{self.safi}")

    @property
    def bits(self) -> int:
        """The length of its addresses in bits.

        Raises:
            ValueError: It is not one of the families whose NLRI are prefixes.
        """
        bits = _BITS.get(self)
        if bits is None:
            raise ValueError(f"address family {self} has no prefixes known here")
        return bits

    @classmethod
    def parse(cls, text: str) -> AddressFamily:
        """The inverse of `str`: `ipv4-unicast`, `ipv6-unicast`, or AFI/SAFI in numbers.

        Raises:
            ValueError: The text is neither.
        """
        for family, name in _NAMES.items():
            if text == name:
                return family
        afi, _, safi = text.partition("/")
        if afi.isdecimal() and safi.isdecimal() and int(afi) <= 0xFFFF and int(safi) <= 0xFF:
            return cls(int(afi), int(safi))
        names = ", ".join(_NAMES.values())
        raise ValueError(f"{text!r} is no address family; write one of {names}")


IPV4_UNICAST = AddressFamily(Afi.IPV4, Safi.UNICAST)
IPV6_UNICAST = AddressFamily(Afi.IPV6, Safi.UNICAST)
_BITS = {IPV4_UNICAST: 32, IPV6_UNICAST: 128}
_NAMES = {IPV4_UNICAST: "ipv4-unicast", IPV6_UNICAST: "ipv6-unicast"}


@dataclass(frozen=True, slots=True, order=True)
class Prefix:
    """One IPv4 or IPv6 prefix of one address family.

    Attributes:
        family: The address family.
        nlri: The length octet and the significant octets, host bits zero.

    Raises:
        ValueError: `nlri` is not the one spelling of a prefix of that family.
    """

    family: AddressFamily
    nlri: bytes

    def __post_init__(self) -> None:
        octets = self.nlri
        if not octets or octets[0] > self.family.bits or len(octets) != 1 + (octets[0] + 7) // 8:
            raise ValueError(f"{octets.hex()} does not spell a prefix of {self.family}")
        if octets[0] % 8 and octets[-1] & 0xFF >> octets[0] % 8:
            raise ValueError(f"{octets.hex()} has bits beyond its length")

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"

    @classmethod
    def parse(cls, text: str) -> Prefix:
        """A prefix written as people do; an address alone is its host route.

        Raises:
            ValueError: The text is no prefix, or has bits beyond its length.
        """
        return cls.of(ip_network(text))

    @classmethod
    def of(cls, value: IPv4Network | IPv6Network | IPv4Address | IPv6Address) -> Prefix:
        """The unicast prefix of a network, or the host route of an address."""
        family = IPV4_UNICAST if value.version == 4 else IPV6_UNICAST
        if isinstance(value, IPv4Address | IPv6Address):
            return cls(family, bytes((value.max_prefixlen,)) + value.packed)
        length = value.prefixlen
        octets = value.network_address.packed[: (length + 7) // 8]
        return cls(family, bytes((length,)) + octets)

    @property
    def length(self) -> int:
        """The number of significant bits."""
        return self.nlri[0]

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """The first address of the prefix."""
        if self.family.bits == 32:
            return IPv4Address(self.nlri[1:].ljust(4, b"\x00"))
        return IPv6Address(self.nlri[1:].ljust(16, b"\x00"))

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The same prefix as the standard library has it."""
        address = self.address
        if isinstance(address, IPv4Address):
            return IPv4Network((address, self.length))
        return IPv6Network((address, self.length))

    def contains(self, other: Prefix) -> bool:
        """Whether every address of `other` is one of this prefix."""
        if self.family != other.family or self.length > other.length:
            return False
        shift = self.family.bits - self.length
        return int(self.address) >> shift == int(other.address) >> shift


def nlri_key(prefix: Prefix, path_id: int = 0) -> NlriKey:
    """The key of a path in tables; without ADD-PATH its identifier is 0."""
    return path_id.to_bytes(4) + prefix.nlri


def split_key(family: AddressFamily, key: NlriKey) -> tuple[int, Prefix]:
    """Path identifier and prefix: the inverse of `nlri_key`."""
    return int.from_bytes(key[:4]), Prefix(family, key[4:])
