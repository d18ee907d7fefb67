"""The OPEN message (RFC 4271 §4.2) and its optional parameters (RFC 5492 §4, RFC 9072 §2).

    octets  field
    1       Version: 4
    2       My Autonomous System
    2       Hold Time, in seconds
    4       BGP Identifier
    1       Optional Parameters Length; 255 and another 255 announce the extended form
    ...     Optional Parameters

This module asks whether the octets spell an OPEN that *any* speaker could accept.
Whether *we* accept it (the AS number we expect, the families we share) takes our
configuration to answer, and is asked in `porter_bgp.fsm.negotiate`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from porter_bgp.wire.capabilities import (
    Capability,
    FourOctetAs,
    decode_capabilities,
    encode_capabilities,
)
from porter_bgp.wire.cursor import Reader, ShortReadError
from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import OpenSubcode, OptionalParameter

BGP_VERSION = 4
AS_TRANS = 23456  # RFC 6793 §9
_FIXED_PART = struct.Struct("!BHH4s")
_EXTENDED = 255  # RFC 9072 §2


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """One OPEN message. An instance that exists has passed RFC 4271 §6.2.

    Attributes:
        my_as: The two-octet field; AS_TRANS (23456) when the AS number needs four.
        hold_time: Proposed Hold Time in seconds: 0 for none, else 3 to 65535.
        bgp_identifier: Never 0.0.0.0 (RFC 6286 §2.1).
        capabilities: In the sender's order; those we do not know are kept as they came.
    """

    my_as: int
    hold_time: int
    bgp_identifier: IPv4Address
    capabilities: tuple[Capability, ...] = ()

    def __post_init__(self) -> None:
        four = {c.asn for c in self.capabilities if isinstance(c, FourOctetAs)}
        if not 0 < self.my_as <= 0xFFFF or len(four) > 1 or four & {0, AS_TRANS}:  # RFC 7607 §2
            raise OpenMessageError(OpenSubcode.BAD_PEER_AS, f"AS {self.my_as}, four-octet {four}")
        if four and self.my_as not in {AS_TRANS, *four}:  # RFC 6793 §4.1
            raise OpenMessageError(OpenSubcode.BAD_PEER_AS, f"AS {self.my_as} is not AS {four}")
        if self.hold_time and not 3 <= self.hold_time <= 0xFFFF:
            raise OpenMessageError(
                OpenSubcode.UNACCEPTABLE_HOLD_TIME, f"hold time {self.hold_time} s"
            )
        if int(self.bgp_identifier) == 0:
            raise OpenMessageError(OpenSubcode.BAD_BGP_IDENTIFIER, "BGP Identifier 0.0.0.0")

    @property
    def asn(self) -> int:
        """The sender's AS number, whichever field carries it (RFC 6793 §4.1)."""
        for capability in self.capabilities:
            if isinstance(capability, FourOctetAs):
                return capability.asn
        return self.my_as

    @classmethod
    def decode(cls, body: bytes) -> Open:
        """Decode the octets that follow the message header.

        Raises:
            OpenMessageError: Carries the NOTIFICATION that RFC 4271 §6.2 asks for.
        """
        reader = Reader(body)
        try:
            version, my_as, hold_time, identifier = reader.unpack(_FIXED_PART)
            if version != BGP_VERSION:
                raise OpenMessageError(
                    OpenSubcode.UNSUPPORTED_VERSION,
                    f"version {version}",
                    data=struct.pack("!H", BGP_VERSION),
                )
            capabilities = _decode_optional_parameters(reader)
        except ShortReadError as error:
            raise OpenMessageError(OpenSubcode.UNSPECIFIC, str(error)) from error
        return cls(
            my_as=my_as,
            hold_time=hold_time,
            bgp_identifier=IPv4Address(identifier),
            capabilities=capabilities,
        )

    def encode(self) -> bytes:
        """Encode the octets that follow the message header: `decode`'s inverse."""
        fixed = _FIXED_PART.pack(
            BGP_VERSION, self.my_as, self.hold_time, self.bgp_identifier.packed
        )
        return fixed + _encode_optional_parameters(self.capabilities)


def _decode_optional_parameters(reader: Reader) -> tuple[Capability, ...]:
    length, extended = reader.u8(), False
    if length and reader.peek_u8() == _EXTENDED:  # the second octet decides, RFC 9072 §2
        reader.u8()
        length, extended = reader.u16(), True
    if length != reader.remaining:
        raise OpenMessageError(
            OpenSubcode.UNSPECIFIC,
            f"optional parameters: {length} octets claimed, {reader.remaining} present",
        )
    capabilities: list[Capability] = []
    while reader.remaining:
        kind = reader.u8()
        value = reader.take(reader.u16() if extended else reader.u8())
        if kind != OptionalParameter.CAPABILITIES:
            raise OpenMessageError(
                OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER, f"optional parameter {kind}"
            )
        capabilities += decode_capabilities(value)
    return tuple(capabilities)


def _encode_optional_parameters(capabilities: tuple[Capability, ...]) -> bytes:
    if not capabilities:
        return b"\x00"
    value, kind = encode_capabilities(capabilities), OptionalParameter.CAPABILITIES
    if len(value) + 2 <= 255:
        return struct.pack("!BBB", len(value) + 2, kind, len(value)) + value
    header = struct.pack("!BBHBH", _EXTENDED, _EXTENDED, len(value) + 3, kind, len(value))
    return header + value
