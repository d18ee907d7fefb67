"""What keeps routes from coming back: ORIGINATOR_ID, CLUSTER_LIST (RFC 4456), OTC (RFC 9234)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from porter_bgp.wire.attributes.row import (
    OPTIONAL_NON_TRANSITIVE,
    OPTIONAL_TRANSITIVE,
    AttributeRow,
    exactly,
    some_of,
)
from porter_bgp.wire.errors import MalformedAttributeError, Verdict
from porter_bgp.wire.iana import AttributeType, UpdateSubcode

if TYPE_CHECKING:
    from porter_bgp.wire.attributes.path_attributes import PathAttributes
    from porter_bgp.wire.attributes.row import Draft
    from porter_bgp.wire.codec import Codec

_IDENTIFIER = struct.Struct("!I")


def _read_originator_id(draft: Draft, value: bytes, _: Codec) -> None:
    draft.originator_id = IPv4Address(value)


def _write_originator_id(attributes: PathAttributes, _: Codec) -> bytes | None:
    return None if attributes.originator_id is None else attributes.originator_id.packed


def _read_cluster_list(draft: Draft, value: bytes, _: Codec) -> None:
    draft.cluster_list = tuple(IPv4Address(number) for (number,) in _IDENTIFIER.iter_unpack(value))


def _write_cluster_list(attributes: PathAttributes, _: Codec) -> bytes | None:
    return b"".join(identifier.packed for identifier in attributes.cluster_list) or None


def _read_only_to_customer(draft: Draft, value: bytes, _: Codec) -> None:
    asn = int.from_bytes(value)
    if not asn:  # RFC 7607 §2
        raise MalformedAttributeError(UpdateSubcode.OPTIONAL_ATTRIBUTE, "OTC of AS 0")
    draft.only_to_customer = asn


def _write_only_to_customer(attributes: PathAttributes, _: Codec) -> bytes | None:
    return None if attributes.only_to_customer is None else attributes.only_to_customer.to_bytes(4)


ROWS = (
    AttributeRow(
        type=AttributeType.ORIGINATOR_ID,
        flags=OPTIONAL_NON_TRANSITIVE,
        external=Verdict.DISCARD,
        internal_only=True,
        length=exactly(4),
        read=_read_originator_id,
        write=_write_originator_id,
    ),
    AttributeRow(
        type=AttributeType.CLUSTER_LIST,
        flags=OPTIONAL_NON_TRANSITIVE,
        external=Verdict.DISCARD,
        internal_only=True,
        length=some_of(4),
        read=_read_cluster_list,
        write=_write_cluster_list,
    ),
    AttributeRow(
        type=AttributeType.ONLY_TO_CUSTOMER,
        flags=OPTIONAL_TRANSITIVE,
        length=exactly(4),
        read=_read_only_to_customer,
        write=_write_only_to_customer,
    ),
)
