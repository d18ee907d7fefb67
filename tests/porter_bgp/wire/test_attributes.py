"""`porter_bgp.wire.attributes`: each attribute alone, read and written (RFC 4271 §4.3)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.wire.as_path import AsPath, AsPathSegment
from porter_bgp.wire.attributes import (
    ROWS,
    Aggregator,
    PathAttributes,
    RawAttribute,
    decode_attributes,
    encode_attributes,
)
from porter_bgp.wire.codec import Codec
from porter_bgp.wire.community import LargeCommunity
from porter_bgp.wire.errors import Verdict
from porter_bgp.wire.iana import AsPathSegmentType, Origin
from porter_bgp.wire.prefix import IPV6_UNICAST
from tests.strategies import codecs, path_attributes

EXTERNAL = Codec()
INTERNAL = Codec(external=False)
OLD = Codec(four_octet_as=False)
ID = IPv4Address("192.0.2.1")
BASE = "40 01 01 00  40 02 00"


def sequence(*asns: int) -> AsPath:
    return AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, asns),))


# Read both ways on the session given.
VECTORS = {
    "ORIGIN and an empty AS_PATH": (INTERNAL, PathAttributes(), BASE),
    "ORIGIN Incomplete": (
        INTERNAL,
        PathAttributes(origin=Origin.INCOMPLETE),
        "40 01 01 02  40 02 00",
    ),
    "AS_PATH": (
        EXTERNAL,
        PathAttributes(as_path=sequence(4200000001)),
        "40 01 01 00  40 02 06 02 01 fa56ea01",
    ),
    "NEXT_HOP": (EXTERNAL, PathAttributes(next_hop=ID), BASE + "40 03 04 c0000201"),
    "MED of 0": (EXTERNAL, PathAttributes(med=0), BASE + "80 04 04 00000000"),
    "LOCAL_PREF of 0": (INTERNAL, PathAttributes(local_pref=0), BASE + "40 05 04 00000000"),
    "ATOMIC_AGGREGATE": (EXTERNAL, PathAttributes(atomic_aggregate=True), BASE + "40 06 00"),
    "AGGREGATOR": (
        EXTERNAL,
        PathAttributes(aggregator=Aggregator(65001, ID)),
        BASE + "c0 07 08 0000fde9 c0000201",
    ),
    "GRACEFUL_SHUTDOWN": (
        EXTERNAL,
        PathAttributes(communities=(0xFFFF0000,)),
        BASE + "c0 08 04 ffff0000",
    ),
    "ORIGINATOR_ID and CLUSTER_LIST": (
        INTERNAL,
        PathAttributes(originator_id=ID, cluster_list=(ID, ID)),
        BASE + "80 09 04 c0000201  80 0a 08 c0000201 c0000201",
    ),
    "link bandwidth of 10 Gbit/s": (
        EXTERNAL,
        PathAttributes(extended_communities=(bytes.fromhex("40045ba04e9502f9"),)),
        BASE + "c0 10 08 4004 5ba0 4e9502f9",
    ),
    "IPv6 extended community": (
        EXTERNAL,
        PathAttributes(ipv6_extended_communities=(bytes(range(20)),)),
        BASE + "c0 19 14" + bytes(range(20)).hex(),
    ),
    "large communities": (
        EXTERNAL,
        PathAttributes(large_communities=(LargeCommunity(4200000001, 1, 2),)),
        BASE + "c0 20 0c fa56ea01 00000001 00000002",
    ),
    "OTC": (EXTERNAL, PathAttributes(only_to_customer=65001), BASE + "c0 23 04 0000fde9"),
    "unknown, between known ones": (
        EXTERNAL,
        PathAttributes(unknown=(RawAttribute(0xE0, 23, b"\x00\x01"),), only_to_customer=1),
        BASE + "e0 17 02 0001  c0 23 04 00000001",
    ),
    "old peer, short numbers": (
        OLD,
        PathAttributes(as_path=sequence(65001), aggregator=Aggregator(65001, ID)),
        "40 01 01 00  40 02 04 02 01 fde9  c0 07 06 fde9 c0000201",
    ),
    "old peer, long numbers": (
        OLD,
        PathAttributes(as_path=sequence(4200000001, 1), aggregator=Aggregator(4200000001, ID)),
        (
            "40 01 01 00  40 02 06 02 02 5ba0 0001  c0 07 06 5ba0 c0000201"
            "c0 11 0a 02 02 fa56ea01 00000001  c0 12 08 fa56ea01 c0000201"
        ),
    ),
}


@pytest.mark.parametrize(("codec", "value", "octets"), VECTORS.values(), ids=VECTORS)
def test_vector_reads_both_ways(codec: Codec, value: PathAttributes, octets: str) -> None:
    assert encode_attributes(value, codec) == bytes.fromhex(octets)

    decoded = decode_attributes(bytes.fromhex(octets), codec)

    assert decoded.attributes == value
    assert decoded.faults == ()


def test_the_table_has_one_row_a_type_in_order() -> None:
    types = [row.type for row in ROWS]

    assert types == sorted(set(types))


def test_what_may_not_leave_the_as_stays() -> None:
    value = PathAttributes(local_pref=100, originator_id=ID, cluster_list=(ID,))

    assert encode_attributes(value, EXTERNAL) == bytes.fromhex(BASE)


def test_next_hop_is_written_for_ipv4_alone() -> None:
    over_v4 = PathAttributes(next_hop=ID)
    over_v6 = PathAttributes(next_hop=IPv6Address("2001:db8::1"))

    assert encode_attributes(over_v4, EXTERNAL, family=IPV6_UNICAST) == bytes.fromhex(BASE)
    assert encode_attributes(over_v6, EXTERNAL) == bytes.fromhex(BASE)


def test_the_length_form_is_the_senders_choice() -> None:
    short, long = bytes.fromhex("40010100"), bytes.fromhex("5001000100")

    assert decode_attributes(short, EXTERNAL) == decode_attributes(long, EXTERNAL)


def test_a_block_of_nothing_has_no_attributes() -> None:
    assert decode_attributes(b"", EXTERNAL).attributes is None


class TestUnknown:
    def test_transitive_is_kept_and_marked_partial(self) -> None:
        decoded = decode_attributes(bytes.fromhex("c0 fe 02 beef"), EXTERNAL)

        assert decoded.attributes is not None
        assert decoded.attributes.unknown == (RawAttribute(0xE0, 0xFE, b"\xbe\xef"),)
        assert encode_attributes(decoded.attributes, EXTERNAL).endswith(b"\xe0\xfe\x02\xbe\xef")

    def test_non_transitive_is_kept_and_not_passed_on(self) -> None:
        decoded = decode_attributes(bytes.fromhex("80 fd 02 beef"), EXTERNAL)

        assert decoded.attributes is not None
        assert decoded.attributes.unknown == (RawAttribute(0x80, 0xFD, b"\xbe\xef"),)
        assert encode_attributes(decoded.attributes, EXTERNAL) == bytes.fromhex(BASE)

    def test_a_long_one_survives_with_its_value(self) -> None:
        block = bytes.fromhex("f0 17 fff0") + bytes(65520)

        decoded = decode_attributes(block, EXTERNAL)

        assert decoded.attributes is not None
        assert encode_attributes(decoded.attributes, EXTERNAL).endswith(block)


class TestFourOctetNumbersThroughOldSpeakers:
    """RFC 6793 §4.2.3, in any order of the attributes."""

    AS_PATH = "40 02 08 02 03 0001 5ba0 0002"
    AS4_PATH = "c0 11 0a 02 02 fa56ea01 00000002"
    TRANS_AGGREGATOR = "c0 07 06 5ba0 c0000201"
    TRUE_AGGREGATOR = "c0 07 06 0005 c0000205"
    AS4_AGGREGATOR = "c0 12 08 fa56ea01 c0000201"

    @pytest.mark.parametrize("reverse", [False, True])
    def test_both_are_merged(self, reverse: bool) -> None:  # noqa: FBT001  a column
        parts = [self.AS_PATH, self.AS4_PATH, self.TRANS_AGGREGATOR, self.AS4_AGGREGATOR]
        block = bytes.fromhex("".join(reversed(parts) if reverse else parts))

        value = decode_attributes(block, OLD).attributes

        assert value == PathAttributes(
            as_path=sequence(1, 4200000001, 2), aggregator=Aggregator(4200000001, ID)
        )

    def test_an_aggregator_of_two_octets_is_newer_than_both(self) -> None:
        parts = [self.AS_PATH, self.TRUE_AGGREGATOR, self.AS4_PATH, self.AS4_AGGREGATOR]

        value = decode_attributes(bytes.fromhex("".join(parts)), OLD).attributes

        assert value == PathAttributes(
            as_path=sequence(1, 23456, 2), aggregator=Aggregator(5, IPv4Address("192.0.2.5"))
        )

    def test_as4_aggregator_alone_means_nothing(self) -> None:
        block = bytes.fromhex(self.AS_PATH + self.AS4_AGGREGATOR)

        value = decode_attributes(block, OLD).attributes

        assert value == PathAttributes(as_path=sequence(1, 23456, 2))

    def test_an_aggregator_without_its_as4_one_stays(self) -> None:
        block = bytes.fromhex(self.AS_PATH + self.TRANS_AGGREGATOR)

        value = decode_attributes(block, OLD).attributes

        assert value == PathAttributes(
            as_path=sequence(1, 23456, 2), aggregator=Aggregator(23456, ID)
        )

    def test_confederations_in_as4_path_are_dropped(self) -> None:
        block = bytes.fromhex("40 02 04 02 01 5ba0  c0 11 0c 03 01 00000009 02 01 fa56ea01")

        value = decode_attributes(block, OLD).attributes

        assert value == PathAttributes(as_path=sequence(4200000001))

    def test_a_malformed_as4_path_costs_only_itself(self) -> None:
        block = bytes.fromhex(self.AS_PATH + "c0 11 03 02 02 00")

        decoded = decode_attributes(block, OLD)

        assert decoded.attributes == PathAttributes(as_path=sequence(1, 23456, 2))
        assert [fault.verdict for fault in decoded.faults] == [Verdict.DISCARD]


class TestCache:
    def test_equal_blocks_are_one_value(self) -> None:
        block = bytes.fromhex(BASE + "40 03 04 c0000201")

        first, second = (decode_attributes(bytes(bytearray(block)), EXTERNAL) for _ in range(2))

        assert first.attributes is second.attributes

    def test_another_session_reads_the_same_octets_its_own_way(self) -> None:
        block = bytes.fromhex("40 05 04 00000064  40 02 06 02 01 fa56ea01")
        for _ in range(2):
            external = decode_attributes(block, EXTERNAL).attributes
            internal = decode_attributes(block, INTERNAL).attributes
            old = decode_attributes(block, replace(INTERNAL, four_octet_as=False))

            assert external == PathAttributes(as_path=sequence(4200000001))
            assert internal == replace(PathAttributes(local_pref=100), as_path=sequence(4200000001))
            assert [fault.verdict for fault in old.faults] == [Verdict.TREAT_AS_WITHDRAW]

    def test_a_block_longer_than_the_cache_takes_reads_the_same(self) -> None:
        block = bytes.fromhex(BASE + "d0 08 0800") + bytes(2048)

        value = decode_attributes(block, EXTERNAL).attributes

        assert value == PathAttributes(communities=(0,) * 512)


class TestEquality:
    def test_equal_values_hash_alike(self) -> None:
        first, second = (PathAttributes(med=7, communities=(1, 2)) for _ in range(2))

        assert first == second
        assert len({first, second}) == 1

    def test_every_field_counts(self) -> None:
        changed = [
            PathAttributes(),
            PathAttributes(origin=Origin.EGP),
            PathAttributes(as_path=sequence(1)),
            PathAttributes(next_hop=ID),
            PathAttributes(link_local=IPv6Address("fe80::1")),
            PathAttributes(med=0),
            PathAttributes(local_pref=0),
            PathAttributes(atomic_aggregate=True),
            PathAttributes(aggregator=Aggregator(1, ID)),
            PathAttributes(communities=(0,)),
            PathAttributes(extended_communities=(bytes(8),)),
            PathAttributes(ipv6_extended_communities=(bytes(20),)),
            PathAttributes(large_communities=(LargeCommunity(0, 0, 0),)),
            PathAttributes(originator_id=ID),
            PathAttributes(cluster_list=(ID,)),
            PathAttributes(only_to_customer=1),
            PathAttributes(unknown=(RawAttribute(0xC0, 99, b""),)),
        ]

        assert len(set(changed)) == len({hash(value) for value in changed}) == len(changed)


@given(st.data(), codecs())
def test_encoding_loses_nothing(data: st.DataObject, codec: Codec) -> None:
    value = data.draw(path_attributes(codec))

    decoded = decode_attributes(encode_attributes(value, codec), codec)

    assert decoded.attributes == value
    assert decoded.faults == ()


@given(st.binary(max_size=200), codecs())
def test_any_octets_decode_and_what_they_say_can_be_said_again(octets: bytes, codec: Codec) -> None:
    value = decode_attributes(octets, codec).attributes
    if value is None:
        return

    again = decode_attributes(encode_attributes(value, codec), codec).attributes

    assert again is not None
    assert encode_attributes(again, codec) == encode_attributes(value, codec)
