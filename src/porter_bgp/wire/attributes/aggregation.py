"""What aggregation leaves behind, and the AS numbers that two octets could not hold.

ATOMIC_AGGREGATE and AGGREGATOR (RFC 4271 §5.1.6 and §5.1.7), AS4_PATH and AS4_AGGREGATOR
(RFC 6793 §3). Faults in any of them cost the attribute, never the route (RFC 7606 §7.6, §7.7).
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from porter_bgp.wire.as_path import AsPath
from porter_bgp.wire.attributes.path_attributes import Aggregator
from porter_bgp.wire.attributes.row import (
    OPTIONAL_TRANSITIVE,
    WELL_KNOWN,
    AttributeRow,
    any_length,
    exactly,
)
from porter_bgp.wire.errors import MalformedAttributeError, Verdict
from porter_bgp.wire.iana import AttributeType, UpdateSubcode
from porter_bgp.wire.open import AS_TRANS

if TYPE_CHECKING:
    from porter_bgp.wire.attributes.path_attributes import PathAttributes
    from porter_bgp.wire.attributes.row import Draft
    from porter_bgp.wire.codec import Codec


def _read_atomic_aggregate(draft: Draft, _: bytes, __: Codec) -> None:
    draft.atomic_aggregate = True


def _write_atomic_aggregate(attributes: PathAttributes, _: Codec) -> bytes | None:
    return b"" if attributes.atomic_aggregate else None


def _aggregator_length(length: int, codec: Codec) -> bool:
    return length == (8 if codec.four_octet_as else 6)


def _read_aggregator(draft: Draft, value: bytes, _: Codec) -> None:
    draft.aggregator = _decode_aggregator(value)


def _write_aggregator(attributes: PathAttributes, codec: Codec) -> bytes | None:
    aggregator = attributes.aggregator
    if aggregator is None:
        return None
    if codec.four_octet_as:
        return aggregator.asn.to_bytes(4) + aggregator.address.packed
    asn = aggregator.asn if aggregator.asn <= 0xFFFF else AS_TRANS
    return asn.to_bytes(2) + aggregator.address.packed


def _read_as4_path(draft: Draft, value: bytes, codec: Codec) -> None:
    _require_two_octet_peer(codec)
    draft.as4_path = AsPath.decode(value, four_octet=True).without_confederation()  # RFC 6793 §6


def _write_as4_path(attributes: PathAttributes, codec: Codec) -> bytes | None:
    if codec.four_octet_as or attributes.as_path.fits_two_octets:
        return None
    return attributes.as_path.without_confederation().encode(four_octet=True)


def _read_as4_aggregator(draft: Draft, value: bytes, codec: Codec) -> None:
    _require_two_octet_peer(codec)
    draft.as4_aggregator = _decode_aggregator(value)


def _write_as4_aggregator(attributes: PathAttributes, codec: Codec) -> bytes | None:
    aggregator = attributes.aggregator
    if codec.four_octet_as or aggregator is None or aggregator.asn <= 0xFFFF:
        return None
    return aggregator.asn.to_bytes(4) + aggregator.address.packed


def _decode_aggregator(value: bytes) -> Aggregator:
    asn = int.from_bytes(value[:-4])
    if not asn:  # RFC 7607 §2
        raise MalformedAttributeError(UpdateSubcode.OPTIONAL_ATTRIBUTE, "aggregator in AS 0")
    return Aggregator(asn, IPv4Address(value[-4:]))


def _require_two_octet_peer(codec: Codec) -> None:
    if codec.four_octet_as:  # RFC 6793 §4.1
        raise MalformedAttributeError(
            UpdateSubcode.OPTIONAL_ATTRIBUTE, "from a speaker of four-octet AS numbers"
        )


ROWS = (
    AttributeRow(
        type=AttributeType.ATOMIC_AGGREGATE,
        flags=WELL_KNOWN,
        external=Verdict.DISCARD,
        internal=Verdict.DISCARD,
        length=exactly(0),
        read=_read_atomic_aggregate,
        write=_write_atomic_aggregate,
    ),
    AttributeRow(
        type=AttributeType.AGGREGATOR,
        flags=OPTIONAL_TRANSITIVE,
        external=Verdict.DISCARD,
        internal=Verdict.DISCARD,
        length=_aggregator_length,
        read=_read_aggregator,
        write=_write_aggregator,
    ),
    AttributeRow(
        type=AttributeType.AS4_PATH,
        flags=OPTIONAL_TRANSITIVE,
        external=Verdict.DISCARD,
        internal=Verdict.DISCARD,
        length=any_length,
        read=_read_as4_path,
        write=_write_as4_path,
    ),
    AttributeRow(
        type=AttributeType.AS4_AGGREGATOR,
        flags=OPTIONAL_TRANSITIVE,
        external=Verdict.DISCARD,
        internal=Verdict.DISCARD,
        length=exactly(8),
        read=_read_as4_aggregator,
        write=_write_as4_aggregator,
    ),
)
