"""What every route has: ORIGIN, AS_PATH, NEXT_HOP (RFC 4271 §5.1, RFC 7606 §7.1 to §7.3).

Whether the next hop can be one, and the path begins where it must, is asked of announcements
only, in `porter_bgp.wire.announcement`.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from porter_bgp.wire.as_path import AsPath
from porter_bgp.wire.attributes.row import WELL_KNOWN, AttributeRow, any_length, exactly
from porter_bgp.wire.errors import MalformedAttributeError
from porter_bgp.wire.iana import AttributeType, Origin, UpdateSubcode

if TYPE_CHECKING:
    from porter_bgp.wire.attributes.path_attributes import PathAttributes
    from porter_bgp.wire.attributes.row import Draft
    from porter_bgp.wire.codec import Codec

_ORIGINS = {origin.value: origin for origin in Origin}


def _read_origin(draft: Draft, value: bytes, _: Codec) -> None:
    origin = _ORIGINS.get(value[0])
    if origin is None:
        raise MalformedAttributeError(UpdateSubcode.INVALID_ORIGIN, f"ORIGIN {value[0]}")
    draft.origin = origin


def _write_origin(attributes: PathAttributes, _: Codec) -> bytes:
    return bytes((attributes.origin,))


def _read_as_path(draft: Draft, value: bytes, codec: Codec) -> None:
    as_path = AsPath.decode(value, four_octet=codec.four_octet_as)
    if codec.external and as_path.has_confederation:  # RFC 5065 §5, RFC 7606 §7.2
        raise MalformedAttributeError(
            UpdateSubcode.MALFORMED_AS_PATH, "AS_PATH: confederation segment from another AS"
        )
    draft.as_path = as_path


def _write_as_path(attributes: PathAttributes, codec: Codec) -> bytes:
    return attributes.as_path.encode(four_octet=codec.four_octet_as)


def _read_next_hop(draft: Draft, value: bytes, _: Codec) -> None:
    draft.next_hop = IPv4Address(value)


def _write_next_hop(attributes: PathAttributes, _: Codec) -> bytes | None:
    next_hop = attributes.next_hop
    return next_hop.packed if isinstance(next_hop, IPv4Address) else None


ROWS = (
    AttributeRow(
        type=AttributeType.ORIGIN,
        flags=WELL_KNOWN,
        length=exactly(1),
        read=_read_origin,
        write=_write_origin,
    ),
    AttributeRow(
        type=AttributeType.AS_PATH,
        flags=WELL_KNOWN,
        length=any_length,
        read=_read_as_path,
        write=_write_as_path,
    ),
    AttributeRow(
        type=AttributeType.NEXT_HOP,
        flags=WELL_KNOWN,
        length=exactly(4),
        read=_read_next_hop,
        write=_write_next_hop,
    ),
)
