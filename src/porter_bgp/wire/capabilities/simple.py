"""Capabilities that say one thing: yes, or one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import BgpRole, CapabilityCode, OpenSubcode


@dataclass(frozen=True, slots=True)
class RouteRefresh:
    """The sender answers ROUTE-REFRESH (RFC 2918 §2)."""

    code: ClassVar[int] = CapabilityCode.ROUTE_REFRESH

    @classmethod
    def decode(cls, value: bytes) -> RouteRefresh:
        """Decode the value, which must be empty, or ValueError."""
        _require_empty(value)
        return cls()

    def encode(self) -> bytes:
        """The value is empty."""
        return b""


@dataclass(frozen=True, slots=True)
class EnhancedRouteRefresh:
    """The sender knows where a refresh begins and ends (RFC 7313 §3.1)."""

    code: ClassVar[int] = CapabilityCode.ENHANCED_ROUTE_REFRESH

    @classmethod
    def decode(cls, value: bytes) -> EnhancedRouteRefresh:
        """Decode the value, which must be empty, or ValueError."""
        _require_empty(value)
        return cls()

    def encode(self) -> bytes:
        """The value is empty."""
        return b""


@dataclass(frozen=True, slots=True)
class ExtendedMessage:
    """The sender takes messages of up to 65535 octets (RFC 8654 §3)."""

    code: ClassVar[int] = CapabilityCode.EXTENDED_MESSAGE

    @classmethod
    def decode(cls, value: bytes) -> ExtendedMessage:
        """Decode the value, which must be empty, or ValueError."""
        _require_empty(value)
        return cls()

    def encode(self) -> bytes:
        """The value is empty."""
        return b""


@dataclass(frozen=True, slots=True)
class FourOctetAs:
    """The sender's AS number, and that it takes four octets each (RFC 6793 §3)."""

    code: ClassVar[int] = CapabilityCode.FOUR_OCTET_AS
    asn: int

    @classmethod
    def decode(cls, value: bytes) -> FourOctetAs:
        """Decode the AS number.

        Raises:
            OpenMessageError: It has not four octets. To ignore it would leave the two ends
                with different ideas of AS_PATH.
        """
        if len(value) != 4:
            raise OpenMessageError(OpenSubcode.UNSPECIFIC, f"four-octet AS in {len(value)} octets")
        return cls(int.from_bytes(value))

    def encode(self) -> bytes:
        """Encode the AS number."""
        return self.asn.to_bytes(4)


@dataclass(frozen=True, slots=True)
class Role:
    """What the sender is to its peer (RFC 9234 §4.1)."""

    code: ClassVar[int] = CapabilityCode.ROLE
    role: BgpRole

    @classmethod
    def decode(cls, value: bytes) -> Role:
        """Decode the role; ValueError if it is none, or has not one octet."""
        if len(value) != 1:
            raise ValueError(f"Role of {len(value)} octets")
        return cls(BgpRole(value[0]))

    def encode(self) -> bytes:
        """Encode the role."""
        return bytes((self.role,))


def _require_empty(value: bytes) -> None:
    if value:
        raise ValueError(f"a capability without a value has {len(value)} octets")
