"""`porter_bgp.rib.route`: what may be said of a route, and that equal sayings are one key."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from porter_bgp.rib import SELF, Path, RouteAttributes
from porter_bgp.wire import LargeCommunity

U32 = 0xFFFF_FFFF

GOOD = {
    "nothing but the defaults": RouteAttributes(),
    "a MED and a local preference of 0": RouteAttributes(med=0, local_pref=0),
    "the greatest numbers": RouteAttributes(
        med=U32,
        local_pref=U32,
        prepend=254,
        communities=(0, U32),
        large_communities=(LargeCommunity(U32, 0, U32),),
    ),
    "as many communities as an attribute holds": RouteAttributes(communities=(1,) * 16383),
    "an address as next hop": RouteAttributes(next_hop=IPv4Address("192.0.2.7")),
}

EIGHT = b"\x00\x02\xfd\xe8\x00\x00\x00\x64"


def test_a_route_that_says_nothing_has_no_attributes_but_next_hop_self() -> None:
    route = RouteAttributes()

    assert (route.next_hop, route.communities, route.med, route.local_pref, route.prepend) == (
        SELF,
        (),
        None,
        None,
        0,
    )


@pytest.mark.parametrize("route", GOOD.values(), ids=GOOD)
def test_equal_routes_are_one_key_and_a_path_holds_them(route: RouteAttributes) -> None:
    again = RouteAttributes(
        next_hop=route.next_hop,
        communities=route.communities,
        large_communities=route.large_communities,
        extended_communities=route.extended_communities,
        med=route.med,
        local_pref=route.local_pref,
        prepend=route.prepend,
    )

    assert again == route
    assert len({again, route, RouteAttributes(med=7)}) == 2
    assert Path(0, route) == (0, again)


@pytest.mark.parametrize("number", [-1, U32 + 1])
def test_a_number_that_no_attribute_can_hold_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="med "):
        RouteAttributes(med=number)
    with pytest.raises(ValueError, match="local_pref "):
        RouteAttributes(local_pref=number)
    with pytest.raises(ValueError, match="communities "):
        RouteAttributes(communities=(1, number))
    with pytest.raises(ValueError, match="large_communities "):
        RouteAttributes(large_communities=(LargeCommunity(1, number, 1),))


@pytest.mark.parametrize("prepend", [-1, 255])
def test_a_prepend_beyond_one_segment_is_refused(prepend: int) -> None:
    with pytest.raises(ValueError, match="prepend "):
        RouteAttributes(prepend=prepend)


@pytest.mark.parametrize("octets", [b"", EIGHT[:7], EIGHT + b"\x00"])
def test_an_extended_community_of_other_than_eight_octets_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="eight octets"):
        RouteAttributes(extended_communities=(EIGHT, octets))


def test_more_communities_than_an_attribute_can_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="communities: longer"):
        RouteAttributes(communities=(1,) * 16384)
    with pytest.raises(ValueError, match="extended_communities: longer"):
        RouteAttributes(extended_communities=(EIGHT,) * 8192)
    with pytest.raises(ValueError, match="large_communities: longer"):
        RouteAttributes(large_communities=(LargeCommunity(1, 2, 3),) * 5462)
