"""`porter_ctl.plan.digest`: sums that tell any two sets of paths apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import LargeCommunity, Prefix
from porter_ctl.plan.digest import BUCKETS, Digest, bucket, canonical, numbers, term, texts, total

WEB, OTHER = Prefix.parse("192.0.2.1/32"), Prefix.parse("192.0.2.2/32")
PLAIN = Path(0, RouteAttributes())
DIFFERENT = {
    "another prefix": (OTHER, "tor", PLAIN),
    "another peer": (WEB, "tor2", PLAIN),
    "another gateway of the same peer": (WEB, "tor/2", PLAIN),
    "another path identifier": (WEB, "tor", Path(1, RouteAttributes())),
    "a community more": (WEB, "tor", Path(0, RouteAttributes(communities=(1,)))),
    "a large community": (
        WEB,
        "tor",
        Path(0, RouteAttributes(large_communities=(LargeCommunity(1, 2, 3),))),
    ),
    "a MED": (WEB, "tor", Path(0, RouteAttributes(med=0))),
    "a local preference": (WEB, "tor", Path(0, RouteAttributes(local_pref=0))),
    "a prepend": (WEB, "tor", Path(0, RouteAttributes(prepend=1))),
    "another next hop": (WEB, "tor", Path(0, RouteAttributes(next_hop=OTHER.address))),
}
terms = st.tuples(
    st.sampled_from([WEB, OTHER, Prefix.parse("2001:db8::1/128")]),
    st.sampled_from(["tor1", "tor2"]),
    st.builds(Path, st.integers(0, 3), st.builds(RouteAttributes, med=st.integers(0, 3))),
)


@pytest.mark.parametrize("changed", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_whatever_differs_is_another_term(changed: tuple[Prefix, str, Path]) -> None:
    assert term(*changed) != term(WEB, "tor", PLAIN)


def test_the_algorithm_is_pinned_for_all_versions_that_share_it() -> None:
    attributes = RouteAttributes(communities=(65536, 1), med=5)

    assert bucket(WEB) == 63
    assert term(WEB, "tor", Path(0, attributes)) == 0xCC7CABBE8C81CE5D
    assert canonical(attributes) == (
        b'{"communities":[1,65536],"extendedCommunities":[],"largeCommunities":[],'
        b'"localPref":null,"med":5,"nextHop":"self","prepend":0}'
    )


@given(st.lists(terms), st.randoms())
def test_the_order_of_what_was_said_and_taken_back_tells_nothing(
    said: list[tuple[Prefix, str, Path]], chance: object
) -> None:
    del chance
    straight, detour = Digest(), Digest()

    for prefix, peer, path in said:
        straight.add(bucket(prefix), term(prefix, peer, path))
    for prefix, peer, path in reversed(said):
        detour.add(bucket(prefix), total(prefix, peer, (path, PLAIN)))
        detour.add(bucket(prefix), -term(prefix, peer, PLAIN))

    assert detour.values == straight.values
    assert all(0 <= value < 2**64 for value in straight.values)


def test_a_status_holds_the_sum_of_all_peers() -> None:
    one, two = Digest(), Digest()
    one.add(3, 2**64 - 1)
    two.add(3, 2)

    spelled = texts([one, two])

    assert len(spelled) == BUCKETS
    assert spelled[3] == "0000000000000001"
    assert numbers(spelled) == (0, 0, 0, 1, *[0] * 60)


@pytest.mark.parametrize("spelled", [(), ("0",) * 63, ("x",) * 64, (f"{2**64:x}",) * 64])
def test_what_is_no_digest_is_not_judged(spelled: tuple[str, ...]) -> None:
    assert numbers(spelled) is None


def test_prefixes_spread_over_the_buckets() -> None:
    places = [bucket(Prefix.parse(f"10.0.{n // 256}.{n % 256}/32")) for n in range(6400)]

    assert min(places.count(place) for place in range(BUCKETS)) > 50
