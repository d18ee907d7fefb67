"""MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 §3 and §4, RFC 2545 §3, RFC 8950 §3).

    octets  field of MP_REACH_NLRI      octets  field of MP_UNREACH_NLRI
    2 + 1   AFI and SAFI                2 + 1   AFI and SAFI
    1       Length of the next hop      ...     withdrawn NLRI
    4|16|32 Next hop
    1       Reserved
    ...     NLRI

A family that was not negotiated is not read beyond its name (RFC 4760 §6 lets us ignore it). The
room for error is small: what cannot be read cannot be withdrawn either (RFC 7606 §5.3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from porter_bgp.wire.cursor import Reader
from porter_bgp.wire.errors import MalformedAttributeError
from porter_bgp.wire.iana import Afi, AttributeFlag, AttributeType, UpdateSubcode
from porter_bgp.wire.nlri import NlriError, NlriField
from porter_bgp.wire.prefix import AddressFamily

if TYPE_CHECKING:
    from porter_bgp.wire.codec import Codec

_FAMILY = struct.Struct("!HB")
_SHORTEST_REACH = 5  # RFC 7606 §5.3


@dataclass(frozen=True, slots=True, kw_only=True)
class MpReach:
    """Routes of one family, and the next hop they share.

    Attributes:
        next_hop: IPv6 for IPv4 routes only where RFC 8950 was negotiated.
        link_local: The second of two IPv6 next hops, if it is a link-local address.
        nlri: Never of another family.
    """

    next_hop: IPv4Address | IPv6Address
    link_local: IPv6Address | None = None
    nlri: NlriField

    @property
    def family(self) -> AddressFamily:
        """The family of the routes."""
        return self.nlri.family

    @classmethod
    def decode(cls, value: bytes, codec: Codec) -> MpReach | AddressFamily:
        """Decode the attribute's value; of a family not negotiated, its name alone.

        Raises:
            MalformedAttributeError: Nothing in it can be used.
        """
        if len(value) < _SHORTEST_REACH:
            raise _malformed(f"MP_REACH_NLRI of {len(value)} octets")
        reader = Reader(value)
        family = AddressFamily(*reader.unpack(_FAMILY))
        if family not in codec.families:
            return family
        length = reader.u8()
        if length >= reader.remaining:
            raise _malformed(f"{family}: a next hop of {length} octets runs over the attribute")
        address, link_local = _decode_next_hop(reader.sub(length), family, codec)
        reader.u8()
        nlri = _decode_nlri(family, reader, codec)
        return cls(next_hop=address, link_local=link_local, nlri=nlri)

    def encode(self) -> bytes:
        """Encode the whole attribute, flags and all."""
        return encode_mp_reach(
            self.family, self.next_hop, self.nlri.octets, link_local=self.link_local
        )


@dataclass(frozen=True, slots=True)
class MpUnreach:
    """Withdrawn routes of one family; none at all is its End-of-RIB (RFC 4724 §2)."""

    nlri: NlriField

    @property
    def family(self) -> AddressFamily:
        """The family of the routes."""
        return self.nlri.family

    @classmethod
    def decode(cls, value: bytes, codec: Codec) -> MpUnreach | AddressFamily:
        """Decode the attribute's value; of a family not negotiated, its name alone.

        Raises:
            MalformedAttributeError: Nothing in it can be used.
        """
        if len(value) < _FAMILY.size:
            raise MalformedAttributeError(
                UpdateSubcode.OPTIONAL_ATTRIBUTE, f"MP_UNREACH_NLRI of {len(value)} octets"
            )
        reader = Reader(value)
        family = AddressFamily(*reader.unpack(_FAMILY))
        if family not in codec.families:
            return family
        return cls(_decode_nlri(family, reader, codec))

    def encode(self) -> bytes:
        """Encode the whole attribute, flags and all."""
        return encode_mp_unreach(self.family, self.nlri.octets)


def encode_mp_reach(
    family: AddressFamily,
    next_hop: IPv4Address | IPv6Address,
    nlri: bytes,
    *,
    link_local: IPv6Address | None = None,
) -> bytes:
    """MP_REACH_NLRI as octets; `nlri` are a field's octets."""
    hops = next_hop.packed + (link_local.packed if link_local else b"")
    value = b"".join((_FAMILY.pack(*family), bytes((len(hops),)), hops, b"\x00", nlri))
    return encode_attribute(AttributeFlag.OPTIONAL, AttributeType.MP_REACH_NLRI, value)


def encode_mp_unreach(family: AddressFamily, nlri: bytes) -> bytes:
    """MP_UNREACH_NLRI as octets; `nlri` are a field's octets."""
    value = _FAMILY.pack(*family) + nlri
    return encode_attribute(AttributeFlag.OPTIONAL, AttributeType.MP_UNREACH_NLRI, value)


def encode_attribute(flags: int, kind: int, value: bytes) -> bytes:
    """Any path attribute as octets; the length has two where one is not enough (RFC 4271 §4.3).

    Raises:
        MalformedAttributeError: The value exceeds 65535 octets.
    """
    if len(value) > 0xFFFF:
        raise MalformedAttributeError(
            UpdateSubcode.ATTRIBUTE_LENGTH, f"attribute {kind} of {len(value)} octets"
        )
    if len(value) <= 0xFF:
        return bytes((flags & ~AttributeFlag.EXTENDED_LENGTH, kind, len(value))) + value
    return struct.pack("!BBH", flags | AttributeFlag.EXTENDED_LENGTH, kind, len(value)) + value


def _decode_next_hop(
    reader: Reader, family: AddressFamily, codec: Codec
) -> tuple[IPv4Address | IPv6Address, IPv6Address | None]:
    length = reader.remaining
    if length == 4 and family.afi == Afi.IPV4:
        return IPv4Address(reader.take(4)), None
    if length in {16, 32} and (family.afi == Afi.IPV6 or family in codec.extended_next_hop):
        address = IPv6Address(reader.take(16))
        second = IPv6Address(reader.take(16)) if length == 32 else None
        return address, second if second and second.is_link_local else None
    raise _malformed(f"{family}: next hop of {length} octets")


def _decode_nlri(family: AddressFamily, reader: Reader, codec: Codec) -> NlriField:
    octets = reader.take(reader.remaining)
    try:
        return NlriField(family, octets, family in codec.add_path_receive)
    except NlriError as error:
        raise MalformedAttributeError(UpdateSubcode.OPTIONAL_ATTRIBUTE, str(error)) from error


def _malformed(reason: str) -> MalformedAttributeError:
    return MalformedAttributeError(UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, reason)
