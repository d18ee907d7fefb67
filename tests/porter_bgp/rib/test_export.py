"""`porter_bgp.rib.export`: what external and internal peers are told, and what cannot be told."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import pytest

from porter_bgp.rib import SELF, Exporter, ExportFacts, NextHop, RouteAttributes
from porter_bgp.wire import (
    EMPTY_AS_PATH,
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddressFamily,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    Codec,
    LargeCommunity,
    Origin,
    PathAttributes,
)

if TYPE_CHECKING:
    from porter_bgp.config import Address

ASN = 4_200_000_001
V4, V6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
OTHER_V4, OTHER_V6 = IPv4Address("192.0.2.9"), IPv6Address("2001:db8::9")
PLAIN = Codec()
EXTENDED = Codec(extended_next_hop=frozenset({IPV4_UNICAST}))


def own_as(count: int) -> AsPath:
    return AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, (ASN,) * count),))


def exporter(
    *,
    external: bool = True,
    codec: Codec = PLAIN,
    self_ipv4: IPv4Address | None = V4,
    self_ipv6: IPv6Address | None = V6,
) -> Exporter:
    return Exporter(
        ExportFacts(
            external=external, local_asn=ASN, codec=codec, self_ipv4=self_ipv4, self_ipv6=self_ipv6
        )
    )


# What is said of the route, and what stands for it towards external and towards internal peers.
ATTRIBUTES = {
    "nothing said": (
        RouteAttributes(),
        PathAttributes(as_path=own_as(1), next_hop=V4),
        PathAttributes(as_path=EMPTY_AS_PATH, next_hop=V4, local_pref=100),
    ),
    "prepends, which only an external path shows": (
        RouteAttributes(prepend=3),
        PathAttributes(as_path=own_as(4), next_hop=V4),
        PathAttributes(as_path=EMPTY_AS_PATH, next_hop=V4, local_pref=100),
    ),
    "the most prepends": (
        RouteAttributes(prepend=254),
        PathAttributes(as_path=own_as(255), next_hop=V4),
        PathAttributes(as_path=EMPTY_AS_PATH, next_hop=V4, local_pref=100),
    ),
    "a local preference, which an external peer must not see": (
        RouteAttributes(local_pref=0),
        PathAttributes(as_path=own_as(1), next_hop=V4),
        PathAttributes(as_path=EMPTY_AS_PATH, next_hop=V4, local_pref=0),
    ),
    "a MED, kept for both": (
        RouteAttributes(med=0),
        PathAttributes(as_path=own_as(1), next_hop=V4, med=0),
        PathAttributes(as_path=EMPTY_AS_PATH, next_hop=V4, med=0, local_pref=100),
    ),
    "communities of all kinds, as the sets they are": (
        RouteAttributes(
            communities=(9, 3, 9),
            extended_communities=(b"12345678", b"00000000"),
            large_communities=(LargeCommunity(2, 0, 0), LargeCommunity(1, 9, 9)),
        ),
        PathAttributes(
            as_path=own_as(1),
            next_hop=V4,
            communities=(3, 9),
            extended_communities=(b"00000000", b"12345678"),
            large_communities=(LargeCommunity(1, 9, 9), LargeCommunity(2, 0, 0)),
        ),
        PathAttributes(
            as_path=EMPTY_AS_PATH,
            next_hop=V4,
            local_pref=100,
            communities=(3, 9),
            extended_communities=(b"00000000", b"12345678"),
            large_communities=(LargeCommunity(1, 9, 9), LargeCommunity(2, 0, 0)),
        ),
    ),
}


@pytest.mark.parametrize(("route", "external", "internal"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_each_kind_of_peer_sees_what_it_must(
    route: RouteAttributes, external: PathAttributes, internal: PathAttributes
) -> None:
    assert exporter(external=True).export(IPV4_UNICAST, route) == external
    assert exporter(external=False).export(IPV4_UNICAST, route) == internal


def test_what_we_originate_has_origin_igp() -> None:
    exported = exporter().export(IPV4_UNICAST, RouteAttributes())

    assert exported is not None
    assert exported.origin is Origin.IGP


class NextHopRow(NamedTuple):
    family: AddressFamily
    wanted: NextHop | Address
    codec: Codec
    self_ipv4: IPv4Address | None
    self_ipv6: IPv6Address | None
    told: Address | None


NEXT_HOPS = {
    "IPv4, self, both addresses": NextHopRow(IPV4_UNICAST, SELF, PLAIN, V4, V6, V4),
    "IPv4, self, only IPv4": NextHopRow(IPV4_UNICAST, SELF, PLAIN, V4, None, V4),
    "IPv4, self, only IPv6": NextHopRow(IPV4_UNICAST, SELF, PLAIN, None, V6, None),
    "IPv4, self, none": NextHopRow(IPV4_UNICAST, SELF, PLAIN, None, None, None),
    "IPv4 extended, self, both addresses": NextHopRow(IPV4_UNICAST, SELF, EXTENDED, V4, V6, V4),
    "IPv4 extended, self, only IPv6": NextHopRow(IPV4_UNICAST, SELF, EXTENDED, None, V6, V6),
    "IPv4 extended, self, none": NextHopRow(IPV4_UNICAST, SELF, EXTENDED, None, None, None),
    "IPv4, an IPv4 address": NextHopRow(IPV4_UNICAST, OTHER_V4, PLAIN, None, None, OTHER_V4),
    "IPv4, an IPv6 address": NextHopRow(IPV4_UNICAST, OTHER_V6, PLAIN, V4, V6, None),
    "IPv4 extended, an IPv6 address": NextHopRow(
        IPV4_UNICAST, OTHER_V6, EXTENDED, V4, V6, OTHER_V6
    ),
    "IPv6, self, both addresses": NextHopRow(IPV6_UNICAST, SELF, PLAIN, V4, V6, V6),
    "IPv6, self, only IPv4": NextHopRow(IPV6_UNICAST, SELF, EXTENDED, V4, None, None),
    "IPv6, self, only IPv6": NextHopRow(IPV6_UNICAST, SELF, PLAIN, None, V6, V6),
    "IPv6, an IPv6 address": NextHopRow(IPV6_UNICAST, OTHER_V6, PLAIN, None, None, OTHER_V6),
    "IPv6, an IPv4 address": NextHopRow(IPV6_UNICAST, OTHER_V4, PLAIN, V4, V6, None),
}


@pytest.mark.parametrize("external", [True, False], ids=["external", "internal"])
@pytest.mark.parametrize("row", NEXT_HOPS.values(), ids=NEXT_HOPS)
def test_the_next_hop_is_of_a_family_the_session_takes(
    row: NextHopRow,
    external: bool,  # noqa: FBT001  a column of the table
) -> None:
    session = exporter(
        external=external, codec=row.codec, self_ipv4=row.self_ipv4, self_ipv6=row.self_ipv6
    )

    exported = session.export(row.family, RouteAttributes(next_hop=row.wanted))

    assert (None if exported is None else exported.next_hop) == row.told


def test_equal_in_is_identical_out() -> None:
    told = exporter()

    one = told.export(IPV4_UNICAST, RouteAttributes(communities=(1, 2)))
    other = told.export(IPV4_UNICAST, RouteAttributes(communities=(1, 2)))

    assert one is other


@pytest.mark.parametrize("communities", list(permutations((1, 2, 3))))
def test_the_order_of_communities_makes_no_difference(communities: tuple[int, ...]) -> None:
    exported = exporter().export(IPV4_UNICAST, RouteAttributes(communities=communities))

    assert exported == exporter().export(IPV4_UNICAST, RouteAttributes(communities=(1, 2, 3)))


def test_attributes_that_fill_a_message_are_not_exported() -> None:
    # 23 octets of UPDATE, 4 of ORIGIN, 9 of AS_PATH, 7 of NEXT_HOP, 4 before the communities.
    fitting = (4096 - 23 - 4 - 9 - 7 - 4 - 5) // 4
    longest = RouteAttributes(communities=tuple(range(fitting)))
    longer = RouteAttributes(communities=tuple(range(fitting + 1)))

    assert exporter().export(IPV4_UNICAST, longest) is not None
    assert exporter().export(IPV4_UNICAST, longer) is None
    assert exporter(codec=Codec(max_send=65535)).export(IPV4_UNICAST, longer) is not None


def test_attributes_longer_than_any_message_are_not_exported() -> None:
    enormous = RouteAttributes(
        communities=tuple(range(16000)),
        extended_communities=tuple(b"%08d" % n for n in range(8000)),
    )

    assert exporter(codec=Codec(max_send=65535)).export(IPV4_UNICAST, enormous) is None
