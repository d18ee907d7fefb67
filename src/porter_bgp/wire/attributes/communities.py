"""Communities of every size: RFC 1997, RFC 4360, RFC 5701, RFC 8092; faults by RFC 7606 §7."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from porter_bgp.wire.attributes.row import OPTIONAL_TRANSITIVE, AttributeRow, some_of
from porter_bgp.wire.community import LargeCommunity
from porter_bgp.wire.iana import AttributeType

if TYPE_CHECKING:
    from porter_bgp.wire.attributes.path_attributes import PathAttributes
    from porter_bgp.wire.attributes.row import Draft
    from porter_bgp.wire.codec import Codec

_LARGE = struct.Struct("!III")
_EXTENDED = struct.Struct("8s")
_IPV6_EXTENDED = struct.Struct("20s")


def _read_standard(draft: Draft, value: bytes, _: Codec) -> None:
    draft.communities = struct.unpack(f"!{len(value) // 4}I", value)


def _write_standard(attributes: PathAttributes, _: Codec) -> bytes | None:
    communities = attributes.communities
    return struct.pack(f"!{len(communities)}I", *communities) or None


def _read_extended(draft: Draft, value: bytes, _: Codec) -> None:
    draft.extended_communities = tuple(octets for (octets,) in _EXTENDED.iter_unpack(value))


def _write_extended(attributes: PathAttributes, _: Codec) -> bytes | None:
    return b"".join(attributes.extended_communities) or None


def _read_ipv6_extended(draft: Draft, value: bytes, _: Codec) -> None:
    rows = _IPV6_EXTENDED.iter_unpack(value)
    draft.ipv6_extended_communities = tuple(octets for (octets,) in rows)


def _write_ipv6_extended(attributes: PathAttributes, _: Codec) -> bytes | None:
    return b"".join(attributes.ipv6_extended_communities) or None


def _read_large(draft: Draft, value: bytes, _: Codec) -> None:
    draft.large_communities = tuple(map(LargeCommunity._make, _LARGE.iter_unpack(value)))


def _write_large(attributes: PathAttributes, _: Codec) -> bytes | None:
    return b"".join(_LARGE.pack(*large) for large in attributes.large_communities) or None


ROWS = (
    AttributeRow(
        type=AttributeType.COMMUNITIES,
        flags=OPTIONAL_TRANSITIVE,
        length=some_of(4),
        read=_read_standard,
        write=_write_standard,
    ),
    AttributeRow(
        type=AttributeType.EXTENDED_COMMUNITIES,
        flags=OPTIONAL_TRANSITIVE,
        length=some_of(8),
        read=_read_extended,
        write=_write_extended,
    ),
    AttributeRow(
        type=AttributeType.IPV6_EXTENDED_COMMUNITIES,
        flags=OPTIONAL_TRANSITIVE,
        length=some_of(20),
        read=_read_ipv6_extended,
        write=_write_ipv6_extended,
    ),
    AttributeRow(
        type=AttributeType.LARGE_COMMUNITIES,
        flags=OPTIONAL_TRANSITIVE,
        length=some_of(12),
        read=_read_large,
        write=_write_large,
    ),
)
