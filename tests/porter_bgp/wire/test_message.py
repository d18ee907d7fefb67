"""Whole messages both ways: canonical octets, composed by hand and checked with other decoders."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    KEEPALIVE,
    AddPath,
    AddPathMode,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    BgpRole,
    CeaseSubcode,
    Codec,
    EnhancedRouteRefresh,
    ErrorCode,
    ExtendedMessage,
    ExtendedNextHop,
    FourOctetAs,
    GracefulRestart,
    Keepalive,
    Message,
    MessageHeaderError,
    MessageType,
    MpReach,
    MpUnreach,
    Multiprotocol,
    NlriField,
    Notification,
    Open,
    PathAttributes,
    Prefix,
    Role,
    RouteRefresh,
    RouteRefreshMessage,
    UnknownCapability,
    Update,
    decode_message,
    encode_message,
    hard_reset,
    nlri_key,
)
from tests.strategies import codecs, messages
from tests.support.both_ways import both_ways

BOTH = frozenset({IPV4_UNICAST, IPV6_UNICAST})
PLAIN = Codec(families=BOTH)
PATHS = Codec(families=BOTH, add_path_send=BOTH, add_path_receive=BOTH)
OVER_V6 = Codec(families=BOTH, extended_next_hop=frozenset({IPV4_UNICAST}))
ENHANCED = Codec(families=BOTH, enhanced_route_refresh=True)

PATH = AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, (4200000001,)),))
NODE1, NODE2 = IPv4Address("10.0.0.11"), IPv4Address("10.0.0.12")
NODE1_V6 = IPv6Address("2001:db8::11")
VIP, VIP_V6 = Prefix.parse("203.0.113.10/32"), Prefix.parse("2001:db8:ffff::10/128")
H1, HV = NODE1_V6.packed.hex(), VIP_V6.address.packed.hex()
CAPABILITIES = (
    "0104 00010001 0104 00020001 0200 4600 0600 4104 fa56ea01 4508 00010102 00020102"
    " 400a 4078 00010100 00020100 0506 000100010002 0901 03"
)
DRAIN = Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, "node drain")
OPEN = Open(
    my_as=23456,
    hold_time=90,
    bgp_identifier=IPv4Address("192.0.2.1"),
    capabilities=(
        Multiprotocol(IPV4_UNICAST),
        Multiprotocol(IPV6_UNICAST),
        RouteRefresh(),
        EnhancedRouteRefresh(),
        ExtendedMessage(),
        FourOctetAs(4200000001),
        AddPath(((IPV4_UNICAST, AddPathMode.SEND), (IPV6_UNICAST, AddPathMode.SEND))),
        GracefulRestart(
            notification=True,
            restart_time=120,
            families=((IPV4_UNICAST, False), (IPV6_UNICAST, False)),
        ),
        ExtendedNextHop(((IPV4_UNICAST, 2),)),
        Role(BgpRole.CUSTOMER),
    ),
)


def nlri(prefix: Prefix, path_id: int | None = None) -> NlriField:
    key = nlri_key(prefix, path_id or 0)
    return NlriField.of(prefix.family, [key], add_path=path_id is not None)


def from_node(node: IPv4Address, path_id: int) -> Update:
    return Update(attributes=PathAttributes(as_path=PATH, next_hop=node), nlri=nlri(VIP, path_id))


# A message, the session it belongs to, and its octets behind the marker.
VECTORS: dict[str, tuple[Message, Codec, str]] = {
    "OPEN": (OPEN, PLAIN, "0058 01 04 5ba0 005a c0000201 3b 02 39" + CAPABILITIES),
    "ADD-PATH, node 1": (
        from_node(NODE1, 0x0A00000B),
        PATHS,
        "0034 02 0000 0014 40010100 40020602 01fa56ea01 400304 0a00000b 0a00000b 20 cb00710a",
    ),
    "ADD-PATH, node 2": (
        from_node(NODE2, 0x0A00000C),
        PATHS,
        "0034 02 0000 0014 40010100 40020602 01fa56ea01 400304 0a00000c 0a00000c 20 cb00710a",
    ),
    "ADD-PATH, node 1 withdrawn": (
        Update(withdrawn=nlri(VIP, 0x0A00000B)),
        PATHS,
        "0020 02 0009 0a00000b 20 cb00710a 0000",
    ),
    "IPv6 with a path identifier": (
        Update(
            attributes=PathAttributes(as_path=PATH),
            mp_reach=MpReach(next_hop=NODE1_V6, nlri=nlri(VIP_V6, 0x0A00000B)),
        ),
        PATHS,
        (
            f"0051 02 0000 003a 800e2a 0002 01 10 {H1} 00 0a00000b 80 {HV}"
            " 40010100 40020602 01fa56ea01"
        ),
    ),
    "IPv6 withdrawn": (
        Update(mp_unreach=MpUnreach(nlri(VIP_V6, 0x0A00000B))),
        PATHS,
        f"0032 02 0000 001b 800f18 0002 01 0a00000b 80 {HV}",
    ),
    "IPv4 over an IPv6 next hop": (
        Update(
            attributes=PathAttributes(as_path=PATH),
            mp_reach=MpReach(next_hop=NODE1_V6, nlri=nlri(VIP)),
        ),
        OVER_V6,
        f"0041 02 0000 002a 800e1a 0001 01 10 {H1} 00 20 cb00710a 40010100 40020602 01fa56ea01",
    ),
    "End-of-RIB IPv4": (Update(), PLAIN, "0017 02 0000 0000"),
    "End-of-RIB IPv6": (
        Update(mp_unreach=MpUnreach(NlriField(IPV6_UNICAST))),
        PLAIN,
        "001d 02 0000 0006 800f03 0002 01",
    ),
    "node drain": (DRAIN, PLAIN, "0020 03 06 02 0a 6e6f646520647261696e"),
    "node drain as a hard reset": (
        hard_reset(DRAIN),
        PLAIN,
        "0022 03 06 09 06 02 0a 6e6f646520647261696e",
    ),
    "BFD down": (Notification.cease(CeaseSubcode.BFD_DOWN), PLAIN, "0015 03 06 0a"),
    "UPDATE in OpenConfirm": (
        Notification(ErrorCode.FSM, 2, bytes((MessageType.UPDATE,))),
        PLAIN,
        "0016 03 05 02 02",
    ),
    "send hold timer": (
        Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED),
        PLAIN,
        "0015 03 08 00",
    ),
    "KEEPALIVE": (Keepalive(), PLAIN, "0013 04"),
    "ROUTE-REFRESH": (RouteRefreshMessage(IPV6_UNICAST), PLAIN, "0017 05 0002 00 01"),
    "beginning of a refresh": (
        RouteRefreshMessage(IPV4_UNICAST, 1),
        ENHANCED,
        "0017 05 0001 01 01",
    ),
}


@pytest.mark.parametrize(("message", "codec", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(message: Message, codec: Codec, octets: str) -> None:
    both_ways(message, bytes.fromhex("ff" * 16 + octets), codec)


def test_the_open_in_its_extended_form_says_the_same() -> None:
    body = bytes.fromhex("04 5ba0 005a c0000201 ff ff 003c 02 0039" + CAPABILITIES)

    assert decode_message(MessageType.OPEN, body, PLAIN) == OPEN


def test_keepalive_is_a_constant() -> None:
    assert bytes.fromhex("ff" * 16 + "0013 04") == KEEPALIVE


def _open_of(octets: int) -> Open:
    return Open(
        my_as=1,
        hold_time=90,
        bgp_identifier=NODE1,
        capabilities=tuple(UnknownCapability(200, bytes(250)) for _ in range(octets // 252)),
    )


@pytest.mark.parametrize(
    ("message", "max_send"),
    [
        (Notification(6, 0, bytes(4076)), 4096),
        (Notification(6, 0, bytes(65515)), 65535),
        (_open_of(4536), 4096),
        (_open_of(4536), 65535),
    ],
    ids=["NOTIFICATION", "NOTIFICATION with RFC 8654", "OPEN", "OPEN even with RFC 8654"],
)
def test_a_message_longer_than_the_peer_takes_is_not_made(message: Message, max_send: int) -> None:
    with pytest.raises(MessageHeaderError):
        encode_message(message, Codec(max_send=max_send))


@pytest.mark.parametrize(("data", "max_send"), [(4075, 4096), (65514, 65535)])
def test_the_longest_the_peer_takes_is_made(data: int, max_send: int) -> None:
    octets = encode_message(Notification(6, 0, bytes(data)), Codec(max_send=max_send))

    assert len(octets) == max_send


@given(st.data(), codecs())
def test_any_message_reads_both_ways(data: st.DataObject, codec: Codec) -> None:
    message = data.draw(messages(codec))

    both_ways(message, encode_message(message, codec), codec)
