"""RFC 7606 as a table: what an UPDATE with one thing wrong comes to, outside and inside an AS.

W is treat-as-withdraw, D is attribute discard, A is accepted, I is ignored, and 3/n the subcode
of the NOTIFICATION that ends the session.
"""

from __future__ import annotations

import pytest

from porter_bgp.wire.codec import Codec
from porter_bgp.wire.errors import UpdateMessageError, Verdict
from porter_bgp.wire.prefix import IPV4_UNICAST, IPV6_UNICAST, Prefix, nlri_key
from porter_bgp.wire.update import Update, update_body

EXTERNAL = Codec(
    peer_asn=65001, enforce_first_as=True, local_addresses=frozenset({b"\x0a\0\0\x01"})
)
INTERNAL = Codec(
    external=False, enforce_first_as=True, local_addresses=frozenset({b"\x0a\0\0\x01"})
)
NLRI = "20 cb00710a"
KEY = nlri_key(Prefix.parse("203.0.113.10/32"))
ORIGIN, AS_PATH, NEXT_HOP = "40 01 01 00", "40 02 06 02 01 0000fde9", "40 03 04 0a00000b"
LOCAL_PREF = "40 05 04 00000064"
GOOD = ORIGIN + AS_PATH + NEXT_HOP

# What stands in place of one mandatory attribute, or behind all of them.
IN_PLACE_OF_ORIGIN = {
    "flags optional transitive": ("c0 01 01 00", "W", "W"),
    "flags without transitive": ("00 01 01 00", "W", "W"),
    "length 0": ("40 01 00", "W", "W"),
    "length 2": ("40 01 02 0000", "W", "W"),
    "value 3": ("40 01 01 03", "W", "W"),
    "value 255": ("40 01 01 ff", "W", "W"),
    "missing": ("", "W", "W"),
    "twice": (ORIGIN + "40 01 01 02", "D", "D"),
    "unused flag bits": ("4f 01 01 00", "A", "A"),
    "partial": ("60 01 01 00", "A", "A"),
}
IN_PLACE_OF_AS_PATH = {
    "missing": ("", "W", "W"),
    "flags optional": ("c0 02 06 02 01 0000fde9", "W", "W"),
    "segment type 0": ("40 02 06 00 01 0000fde9", "W", "W"),
    "segment type 5": ("40 02 06 05 01 0000fde9", "W", "W"),
    "no AS numbers in a segment": ("40 02 08 02 01 0000fde9 02 00", "W", "W"),
    "segment runs over": ("40 02 06 02 02 0000fde9", "W", "W"),
    "odd octet": ("40 02 07 02 01 0000fde9 02", "W", "W"),
    "AS 0": ("40 02 0a 02 02 0000fde9 00000000", "W", "W"),
    "confederation segment": ("40 02 0c 02 01 0000fde9 03 01 00000001", "W", "A"),
    "empty": ("40 02 00", "W", "A"),
    "first AS is not the peer's": ("40 02 06 02 01 0000fdea", "W", "A"),
    "begins with a set": ("40 02 06 01 01 0000fde9", "W", "A"),
    "twice": (AS_PATH + "40 02 00", "D", "D"),
    "255 AS numbers": ("50 02 03fe 02 ff" + "0000fde9" * 255, "A", "A"),
}
IN_PLACE_OF_NEXT_HOP = {
    "missing": ("", "W", "W"),
    "flags optional": ("c0 03 04 0a00000b", "W", "W"),
    "length 3": ("40 03 03 0a0000", "W", "W"),
    "length 5": ("40 03 05 0a00000b00", "W", "W"),
    "length 0": ("40 03 00", "W", "W"),
    "length 16": ("40 03 10" + "20" * 16, "W", "W"),
    "unspecified": ("40 03 04 00000000", "W", "W"),
    "0.0.0.1": ("40 03 04 00000001", "W", "W"),
    "127.0.0.1": ("40 03 04 7f000001", "W", "W"),
    "224.0.0.1": ("40 03 04 e0000001", "W", "W"),
    "240.0.0.1": ("40 03 04 f0000001", "W", "W"),
    "255.255.255.255": ("40 03 04 ffffffff", "W", "W"),
    "our own address": ("40 03 04 0a000001", "W", "W"),
}
BEHIND = {
    "MED length 3": ("80 04 03 000000", "W", "W"),
    "MED length 5": ("80 04 05 0000000000", "W", "W"),
    "MED flagged transitive": ("c0 04 04 00000000", "W", "W"),
    "ATOMIC_AGGREGATE length 1": ("40 06 01 00", "D", "D"),
    "ATOMIC_AGGREGATE flagged optional": ("c0 06 00", "D", "D"),
    "AGGREGATOR length 5": ("c0 07 05 0000000000", "D", "D"),
    "AGGREGATOR length 6 from a four-octet peer": ("c0 07 06 fde9 0a00000b", "D", "D"),
    "AGGREGATOR of AS 0": ("c0 07 08 00000000 0a00000b", "D", "D"),
    "COMMUNITIES length 0": ("c0 08 00", "W", "W"),
    "COMMUNITIES length 5": ("c0 08 05 0000000000", "W", "W"),
    "COMMUNITIES flagged non-transitive": ("80 08 04 00000000", "W", "W"),
    "COMMUNITIES twice": ("c0 08 04 00000001 c0 08 04 00000002", "D", "D"),
    "255 communities": ("d0 08 03fc" + "fde90064" * 255, "A", "A"),
    "ORIGINATOR_ID": ("80 09 04 0a000001", "D", "A"),
    "ORIGINATOR_ID length 3": ("80 09 03 0a0000", "D", "W"),
    "ORIGINATOR_ID flagged transitive": ("c0 09 04 0a000001", "D", "W"),
    "CLUSTER_LIST": ("80 0a 04 0a000001", "D", "A"),
    "CLUSTER_LIST length 0": ("80 0a 00", "D", "W"),
    "CLUSTER_LIST length 5": ("80 0a 05 0a00000100", "D", "W"),
    "EXTENDED_COMMUNITIES length 0": ("c0 10 00", "W", "W"),
    "EXTENDED_COMMUNITIES length 9": ("c0 10 09" + "00" * 9, "W", "W"),
    "AS4_PATH from a four-octet peer": ("c0 11 06 02 01 0000fde9", "D", "D"),
    "AS4_AGGREGATOR from a four-octet peer": ("c0 12 08 0000fde9 0a00000b", "D", "D"),
    "AS4_AGGREGATOR length 7": ("c0 12 07" + "00" * 7, "D", "D"),
    "IPv6 extended communities length 0": ("c0 19 00", "W", "W"),
    "IPv6 extended communities length 19": ("c0 19 13" + "00" * 19, "W", "W"),
    "LARGE_COMMUNITY length 0": ("c0 20 00", "W", "W"),
    "LARGE_COMMUNITY length 13": ("c0 20 0d" + "00" * 13, "W", "W"),
    "OTC length 3": ("c0 23 03 000000", "W", "W"),
    "OTC of AS 0": ("c0 23 04 00000000", "W", "W"),
    "Prefix-SID whose TLV runs over": ("c0 28 04 01 ffff 00", "A", "A"),
    "Prefix-SID whose TLV has length 0": ("c0 28 03 01 0000", "A", "A"),
    "Tunnel Encapsulation whose sub-TLV runs over": ("c0 17 06 0001 ffff 01 ff", "A", "A"),
    "AIGP of nothing": ("80 1a 00", "A", "A"),
    "attribute 28 length 0": ("c0 1c 00", "A", "A"),
    "unknown optional transitive": ("c0 fe 01 00", "A", "A"),
    "unknown optional non-transitive": ("80 fd 01 00", "A", "A"),
    "unknown twice": ("c0 fe 01 00 c0 fe 01 01", "D", "D"),
    "unknown well-known": ("40 63 00", "3/2", "3/2"),
    "attribute type 0, well-known": ("40 00 00", "3/2", "3/2"),
    "runs over the block": ("80 04 05 00000000", "W", "W"),
    "extended length of 65535": ("d0 08 ffff 00", "W", "W"),
    "extended length cut off": ("d0 08 00", "W", "W"),
    "two octets of a header": ("c0 08", "W", "W"),
    "one octet of a header": ("c0", "W", "W"),
    "MP_REACH_NLRI runs over": ("80 0e ff 0002 01", "3/1", "3/1"),
    "MP_UNREACH_NLRI runs over": ("80 0f ff 0002 01", "3/1", "3/1"),
    "MP_REACH_NLRI of nothing": ("80 0e 00", "3/1", "3/1"),
    "MP_REACH_NLRI truncated": ("80 0e 04 0001 01 04", "3/1", "3/1"),
    "MP_REACH_NLRI with half a next hop": ("80 0e 07 0001 01 04 0a0000", "3/1", "3/1"),
    "MP_REACH_NLRI with a next hop of 5": ("80 0e 0a 0001 01 05 0a00000b00 00", "3/1", "3/1"),
    "MP_REACH_NLRI flagged transitive": ("c0 0e 09 0001 01 04 0a00000b 00", "3/4", "3/4"),
    "MP_REACH_NLRI flagged well-known": ("40 0e 09 0001 01 04 0a00000b 00", "3/4", "3/4"),
    "MP_REACH_NLRI twice": ("80 0e 09 0001 01 04 0a00000b 00" * 2, "3/1", "3/1"),
    "MP_REACH_NLRI /33": ("80 0e 0f 0001 01 04 0a00000b 00 21 0000000000", "3/9", "3/9"),
    "MP_UNREACH_NLRI of two octets": ("80 0f 02 0001", "3/9", "3/9"),
    "MP_UNREACH_NLRI truncated": ("80 0f 06 0001 01 20 cb00", "3/9", "3/9"),
    "MP_UNREACH_NLRI flagged transitive": ("c0 0f 03 0001 01", "3/4", "3/4"),
    "MP_UNREACH_NLRI twice": ("80 0f 03 0001 01" * 2, "3/1", "3/1"),
    "family not negotiated, next hop of 9": ("80 0e 0e 0002 01 09 000000000000000000 00", "I", "I"),
    "family not negotiated, AFI 16397": ("80 0e 05 400d 01 00 00", "I", "I"),
    "family not negotiated, withdrawn": ("80 0f 04 0002 01 ff", "I", "I"),
    "discard and withdraw: the stronger wins": ("40 06 01 00  80 04 03 000000", "W", "W"),
    "withdraw and reset: the stronger wins": ("80 04 03 000000  40 63 00", "3/2", "3/2"),
}
LOCAL_PREFERENCE = {
    "well formed": (LOCAL_PREF, "D", "A"),
    "length 3": ("40 05 03 000000", "D", "W"),
    "length 5": ("40 05 05 0000000000", "D", "W"),
    "flagged optional": ("c0 05 04 00000064", "D", "W"),
    "missing": ("", "A", "W"),
}

ROWS = {
    **{
        f"ORIGIN {name}": (row[0] + AS_PATH + NEXT_HOP, *row[1:])
        for name, row in IN_PLACE_OF_ORIGIN.items()
    },
    **{
        f"AS_PATH {name}": (ORIGIN + row[0] + NEXT_HOP, *row[1:])
        for name, row in IN_PLACE_OF_AS_PATH.items()
    },
    **{
        f"NEXT_HOP {name}": (ORIGIN + AS_PATH + row[0], *row[1:])
        for name, row in IN_PLACE_OF_NEXT_HOP.items()
    },
    **{name: (GOOD + row[0], *row[1:]) for name, row in BEHIND.items()},
}


def outcome(block: str, codec: Codec, *, nlri: str = NLRI, withdrawn: str = "") -> str:
    body = update_body(*(bytes.fromhex(field) for field in (withdrawn, block, nlri)))
    try:
        update = Update.decode(body, codec)
    except UpdateMessageError as error:
        return f"{error.code}/{error.subcode}"
    announced = [key for _, keys, _ in update.announced() for key in keys]
    gone = [key for _, keys in update.withdrawn_keys() for key in keys]
    if update.verdict is Verdict.TREAT_AS_WITHDRAW:
        assert (announced, KEY in gone) == ([], True)
        return "W"
    assert announced == [KEY]
    if update.ignored:
        return "I"
    return "A" if update.verdict is None else "D"


@pytest.mark.parametrize(("block", "outside", "inside"), ROWS.values(), ids=ROWS)
def test_verdict(block: str, outside: str, inside: str) -> None:
    assert outcome(block, EXTERNAL) == outside
    assert outcome(LOCAL_PREF + block, INTERNAL) == inside


@pytest.mark.parametrize(
    ("local_pref", "outside", "inside"), LOCAL_PREFERENCE.values(), ids=LOCAL_PREFERENCE
)
def test_verdict_of_local_pref(local_pref: str, outside: str, inside: str) -> None:
    assert outcome(GOOD + local_pref, EXTERNAL) == outside
    assert outcome(GOOD + local_pref, INTERNAL) == inside


@pytest.mark.parametrize("path", ["40 02 00", "40 02 06 02 01 0000fdea"])
def test_any_first_as_is_accepted_where_it_is_not_enforced(path: str) -> None:
    assert outcome(ORIGIN + path + NEXT_HOP, Codec(peer_asn=65001)) == "A"


@pytest.mark.parametrize(
    ("codec", "expected"), [(Codec(loopback=True), "A"), (Codec(loopback=False), "W")]
)
def test_a_loopback_next_hop_needs_a_loopback_session(codec: Codec, expected: str) -> None:
    assert outcome(ORIGIN + AS_PATH + "40 03 04 7f00000b", codec) == expected


MP_NEXT_HOPS = {
    "global": ("20010db8" + "00" * 11 + "11", "A"),
    "link-local": ("fe80" + "00" * 13 + "11", "A"),
    "unspecified": ("00" * 16, "W"),
    "loopback": ("00" * 15 + "01", "W"),
    "multicast": ("ff02" + "00" * 13 + "01", "W"),
    "IPv4-mapped": ("00" * 10 + "ffff 0a00000b", "W"),
    "our own": ("20010db8" + "00" * 11 + "01", "W"),
}


@pytest.mark.parametrize(("next_hop", "expected"), MP_NEXT_HOPS.values(), ids=MP_NEXT_HOPS)
def test_verdict_of_an_ipv6_next_hop(next_hop: str, expected: str) -> None:
    own = bytes.fromhex("20010db8" + "00" * 11 + "01")
    codec = Codec(families=frozenset({IPV6_UNICAST}), local_addresses=frozenset({own}))
    block = bytes.fromhex(f"80 0e 1a 0002 01 10 {next_hop} 00 20 20010db8" + ORIGIN + AS_PATH)

    update = Update.decode(update_body(b"", block, b""), codec)

    assert ("W" if list(update.withdrawn_keys()) else "A") == expected
    assert bool(list(update.announced())) is (expected == "A")


WITHOUT_ROUTES = {
    "bad MED": (GOOD + "80 04 03 000000", "3/5"),
    "runs over": (GOOD + "80 04 05 00000000", "3/1"),
    "bad ORIGIN": ("40 01 01 07", "3/6"),
    "bad flags": ("c0 01 01 00", "3/4"),
    "bad AS_PATH": ("40 02 01 02", "3/11"),
    "unknown well-known": ("40 63 00", "3/2"),
    "bad MED beside withdrawn IPv6": (
        "80 04 03 000000 80 0f 08 0001 01 20 cb00710b",
        "3/5",
    ),
    "bad MED beside a next hop without routes": (
        "80 04 03 000000 80 0e 09 0001 01 04 0a00000b 00",
        "3/5",
    ),
}


@pytest.mark.parametrize("withdrawn", ["", "20 cb00710a"])
@pytest.mark.parametrize(("block", "expected"), WITHOUT_ROUTES.values(), ids=WITHOUT_ROUTES)
def test_worse_than_discard_without_routes_is_a_reset(
    block: str, expected: str, withdrawn: str
) -> None:
    assert outcome(block, Codec(), nlri="", withdrawn=withdrawn) == expected


def test_a_discard_without_routes_is_no_reset_and_no_end_of_rib() -> None:
    body = update_body(b"", bytes.fromhex("40 06 01 00"), b"")

    update = Update.decode(body, Codec())

    assert update.verdict is Verdict.DISCARD
    assert update.end_of_rib is None


def test_a_fault_beside_routes_that_are_ignored_is_no_reset() -> None:
    ignored = "80 0e 09 0002 01 04 0a00000b 00"
    body = update_body(b"", bytes.fromhex("80 04 03 000000" + ignored), b"")

    update = Update.decode(body, Codec())

    assert update.ignored == {IPV6_UNICAST}
    assert (list(update.announced()), list(update.withdrawn_keys())) == ([], [])


FIELDS = {
    "withdrawn length exceeds the message": ("0005 20 cb00710a", "3/1"),
    "attribute length exceeds the message": ("0000 0005 40010100", "3/1"),
    "attribute length cut off": ("0000 00", "3/1"),
    "withdrawn length 65535": ("ffff 0000", "3/1"),
    "withdrawn /33": ("0006 21 0000000000 0000", "3/10"),
    "withdrawn cut off": ("0004 20 cb0071 0000", "3/10"),
    "NLRI /33": ("0000 0014" + ORIGIN + AS_PATH + NEXT_HOP + "21 0000000000", "3/10"),
    "NLRI cut off": ("0000 0014" + ORIGIN + AS_PATH + NEXT_HOP + "20 cb0071", "3/10"),
}


@pytest.mark.parametrize(("body", "expected"), FIELDS.values(), ids=FIELDS)
def test_fields_that_cannot_be_divided_are_a_reset(body: str, expected: str) -> None:
    with pytest.raises(UpdateMessageError) as caught:
        Update.decode(bytes.fromhex(body), Codec())

    assert f"{caught.value.code}/{caught.value.subcode}" == expected


DATA = {
    "unknown well-known: the attribute": (GOOD + "40 63 02 beef", NLRI, "40 63 02 beef"),
    "bad length: the attribute": (GOOD + "80 04 03 000000", "", "80 04 03 000000"),
    "bad MP flags: the attribute": (GOOD + "c0 0f 03 0001 01", "", "c0 0f 03 0001 01"),
    "malformed list: nothing": (GOOD + "80 04 05 00", "", ""),
    "malformed AS_PATH: nothing": ("40 02 01 02", "", ""),
}


@pytest.mark.parametrize(("block", "nlri", "data"), DATA.values(), ids=DATA)
def test_a_reset_carries_what_rfc_4271_asks_for(block: str, nlri: str, data: str) -> None:
    body = update_body(b"", bytes.fromhex(block), bytes.fromhex(nlri))

    with pytest.raises(UpdateMessageError) as caught:
        Update.decode(body, Codec())

    assert caught.value.data == bytes.fromhex(data)


def test_the_first_of_two_counts() -> None:
    block = bytes.fromhex(GOOD + "80 04 04 00000001 80 04 04 00000002")

    update = Update.decode(update_body(b"", block, bytes.fromhex(NLRI)), Codec())

    ((family, _, attributes),) = update.announced()
    assert (family, attributes.med) == (IPV4_UNICAST, 1)
