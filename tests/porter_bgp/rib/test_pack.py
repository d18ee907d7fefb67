"""`porter_bgp.rib.pack`: which field a route stands in, and that a message is full."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address

import pytest

from porter_bgp.rib.pack import Packer, fits
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    Codec,
    NlriKey,
    PathAttributes,
    Prefix,
    nlri_key,
)

MARKER = "ff" * 16
PLAIN = Codec(families=frozenset({IPV4_UNICAST, IPV6_UNICAST}))
ADD_PATH = Codec(families=PLAIN.families, add_path_send=frozenset({IPV4_UNICAST, IPV6_UNICAST}))
V4 = PathAttributes(next_hop=IPv4Address("192.0.2.1"))
V6 = PathAttributes(next_hop=IPv6Address("2001:db8::1"))
LINK_LOCAL = PathAttributes(next_hop=IPv6Address("2001:db8::1"), link_local=IPv6Address("fe80::1"))
ORIGIN, NO_PATH = "400101 00", "400200"
BOTH_NEXT_HOPS = "20 20010db8000000000000000000000001 fe800000000000000000000000000001 00"
NEXT_HOP_V6 = "10 20010db8000000000000000000000001 00"


def key(prefix: str, path_id: int = 0) -> NlriKey:
    return nlri_key(Prefix.parse(prefix), path_id)


def queue(*keys: NlriKey) -> OrderedDict[NlriKey, PathAttributes | None]:
    return OrderedDict.fromkeys(keys)


# Family, codec, attributes, routes, and the message behind its marker.
SPELLINGS: dict[str, tuple[AddressFamily, Codec, PathAttributes | None, list[NlriKey], str]] = {
    "IPv4 comes in the NLRI field": (
        IPV4_UNICAST,
        PLAIN,
        V4,
        [key("198.51.100.1/32"), key("198.51.100.0/24")],
        f"002e 02 0000 000e {ORIGIN} {NO_PATH} 400304 c0000201 20 c6336401 18 c63364",
    ),
    "IPv4 goes in the withdrawn field": (
        IPV4_UNICAST,
        PLAIN,
        None,
        [key("198.51.100.1/32")],
        "001c 02 0005 20 c6336401 0000",
    ),
    "IPv4 comes with its path identifier": (
        IPV4_UNICAST,
        ADD_PATH,
        V4,
        [key("198.51.100.1/32", 7)],
        f"002e 02 0000 000e {ORIGIN} {NO_PATH} 400304 c0000201 00000007 20 c6336401",
    ),
    "IPv4 goes with its path identifier": (
        IPV4_UNICAST,
        ADD_PATH,
        None,
        [key("198.51.100.1/32", 7)],
        "0020 02 0009 00000007 20 c6336401 0000",
    ),
    "a path identifier is kept from who does not read it": (
        IPV4_UNICAST,
        PLAIN,
        None,
        [key("198.51.100.1/32", 7)],
        "001c 02 0005 20 c6336401 0000",
    ),
    "IPv4 with an IPv6 next hop comes in MP_REACH_NLRI, first of all": (
        IPV4_UNICAST,
        PLAIN,
        V6,
        [key("198.51.100.1/32")],
        f"003b 02 0000 0024 800e1a 0001 01 {NEXT_HOP_V6} 20 c6336401 {ORIGIN} {NO_PATH}",
    ),
    "IPv6 comes in MP_REACH_NLRI, first of all": (
        IPV6_UNICAST,
        PLAIN,
        V6,
        [key("2001:db8:1::/48")],
        f"003d 02 0000 0026 800e1c 0002 01 {NEXT_HOP_V6} 30 20010db80001 {ORIGIN} {NO_PATH}",
    ),
    "IPv6 comes with both next hops where there are two": (
        IPV6_UNICAST,
        PLAIN,
        LINK_LOCAL,
        [key("2001:db8:1::/48")],
        f"004d 02 0000 0036 800e2c 0002 01 {BOTH_NEXT_HOPS} 30 20010db80001 {ORIGIN} {NO_PATH}",
    ),
    "IPv6 goes in MP_UNREACH_NLRI": (
        IPV6_UNICAST,
        PLAIN,
        None,
        [key("2001:db8:1::/48")],
        "0024 02 0000 000d 800f0a 0002 01 30 20010db80001",
    ),
}


@pytest.mark.parametrize(
    ("family", "codec", "attributes", "keys", "octets"), SPELLINGS.values(), ids=SPELLINGS
)
def test_each_route_stands_in_its_one_field(
    family: AddressFamily,
    codec: Codec,
    attributes: PathAttributes | None,
    keys: list[NlriKey],
    octets: str,
) -> None:
    waiting = queue(*keys)

    packed = Packer(family, codec).pack(attributes, waiting, 4096)

    assert packed == (bytes.fromhex(MARKER + octets), keys)
    assert not waiting


@pytest.mark.parametrize(
    ("family", "octets"),
    [(IPV4_UNICAST, "0017 02 0000 0000"), (IPV6_UNICAST, "001d 02 0000 0006 800f03 0002 01")],
    ids=str,
)
def test_end_of_rib_withdraws_nothing(family: AddressFamily, octets: str) -> None:
    assert Packer(family, PLAIN).end_of_rib() == bytes.fromhex(MARKER + octets)


HOSTS_V4 = [key(f"198.51.{n >> 8}.{n & 255}") for n in range(20_000)]
HOSTS_V6 = [key(f"2001:db8::{n:x}") for n in range(8_000)]

FULL = {
    "IPv4, 4096 octets": (IPV4_UNICAST, PLAIN, V4, HOSTS_V4, 5),
    "IPv4 with path identifiers": (IPV4_UNICAST, ADD_PATH, V4, HOSTS_V4, 9),
    "IPv4 withdrawn": (IPV4_UNICAST, PLAIN, None, HOSTS_V4, 5),
    "IPv4 over IPv6": (IPV4_UNICAST, PLAIN, V6, HOSTS_V4, 5),
    "IPv6, 4096 octets": (IPV6_UNICAST, PLAIN, V6, HOSTS_V6, 17),
    "IPv6 withdrawn": (IPV6_UNICAST, PLAIN, None, HOSTS_V6, 17),
    "IPv4, 65535 octets": (IPV4_UNICAST, Codec(max_send=65535), V4, HOSTS_V4, 5),
    "IPv6, 65535 octets": (IPV6_UNICAST, Codec(max_send=65535), V6, HOSTS_V6, 17),
}


@pytest.mark.parametrize(
    ("family", "codec", "attributes", "keys", "width"), FULL.values(), ids=FULL
)
def test_a_message_has_no_room_for_one_more(
    family: AddressFamily,
    codec: Codec,
    attributes: PathAttributes | None,
    keys: list[NlriKey],
    width: int,
) -> None:
    waiting = queue(*keys)

    packed = Packer(family, codec).pack(attributes, waiting, 1_000_000)

    assert packed is not None
    message, taken = packed
    assert codec.max_send - width < len(message) <= codec.max_send
    assert taken + list(waiting) == keys


@pytest.mark.parametrize(
    ("family", "codec", "attributes", "keys", "width"), FULL.values(), ids=FULL
)
def test_no_room_is_exceeded_or_wasted(
    family: AddressFamily,
    codec: Codec,
    attributes: PathAttributes | None,
    keys: list[NlriKey],
    width: int,
) -> None:
    packer = Packer(family, codec)
    rooms = range(250, 340)  # the length of an MP attribute grows in here

    packed = [packer.pack(attributes, queue(*keys[:100]), room) for room in rooms]

    left = [room - len(p[0]) for room, p in zip(rooms, packed, strict=True) if p is not None]
    assert len(left) == len(rooms)
    assert min(left) >= 0
    assert max(left) <= width  # width - 1, and one for the octet that a short length saves


def test_a_shorter_prefix_fills_what_the_longest_would_not() -> None:
    keys = [key("198.51.100.1/32"), key("192.0.2.0/24"), key("10.0.0.0/8"), key("0.0.0.0/0")]

    packed = Packer(IPV4_UNICAST, PLAIN).pack(None, queue(*keys), 23 + 5 + 4 + 2)

    assert packed is not None
    assert (len(packed[0]), packed[1]) == (34, keys[:3])


@pytest.mark.parametrize("room", [-5, 0, 23, 27])
def test_without_room_for_the_first_route_nothing_is_taken(room: int) -> None:
    waiting = queue(key("198.51.100.1/32"), key("0.0.0.0/0"))

    packed = Packer(IPV4_UNICAST, PLAIN).pack(None, waiting, room)

    assert packed is None
    assert len(waiting) == 2


def test_attributes_that_leave_no_room_for_any_prefix_are_a_mistake() -> None:
    long = PathAttributes(next_hop=V4.next_hop, communities=tuple(range(1020)))

    assert fits(IPV4_UNICAST, PLAIN, V4)
    assert not fits(IPV4_UNICAST, PLAIN, long)
    with pytest.raises(ValueError, match="no room"):
        Packer(IPV4_UNICAST, PLAIN).pack(long, queue(key("0.0.0.0/0")), 4096)


def test_a_route_without_next_hop_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="without next hop"):
        Packer(IPV4_UNICAST, PLAIN).pack(PathAttributes(), queue(key("0.0.0.0/0")), 4096)
