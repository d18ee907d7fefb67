"""`porter_bgp.wire.open`: RFC 4271 §4.2 and §6.2, RFC 9072 §2."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.capabilities import FourOctetAs, UnknownCapability
from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import OpenSubcode
from porter_bgp.wire.open import Open

ID = IPv4Address("192.0.2.1")
LONG = UnknownCapability(200, bytes(254))

# Read both ways: the value encodes to the octets, the octets decode to the value.
VECTORS = {
    "no optional parameters": (
        Open(my_as=65001, hold_time=90, bgp_identifier=ID),
        "04 fde9 005a c0000201 00",
    ),
    "four-octet AS number": (
        Open(my_as=23456, hold_time=0, bgp_identifier=ID, capabilities=(FourOctetAs(4200000001),)),
        "04 5ba0 0000 c0000201 08 02 06 41 04 fa56ea01",
    ),
    "extended optional parameters": (
        Open(my_as=1, hold_time=3, bgp_identifier=ID, capabilities=(LONG,)),
        "04 0001 0003 c0000201 ff ff 0103 02 0100 c8 fe" + "00" * 254,
    ),
}

REFUSED = {
    "version 3": ("03 fde9 005a c0000201 00", OpenSubcode.UNSUPPORTED_VERSION, b"\x00\x04"),
    "AS 0": ("04 0000 005a c0000201 00", OpenSubcode.BAD_PEER_AS, b""),
    "two AS numbers": (
        "04 fde9 005a c0000201 08 02 06 41 04 0000fdea",
        OpenSubcode.BAD_PEER_AS,
        b"",
    ),
    "AS_TRANS in four octets": (
        "04 5ba0 005a c0000201 08 02 06 41 04 00005ba0",
        OpenSubcode.BAD_PEER_AS,
        b"",
    ),
    "two four-octet AS numbers": (
        "04 5ba0 005a c0000201 0e 02 0c 41 04 00010001 41 04 00010002",
        OpenSubcode.BAD_PEER_AS,
        b"",
    ),
    "hold time 2 s": ("04 fde9 0002 c0000201 00", OpenSubcode.UNACCEPTABLE_HOLD_TIME, b""),
    "identifier 0.0.0.0": ("04 fde9 005a 00000000 00", OpenSubcode.BAD_BGP_IDENTIFIER, b""),
    "parameter 1": (
        "04 fde9 005a c0000201 02 01 00",
        OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER,
        b"",
    ),
    "length too long": ("04 fde9 005a c0000201 03 02 00", OpenSubcode.UNSPECIFIC, b""),
}


@pytest.mark.parametrize(("value", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(value: Open, octets: str) -> None:
    assert value.encode() == bytes.fromhex(octets)
    assert Open.decode(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(("octets", "subcode", "data"), REFUSED.values(), ids=REFUSED)
def test_refusal_carries_its_notification(octets: str, subcode: int, data: bytes) -> None:
    with pytest.raises(OpenMessageError) as caught:
        Open.decode(bytes.fromhex(octets))

    assert (caught.value.subcode, caught.value.data) == (subcode, data)


@pytest.mark.parametrize("octets", [octets for _, octets in VECTORS.values()], ids=VECTORS)
def test_every_truncation_and_any_surplus_is_refused(octets: str) -> None:
    whole = bytes.fromhex(octets)
    for damaged in [whole[:length] for length in range(len(whole))] + [whole + b"\x00"]:
        with pytest.raises(OpenMessageError):
            Open.decode(damaged)


@pytest.mark.parametrize(
    ("name", "asn"),
    [
        ("no optional parameters", 65001),
        ("four-octet AS number", 4200000001),
        ("extended optional parameters", 1),
    ],
)
def test_asn_is_the_four_octet_one_where_given(name: str, asn: int) -> None:
    value, _ = VECTORS[name]

    assert value.asn == asn


@given(st.binary(max_size=300))
def test_any_octets_either_decode_or_earn_a_notification(octets: bytes) -> None:
    try:
        value = Open.decode(octets)
    except OpenMessageError:
        return

    assert Open.decode(value.encode()) == value
