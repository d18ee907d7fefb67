"""`porter_bgp.wire.capabilities`: RFC 5492 and what each capability's own RFC says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.capabilities import (
    AddPath,
    Capability,
    EnhancedRouteRefresh,
    ExtendedMessage,
    ExtendedNextHop,
    FourOctetAs,
    GracefulRestart,
    LongLivedGracefulRestart,
    Multiprotocol,
    Role,
    RouteRefresh,
    UnknownCapability,
    decode_capabilities,
    encode_capabilities,
)
from porter_bgp.wire.capabilities.restart import LongLivedFamily
from porter_bgp.wire.cursor import ShortReadError
from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import AddPathMode, Afi, BgpRole, OpenSubcode
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, AddressFamily
from tests.strategies import capabilities

# Read both ways: the capability encodes to the octets, the octets decode to the capability.
VECTORS: dict[str, tuple[Capability, str]] = {
    "Multiprotocol": (Multiprotocol(IPV6_UNICAST), "01 04 0002 00 01"),
    "Multiprotocol of a family we do not know": (
        Multiprotocol(AddressFamily(25, 70)),
        "01 04 0019 00 46",
    ),
    "Route Refresh": (RouteRefresh(), "02 00"),
    "Extended Next Hop": (
        ExtendedNextHop(((IPV4_UNICAST, Afi.IPV6),)),
        "05 06 0001 0001 0002",
    ),
    "Extended Message": (ExtendedMessage(), "06 00"),
    "Role": (Role(BgpRole.CUSTOMER), "09 01 03"),
    "Graceful Restart before a restart": (
        GracefulRestart(
            notification=True,
            restart_time=120,
            families=((IPV4_UNICAST, False), (IPV6_UNICAST, False)),
        ),
        "40 0a 4078 0001 01 00 0002 01 00",
    ),
    "Graceful Restart after a restart": (
        GracefulRestart(
            restarting=True,
            notification=True,
            restart_time=120,
            families=((IPV4_UNICAST, True),),
        ),
        "40 06 c078 0001 01 80",
    ),
    "Graceful Restart of a helper alone": (GracefulRestart(), "40 02 0000"),
    "four-octet AS": (FourOctetAs(4200000001), "41 04 fa56ea01"),
    "ADD-PATH": (
        AddPath(((IPV4_UNICAST, AddPathMode.SEND), (IPV6_UNICAST, AddPathMode.BOTH))),
        "45 08 0001 01 02 0002 01 03",
    ),
    "Enhanced Route Refresh": (EnhancedRouteRefresh(), "46 00"),
    "Long-Lived Graceful Restart": (
        LongLivedGracefulRestart(
            (LongLivedFamily(IPV4_UNICAST, forwarding=False, stale_time=3600),)
        ),
        "47 07 0001 01 00 000e10",
    ),
    "Paths-Limit, unknown": (
        UnknownCapability(76, bytes.fromhex("0001010040")),
        "4c 05 0001010040",
    ),
    "BFD strict mode, unknown": (UnknownCapability(74), "4a 00"),
    "longest unknown": (UnknownCapability(200, bytes(255)), "c8 ff" + "00" * 255),
}

# A value that breaks its own rules: the capability counts as not understood.
NOT_UNDERSTOOD = {
    "Route Refresh with a value": "02 01 00",
    "Extended Next Hop cut off": "05 05 0001 0001 00",
    "Extended Message with a value": "06 02 0000",
    "Role without a value": "09 00",
    "Role of two octets": "09 02 0303",
    "Role 5": "09 01 05",
    "Graceful Restart of one octet": "40 01 40",
    "Graceful Restart of three octets": "40 03 407800",
    "Graceful Restart without a value": "40 00",
    "ADD-PATH cut off": "45 03 000101",
    "ADD-PATH mode 0 among others": "45 08 0001 01 03 0002 01 00",
    "ADD-PATH mode 4": "45 04 0001 01 04",
    "Enhanced Route Refresh with a value": "46 01 00",
    "Long-Lived Graceful Restart cut off": "47 06 0001 01 00 000e",
    "software version whose inner length exceeds it": "4b 02 ff41",
    "host name whose inner length exceeds it": "49 02 ff41",
}

# To ignore these would leave the two ends with different ideas of the session.
FATAL = {
    "four-octet AS without a value": "41 00 fa56ea01",
    "four-octet AS of five octets": "41 05 fa56ea0100",
    "Multiprotocol of three octets": "01 03 000100",
    "Multiprotocol without a value": "01 00",
}


@pytest.mark.parametrize(("value", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(value: Capability, octets: str) -> None:
    assert encode_capabilities([value]) == bytes.fromhex(octets)
    assert decode_capabilities(bytes.fromhex(octets)) == [value]


@pytest.mark.parametrize(("value", "octets"), VECTORS.values(), ids=VECTORS)
def test_every_truncation_is_refused_or_read_inside_its_slice(
    value: Capability, octets: str
) -> None:
    whole = bytes.fromhex(octets)
    for length in range(1, len(whole)):
        with pytest.raises(ShortReadError):
            decode_capabilities(whole[:length])

    assert decode_capabilities(whole + b"\xc8\x00") == [value, UnknownCapability(200)]


@pytest.mark.parametrize("octets", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_what_breaks_its_own_rules_is_kept_and_not_understood(octets: str) -> None:
    whole = bytes.fromhex(octets)

    assert decode_capabilities(whole) == [UnknownCapability(whole[0], whole[2:])]
    assert encode_capabilities(decode_capabilities(whole)) == whole


@pytest.mark.parametrize("octets", FATAL.values(), ids=FATAL)
def test_what_cannot_be_ignored_is_refused(octets: str) -> None:
    with pytest.raises(OpenMessageError) as caught:
        decode_capabilities(bytes.fromhex(octets))

    assert caught.value.subcode == OpenSubcode.UNSPECIFIC


def test_repeated_capabilities_are_kept_in_their_order() -> None:
    octets = bytes.fromhex("0104 00010001 0104 00010001 0200 0104 00020001")

    assert decode_capabilities(octets) == [
        Multiprotocol(IPV4_UNICAST),
        Multiprotocol(IPV4_UNICAST),
        RouteRefresh(),
        Multiprotocol(IPV6_UNICAST),
    ]


def test_reserved_bits_are_ignored() -> None:
    octets = bytes.fromhex("40 06 3078 0001 01 7f  01 04 0001 ff 01")

    assert decode_capabilities(octets) == [
        GracefulRestart(restart_time=120, families=((IPV4_UNICAST, False),)),
        Multiprotocol(IPV4_UNICAST),
    ]


@pytest.mark.parametrize(("code", "value"), [(256, b""), (-1, b""), (200, bytes(256))])
def test_an_unknown_capability_must_fit(code: int, value: bytes) -> None:
    with pytest.raises(ValueError, match="capability"):
        UnknownCapability(code, value)


@pytest.mark.parametrize("restart_time", [-1, 4096])
def test_a_restart_time_must_fit_twelve_bits(restart_time: int) -> None:
    with pytest.raises(ValueError, match="restart time"):
        GracefulRestart(restart_time=restart_time)


@pytest.mark.parametrize("length", [*range(11), 255])
def test_any_code_with_any_length_stays_in_its_slice(length: int) -> None:
    for code in range(256):
        for filler in (b"\x00", b"\xff", b"\x01"):
            octets = bytes((code, length)) + filler * length
            try:
                found = decode_capabilities(octets + b"\xc8\x00")
            except OpenMessageError:
                continue
            assert len(found) == 2
            assert found[1] == UnknownCapability(200)


@given(st.lists(capabilities(), max_size=8))
def test_encoding_loses_nothing(values: list[Capability]) -> None:
    assert decode_capabilities(encode_capabilities(values)) == values


@given(st.binary(max_size=80))
def test_any_octets_decode_or_are_refused(octets: bytes) -> None:
    try:
        found = decode_capabilities(octets)
    except (OpenMessageError, ShortReadError):
        return

    assert decode_capabilities(encode_capabilities(found)) == found
