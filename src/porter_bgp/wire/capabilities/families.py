"""Which families are spoken, and over which next hops: Multiprotocol, Extended Next Hop."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import CapabilityCode, OpenSubcode
from porter_bgp.wire.prefix import AddressFamily

_FAMILY = struct.Struct("!HxB")
_NEXT_HOP = struct.Struct("!HHH")


@dataclass(frozen=True, slots=True)
class Multiprotocol:
    """The sender speaks this family; one instance a family (RFC 4760 §8)."""

    code: ClassVar[int] = CapabilityCode.MULTIPROTOCOL
    family: AddressFamily

    @classmethod
    def decode(cls, value: bytes) -> Multiprotocol:
        """Decode the value: AFI, a reserved octet, SAFI.

        Raises:
            OpenMessageError: It has not four octets. To ignore it would change which families
                the peer believes we share (RFC 4760 §8).
        """
        if len(value) != _FAMILY.size:
            raise OpenMessageError(OpenSubcode.UNSPECIFIC, f"Multiprotocol of {len(value)} octets")
        return cls(AddressFamily(*_FAMILY.unpack(value)))

    def encode(self) -> bytes:
        """Encode the capability's value."""
        return _FAMILY.pack(*self.family)


@dataclass(frozen=True, slots=True)
class ExtendedNextHop:
    """The sender takes next hops of another address family (RFC 8950 §4).

    Attributes:
        entries: The family of the NLRI, and the AFI its next hop may have.
    """

    code: ClassVar[int] = CapabilityCode.EXTENDED_NEXT_HOP
    entries: tuple[tuple[AddressFamily, int], ...]

    @classmethod
    def decode(cls, value: bytes) -> ExtendedNextHop:
        """Decode the value: AFI, SAFI in two octets, next hop AFI; repeated.

        Raises:
            ValueError: It is cut off.
        """
        if len(value) % _NEXT_HOP.size:
            raise ValueError(f"Extended Next Hop of {len(value)} octets")
        rows = _NEXT_HOP.iter_unpack(value)
        return cls(tuple((AddressFamily(afi, safi), next_hop) for afi, safi, next_hop in rows))

    def encode(self) -> bytes:
        """Encode the capability's value."""
        return b"".join(_NEXT_HOP.pack(*family, next_hop) for family, next_hop in self.entries)
