"""`porter_bgp.rib.loc_rib`: decisions follow the tables, and only changes are reported."""

from __future__ import annotations

from ipaddress import IPv4Address

from porter_bgp.rib import AdjRibIn, LocRib, Reason, Source
from porter_bgp.wire import (
    IPV4_UNICAST,
    AsPath,
    AsPathSegment,
    AsPathSegmentType,
    NlriField,
    PathAttributes,
    Prefix,
    Update,
    nlri_key,
)

US = 65000
ONE, TWO = Prefix.parse("198.51.100.1"), Prefix.parse("198.51.100.2")


def table(number: int) -> AdjRibIn:
    return AdjRibIn(
        Source(
            peer=f"node-{number}",
            external=True,
            local_asn=US,
            local_id=IPv4Address("192.0.2.254"),
            peer_id=IPv4Address(number),
            address=IPv4Address(f"203.0.113.{number}"),
        )
    )


def announce(*prefixes: Prefix, number: int, length: int = 1, asn: int = 65001) -> Update:
    return Update(
        attributes=PathAttributes(
            as_path=AsPath((AsPathSegment(AsPathSegmentType.AS_SEQUENCE, (asn,) * length),)),
            next_hop=IPv4Address(f"203.0.113.{number}"),
        ),
        nlri=NlriField.of(IPV4_UNICAST, [nlri_key(p) for p in prefixes], add_path=False),
    )


def withdraw(prefix: Prefix) -> Update:
    return Update(withdrawn=NlriField.of(IPV4_UNICAST, [nlri_key(prefix)], add_path=False))


def next_hops(loc_rib: LocRib, prefix: Prefix) -> list[str]:
    return [str(path.attributes.next_hop) for path in loc_rib.decision(prefix).multipath]


def test_equal_paths_of_several_peers_are_used_together() -> None:
    loc_rib, one, two = LocRib(), table(1), table(2)
    touched = one.apply(announce(ONE, number=1)) | two.apply(announce(ONE, TWO, number=2))

    changed = loc_rib.reconsider(touched, [two, one])

    assert changed == loc_rib.prefixes() == {ONE, TWO}
    assert next_hops(loc_rib, ONE) == ["203.0.113.1", "203.0.113.2"]
    assert next_hops(loc_rib, TWO) == ["203.0.113.2"]


def test_a_prefix_nobody_told_of_has_an_empty_decision() -> None:
    decision = LocRib().decision(ONE)

    assert (decision.best, decision.losers) == (None, ())


def test_only_what_has_another_multipath_set_is_reported() -> None:
    loc_rib, one, two = LocRib(), table(1), table(2)
    loc_rib.reconsider(one.apply(announce(ONE, TWO, number=1)), [one, two])

    worse = loc_rib.reconsider(two.apply(announce(ONE, number=2, length=2)), [one, two])

    assert worse == set()
    assert [reason for _, reason in loc_rib.decision(ONE).losers] == [Reason.AS_PATH_LENGTH]

    equal = loc_rib.reconsider(two.apply(announce(ONE, TWO, number=2)), [one, two])

    assert equal == {ONE, TWO}


def test_the_last_withdrawal_leaves_nothing() -> None:
    loc_rib, one = LocRib(), table(1)
    loc_rib.reconsider(one.apply(announce(ONE, number=1)), [one])

    changed = loc_rib.reconsider(one.apply(withdraw(ONE)), [one])

    assert changed == {ONE}
    assert loc_rib.prefixes() == set()


def test_a_session_that_is_down_is_left_out() -> None:
    loc_rib, one, two = LocRib(), table(1), table(2)
    touched = one.apply(announce(ONE, number=1)) | two.apply(announce(ONE, number=2))
    loc_rib.reconsider(touched, [one, two])

    changed = loc_rib.reconsider(one.prefixes(), [two])

    assert changed == {ONE}
    assert next_hops(loc_rib, ONE) == ["203.0.113.2"]


def test_a_prefix_with_paths_that_may_not_be_used_is_kept_with_the_reasons() -> None:
    loc_rib, one = LocRib(), table(1)

    changed = loc_rib.reconsider(one.apply(announce(ONE, number=1, asn=US)), [one])

    assert changed == set()
    assert loc_rib.prefixes() == {ONE}
    assert [reason for _, reason in loc_rib.decision(ONE).losers] == [Reason.AS_LOOP]


def test_without_multipath_relax_only_one_as_path_is_used() -> None:
    one, two = table(1), table(2)
    touched = one.apply(announce(ONE, number=1)) | two.apply(announce(ONE, number=2, asn=65002))
    relaxed, strict = LocRib(), LocRib(multipath_relax=False)
    for loc_rib in (relaxed, strict):
        loc_rib.reconsider(touched, [one, two])

    assert next_hops(relaxed, ONE) == ["203.0.113.1", "203.0.113.2"]
    assert next_hops(strict, ONE) == ["203.0.113.1"]
