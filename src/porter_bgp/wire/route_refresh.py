"""The ROUTE-REFRESH message (RFC 2918 §3, RFC 7313 §3.2).

octets  field
2       AFI
1       Subtype: 0 request, 1 beginning, 2 end
1       SAFI
...     Outbound route filters (RFC 5291 §5), ignored
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from porter_bgp.wire.errors import MessageHeaderError, RouteRefreshError
from porter_bgp.wire.framing import HEADER_LENGTH, frame
from porter_bgp.wire.iana import (
    MessageHeaderSubcode,
    MessageType,
    RouteRefreshSubcode,
    RouteRefreshSubtype,
)
from porter_bgp.wire.prefix import AddressFamily

_BODY = struct.Struct("!HBB")
_DEMARCATIONS = (RouteRefreshSubtype.BEGIN, RouteRefreshSubtype.END)


@dataclass(frozen=True, slots=True)
class RouteRefreshMessage:
    """A request for routes, or where the answer to one begins or ends.

    Attributes:
        family: Whose routes; any two numbers may come.
        subtype: Mostly a `RouteRefreshSubtype`; others are to be ignored (RFC 7313 §5).
    """

    family: AddressFamily
    subtype: int = RouteRefreshSubtype.REQUEST

    @classmethod
    def decode(cls, body: bytes, *, enhanced: bool) -> RouteRefreshMessage:
        """Decode the octets that follow the message header.

        Args:
            body: At least four octets, unless the header was not checked.
            enhanced: The peer announced RFC 7313.

        Raises:
            RouteRefreshError: A demarcation of the wrong length (RFC 7313 §5).
            MessageHeaderError: The same from a peer without it, or under four octets.
        """
        length = len(body)
        if length < _BODY.size or (length > _BODY.size and body[2] in _DEMARCATIONS):
            whole = frame(MessageType.ROUTE_REFRESH, body)
            if enhanced and length > 2 and body[2] in _DEMARCATIONS:
                raise RouteRefreshError(
                    RouteRefreshSubcode.INVALID_MESSAGE_LENGTH,
                    f"demarcation of {length} octets",
                    data=whole,
                )
            raise MessageHeaderError(
                MessageHeaderSubcode.BAD_MESSAGE_LENGTH,
                f"ROUTE-REFRESH of {length + HEADER_LENGTH} octets",
                data=whole[16:18],
            )
        afi, subtype, safi = _BODY.unpack_from(body)
        return cls(AddressFamily(afi, safi), subtype)

    def encode(self) -> bytes:
        """Encode the octets that follow the message header."""
        return _BODY.pack(self.family.afi, self.subtype, self.family.safi)
