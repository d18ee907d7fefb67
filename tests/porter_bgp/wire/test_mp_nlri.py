"""`porter_bgp.wire.mp_nlri`: RFC 4760, RFC 2545 §3, RFC 8950 §3, RFC 7606 §5.3."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.codec import Codec
from porter_bgp.wire.errors import MalformedAttributeError
from porter_bgp.wire.iana import UpdateSubcode
from porter_bgp.wire.mp_nlri import MpReach, MpUnreach, encode_attribute
from porter_bgp.wire.nlri import NlriField
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, AddressFamily
from tests.strategies import codecs, mp_reaches, mp_unreaches

BOTH = frozenset({IPV4_UNICAST, IPV6_UNICAST})
PLAIN = Codec(families=BOTH)
OVER_V6 = Codec(families=BOTH, extended_next_hop=frozenset({IPV4_UNICAST}))
ADD_PATH = Codec(families=BOTH, add_path_receive=frozenset({IPV6_UNICAST}))
V4, V6 = IPv4Address("10.0.0.11"), IPv6Address("2001:db8::11")
LOCAL = IPv6Address("fe80::11")
H4, H6, HL = V4.packed.hex(), V6.packed.hex(), LOCAL.packed.hex()
R4 = NlriField(IPV4_UNICAST, bytes.fromhex("20 cb00710a"))
R6 = NlriField(IPV6_UNICAST, bytes.fromhex("20 20010db8"))

REACH = {
    "IPv6": (PLAIN, MpReach(next_hop=V6, nlri=R6), f"0002 01 10 {H6} 00 20 20010db8"),
    "IPv6 with a link-local address": (
        PLAIN,
        MpReach(next_hop=V6, link_local=LOCAL, nlri=R6),
        f"0002 01 20 {H6} {HL} 00 20 20010db8",
    ),
    "IPv6 over a link-local address alone": (
        PLAIN,
        MpReach(next_hop=LOCAL, nlri=R6),
        f"0002 01 10 {HL} 00 20 20010db8",
    ),
    "IPv6 with a path identifier": (
        ADD_PATH,
        MpReach(
            next_hop=V6,
            nlri=NlriField(IPV6_UNICAST, bytes.fromhex("00000007 20 20010db8"), add_path=True),
        ),
        f"0002 01 10 {H6} 00 00000007 20 20010db8",
    ),
    "IPv4": (PLAIN, MpReach(next_hop=V4, nlri=R4), f"0001 01 04 {H4} 00 20 cb00710a"),
    "IPv4 over IPv6": (
        OVER_V6,
        MpReach(next_hop=V6, nlri=R4),
        f"0001 01 10 {H6} 00 20 cb00710a",
    ),
    "no routes": (
        PLAIN,
        MpReach(next_hop=V6, nlri=NlriField(IPV6_UNICAST)),
        f"0002 01 10 {H6} 00",
    ),
}

LIST, OPTIONAL = UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, UpdateSubcode.OPTIONAL_ATTRIBUTE
REFUSED = {
    "nothing": (PLAIN, "", LIST),
    "four octets": (PLAIN, "0002 01 00", LIST),
    "four octets of an unknown family": (PLAIN, "0019 46 00", LIST),
    "next hop runs over": (PLAIN, f"0002 01 10 {H6[:-2]} 00", LIST),
    "no reserved octet": (PLAIN, f"0002 01 10 {H6}", LIST),
    "IPv4 over IPv6 that was not negotiated": (PLAIN, f"0001 01 10 {H6} 00 00", LIST),
    "IPv6 over IPv4": (PLAIN, f"0002 01 04 {H4} 00 00", LIST),
    "IPv6 /129": (PLAIN, f"0002 01 10 {H6} 00 81" + "00" * 17, OPTIONAL),
    "IPv6 prefix cut off": (PLAIN, f"0002 01 10 {H6} 00 20 2001", OPTIONAL),
    "path identifier cut off": (ADD_PATH, f"0002 01 10 {H6} 00 000000", OPTIONAL),
}


@pytest.mark.parametrize(("codec", "value", "octets"), REACH.values(), ids=REACH)
def test_reach_reads_both_ways(codec: Codec, value: MpReach, octets: str) -> None:
    body = bytes.fromhex(octets)

    assert MpReach.decode(body, codec) == value
    assert value.encode() == bytes((0x80, 14, len(body))) + body


@pytest.mark.parametrize(("codec", "octets", "subcode"), REFUSED.values(), ids=REFUSED)
def test_reach_is_refused(codec: Codec, octets: str, subcode: UpdateSubcode) -> None:
    with pytest.raises(MalformedAttributeError) as caught:
        MpReach.decode(bytes.fromhex(octets), codec)

    assert caught.value.subcode is subcode


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
def test_every_other_next_hop_length_is_refused(family: AddressFamily) -> None:
    right = {4, 16, 32} if family == IPV4_UNICAST else {16, 32}
    head = family.afi.to_bytes(2) + bytes((family.safi,))
    for length in set(range(256)) - right:
        with pytest.raises(MalformedAttributeError) as caught:
            MpReach.decode(head + bytes((length,)) + b"\x20" * length + b"\x00\x00", OVER_V6)
        assert caught.value.subcode is UpdateSubcode.MALFORMED_ATTRIBUTE_LIST


def test_a_second_next_hop_that_is_not_link_local_is_left_alone() -> None:
    value = MpReach.decode(bytes.fromhex(f"0002 01 20 {H6} {H6} 00"), PLAIN)

    assert value == MpReach(next_hop=V6, nlri=NlriField(IPV6_UNICAST))


@pytest.mark.parametrize(
    ("family", "octets"),
    [
        (AddressFamily(0, 0), "0000 00 09 00"),
        (AddressFamily(1, 255), "0001 ff ff ff"),
        (AddressFamily(16397, 1), "400d 01 05 00 00"),
        (AddressFamily(2, 1), "0002 01 09 000000000000000000"),
    ],
)
def test_a_family_not_negotiated_is_only_named(family: AddressFamily, octets: str) -> None:
    body = bytes.fromhex(octets)

    assert MpReach.decode(body, Codec()) == family
    assert MpUnreach.decode(body, Codec()) == family


@pytest.mark.parametrize("octets", ["", "00", "0002"])
def test_unreach_too_short_is_refused(octets: str) -> None:
    with pytest.raises(MalformedAttributeError) as caught:
        MpUnreach.decode(bytes.fromhex(octets), PLAIN)

    assert caught.value.subcode is UpdateSubcode.OPTIONAL_ATTRIBUTE


def test_unreach_with_half_a_prefix_is_refused() -> None:
    with pytest.raises(MalformedAttributeError) as caught:
        MpUnreach.decode(bytes.fromhex("0002 01 20 2001"), PLAIN)

    assert caught.value.subcode is UpdateSubcode.OPTIONAL_ATTRIBUTE


def test_a_long_value_gets_a_long_length_and_a_longer_one_none() -> None:
    assert encode_attribute(0x80, 15, bytes(255))[:3] == bytes.fromhex("80 0f ff")
    assert encode_attribute(0x80, 15, bytes(256))[:4] == bytes.fromhex("90 0f 0100")
    with pytest.raises(MalformedAttributeError):
        encode_attribute(0x80, 15, bytes(65536))


@given(st.data(), codecs())
def test_encoding_loses_nothing(data: st.DataObject, codec: Codec) -> None:
    reach, unreach = data.draw(mp_reaches(codec)), data.draw(mp_unreaches(codec))

    assert MpReach.decode(_value(reach.encode()), codec) == reach
    assert MpUnreach.decode(_value(unreach.encode()), codec) == unreach
    assert unreach.family == unreach.nlri.family


@given(st.binary(max_size=60), codecs())
def test_any_octets_decode_or_are_malformed(octets: bytes, codec: Codec) -> None:
    for decode in (MpReach.decode, MpUnreach.decode):
        for body in (octets, b"\x00\x01\x01" + octets, b"\x00\x02\x01\x10" + octets):
            try:
                value = decode(body, codec)
            except MalformedAttributeError:
                continue
            if not isinstance(value, AddressFamily):
                assert value.family in codec.families


def _value(attribute: bytes) -> bytes:
    return attribute[4:] if attribute[0] & 0x10 else attribute[3:]
