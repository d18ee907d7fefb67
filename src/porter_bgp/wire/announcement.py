"""Whether routes that an UPDATE announces may be used: what no attribute can tell alone.

Asked are the attributes that must be there (RFC 7606 §3 d), the AS the path begins with
(RFC 4271 §6.3) and the next hop. An UPDATE that only withdraws is not asked.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from porter_bgp.wire.errors import AttributeFault, Verdict
from porter_bgp.wire.iana import AttributeType, UpdateSubcode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from porter_bgp.wire.attributes import DecodedAttributes
    from porter_bgp.wire.codec import Codec


def judge_announcement(
    decoded: DecodedAttributes, next_hop: IPv4Address | IPv6Address | None, codec: Codec
) -> Iterator[AttributeFault]:
    """The faults of routes that share these attributes.

    Args:
        decoded: All attributes of the UPDATE.
        next_hop: Theirs, from MP_REACH_NLRI; None if theirs is NEXT_HOP.
        codec: Whose addresses and AS numbers to judge by.
    """
    attributes = decoded.attributes
    for kind in _mandatory(codec, own_next_hop=next_hop is None):
        if kind not in decoded.present:
            yield AttributeFault(
                type=kind,
                verdict=Verdict.TREAT_AS_WITHDRAW,
                reason=f"{kind.name} is missing",
                subcode=UpdateSubcode.MISSING_WELL_KNOWN_ATTRIBUTE,
                data=bytes((kind,)),
            )
    if attributes is None:
        return
    if codec.enforce_first_as and codec.external:
        first_as = attributes.as_path.first_as
        if first_as != codec.peer_asn:
            yield AttributeFault(
                type=AttributeType.AS_PATH,
                verdict=Verdict.TREAT_AS_WITHDRAW,
                reason=f"AS_PATH begins with {first_as}, not with the peer's AS {codec.peer_asn}",
                subcode=UpdateSubcode.MALFORMED_AS_PATH,
            )
    address = next_hop or attributes.next_hop
    reason = None if address is None else _unusable(address, codec)
    if reason is not None:
        yield AttributeFault(
            type=AttributeType.MP_REACH_NLRI if next_hop else AttributeType.NEXT_HOP,
            verdict=Verdict.TREAT_AS_WITHDRAW,
            reason=f"next hop {address} {reason}",
            subcode=UpdateSubcode.INVALID_NEXT_HOP,
        )


def _mandatory(codec: Codec, *, own_next_hop: bool) -> Iterator[AttributeType]:
    yield AttributeType.ORIGIN
    yield AttributeType.AS_PATH
    if own_next_hop:
        yield AttributeType.NEXT_HOP
    if not codec.external:
        yield AttributeType.LOCAL_PREF


def _unusable(address: IPv4Address | IPv6Address, codec: Codec) -> str | None:
    """Why no packet can be sent there (RFC 4271 §6.3, RFC 1812 §5.3.7), or None."""
    if address.packed in codec.local_addresses:
        return "is our own address"
    if address.is_loopback:
        return None if codec.loopback else "is a loopback address"
    return "is no address of a host" if _no_host(address) else None


def _no_host(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast:
        return True
    if isinstance(address, IPv6Address):
        return address.is_unspecified or address.ipv4_mapped is not None
    return address.packed[0] == 0 or address.is_reserved
