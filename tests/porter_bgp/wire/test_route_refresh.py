"""`porter_bgp.wire.route_refresh`: RFC 2918 §3, RFC 7313 §3.2 and §5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.errors import MessageHeaderError, ProtocolError, RouteRefreshError
from porter_bgp.wire.iana import MessageHeaderSubcode, RouteRefreshSubcode
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, AddressFamily
from porter_bgp.wire.route_refresh import RouteRefreshMessage
from tests.strategies import route_refreshes

VECTORS = {
    "request": (RouteRefreshMessage(IPV4_UNICAST), "0001 00 01"),
    "beginning": (RouteRefreshMessage(IPV6_UNICAST, 1), "0002 01 01"),
    "end": (RouteRefreshMessage(IPV6_UNICAST, 2), "0002 02 01"),
    "unknown family": (RouteRefreshMessage(AddressFamily(16397, 9)), "400d 00 09"),
    "unknown subtype": (RouteRefreshMessage(IPV4_UNICAST, 255), "0001 ff 01"),
}


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize(("value", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(
    value: RouteRefreshMessage,
    octets: str,
    enhanced: bool,  # noqa: FBT001  a column
) -> None:
    assert value.encode() == bytes.fromhex(octets)
    assert RouteRefreshMessage.decode(bytes.fromhex(octets), enhanced=enhanced) == value


@pytest.mark.parametrize("octets", ["", "00", "0001", "000100", "00010001 00"])
def test_wrong_length_without_rfc_7313_is_a_header_error(octets: str) -> None:
    body = bytes.fromhex(octets)
    if len(body) > 4:
        body = body[:2] + b"\x01" + body[3:]

    with pytest.raises(MessageHeaderError) as caught:
        RouteRefreshMessage.decode(body, enhanced=False)

    assert caught.value.subcode == MessageHeaderSubcode.BAD_MESSAGE_LENGTH
    assert caught.value.data == (19 + len(body)).to_bytes(2)


@pytest.mark.parametrize("octets", ["000101", "00010101 00", "00020201 4003000101"])
def test_wrong_length_of_a_demarcation_carries_the_whole_message(octets: str) -> None:
    body = bytes.fromhex(octets)

    with pytest.raises(RouteRefreshError) as caught:
        RouteRefreshMessage.decode(body, enhanced=True)

    assert caught.value.subcode == RouteRefreshSubcode.INVALID_MESSAGE_LENGTH
    assert caught.value.data == b"\xff" * 16 + (19 + len(body)).to_bytes(2) + b"\x05" + body


@pytest.mark.parametrize("filters", ["00", "01 80 ffff", "01 80 0000 02 03 00"])
def test_outbound_route_filters_are_ignored(filters: str) -> None:
    body = bytes.fromhex("0001 00 01" + filters)

    assert RouteRefreshMessage.decode(body, enhanced=True) == RouteRefreshMessage(IPV4_UNICAST)


@given(route_refreshes, st.booleans())
def test_encoding_loses_nothing(value: RouteRefreshMessage, enhanced: bool) -> None:  # noqa: FBT001  drawn
    assert RouteRefreshMessage.decode(value.encode(), enhanced=enhanced) == value


@given(st.binary(max_size=40), st.booleans())
def test_any_octets_decode_or_earn_a_notification(body: bytes, enhanced: bool) -> None:  # noqa: FBT001  drawn
    try:
        value = RouteRefreshMessage.decode(body, enhanced=enhanced)
    except ProtocolError:
        return

    assert value.encode() == body[:4]
