"""`porter_bgp.rib.adj_rib_in`: what a peer told stays until it takes it back."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from porter_bgp.rib import AdjRibIn, Candidate, Source
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AttributeFault,
    MpReach,
    MpUnreach,
    NlriField,
    PathAttributes,
    Prefix,
    Update,
    UpdateSubcode,
    Verdict,
    nlri_key,
)

SOURCE = Source(
    peer="tor",
    external=True,
    local_asn=65000,
    local_id=IPv4Address("192.0.2.254"),
    peer_id=IPv4Address("192.0.2.1"),
    address=IPv4Address("203.0.113.1"),
)
ONE, TWO = Prefix.parse("198.51.100.1"), Prefix.parse("198.51.100.2")
SIX = Prefix.parse("2001:db8:1::/48")
A = PathAttributes(next_hop=IPv4Address("192.0.2.1"))
B = PathAttributes(next_hop=IPv4Address("192.0.2.1"), med=1)
V6 = IPv6Address("2001:db8::1")


def field(*prefixes: Prefix) -> NlriField:
    return NlriField.of(prefixes[0].family, [nlri_key(p) for p in prefixes], add_path=False)


def paths(*told: tuple[Prefix, int]) -> NlriField:
    return NlriField.of(IPV4_UNICAST, [nlri_key(p, number) for p, number in told], add_path=True)


def test_what_is_announced_is_there_with_its_source() -> None:
    table = AdjRibIn(SOURCE)

    touched = table.apply(Update(attributes=A, nlri=field(ONE, TWO)))

    assert touched == table.prefixes() == {ONE, TWO}
    assert table.paths(ONE) == [Candidate(SOURCE, 0, A)]


def test_a_later_announcement_replaces_the_earlier() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE, TWO)))

    touched = table.apply(Update(attributes=B, nlri=field(ONE)))

    assert touched == {ONE}
    assert table.paths(ONE) == [Candidate(SOURCE, 0, B)]
    assert table.paths(TWO) == [Candidate(SOURCE, 0, A)]


def test_what_is_withdrawn_is_gone() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE, TWO)))

    touched = table.apply(Update(withdrawn=field(ONE)))

    assert touched == {ONE}
    assert table.prefixes() == {TWO}
    assert table.paths(ONE) == []


def test_withdrawing_what_was_never_there_is_no_fault() -> None:
    table = AdjRibIn(SOURCE)

    assert table.apply(Update(withdrawn=field(ONE))) == {ONE}
    assert table.prefixes() == set()


def test_a_prefix_in_both_fields_counts_as_announced() -> None:
    table = AdjRibIn(SOURCE)

    table.apply(Update(withdrawn=field(ONE), attributes=A, nlri=field(ONE)))

    assert table.paths(ONE) == [Candidate(SOURCE, 0, A)]


def test_faults_that_are_treated_as_withdraw_remove_the_route() -> None:
    fault = AttributeFault(
        type=1,
        verdict=Verdict.TREAT_AS_WITHDRAW,
        reason="ORIGIN 9",
        subcode=UpdateSubcode.INVALID_ORIGIN,
    )
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE)))

    table.apply(Update(attributes=B, nlri=field(ONE), faults=(fault,)))

    assert table.prefixes() == set()


def test_several_paths_come_and_go_by_their_identifiers() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=paths((ONE, 1), (ONE, 2))))
    table.apply(Update(attributes=B, nlri=paths((ONE, 3))))

    table.apply(Update(withdrawn=paths((ONE, 2))))

    assert table.paths(ONE) == [Candidate(SOURCE, 1, A), Candidate(SOURCE, 3, B)]
    assert table.prefixes() == {ONE}


def test_families_do_not_mix() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE)))

    touched = table.apply(Update(attributes=A, mp_reach=MpReach(next_hop=V6, nlri=field(SIX))))

    assert touched == {SIX}
    assert table.prefixes() == {ONE, SIX}
    assert table.paths(SIX)[0].attributes.next_hop == V6

    table.apply(Update(mp_unreach=MpUnreach(field(SIX))))

    assert table.prefixes() == {ONE}
    assert SIX.family == IPV6_UNICAST


def test_paths_of_a_lost_session_are_kept_as_stale_where_asked_for() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=paths((ONE, 1), (ONE, 2), (TWO, 1))))
    table.apply(Update(attributes=A, mp_reach=MpReach(next_hop=V6, nlri=field(SIX))))

    lost = table.hold({IPV4_UNICAST})

    assert lost == {SIX}
    assert table.prefixes() == {ONE, TWO}
    assert table.stale() == {IPV4_UNICAST: 3}
    assert len(table.paths(ONE)) == 2


def test_what_is_told_again_is_stale_no_more_and_the_rest_is_swept() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=paths((ONE, 1), (ONE, 2), (TWO, 1))))
    table.hold({IPV4_UNICAST})
    table.apply(Update(attributes=A, nlri=paths((ONE, 1))))
    table.apply(Update(withdrawn=paths((TWO, 1))))
    assert table.stale() == {IPV4_UNICAST: 1}

    touched = table.sweep(IPV4_UNICAST)

    assert touched == {ONE}
    assert [path.path_id for path in table.paths(ONE)] == [1]
    assert table.prefixes() == {ONE}
    assert table.stale() == {}
    assert table.sweep(IPV4_UNICAST) == set()


def test_what_was_stale_already_goes_with_the_next_session() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE, TWO)))
    table.hold({IPV4_UNICAST})
    table.apply(Update(attributes=A, nlri=field(ONE)))

    lost = table.hold({IPV4_UNICAST})

    assert lost == {TWO}
    assert table.prefixes() == {ONE}
    assert table.stale() == {IPV4_UNICAST: 1}


def test_the_next_session_is_the_source_of_what_stays() -> None:
    table = AdjRibIn(SOURCE)
    table.apply(Update(attributes=A, nlri=field(ONE)))
    table.hold({IPV4_UNICAST})

    table.source = replace(SOURCE, peer_id=IPv4Address("192.0.2.9"))

    assert table.paths(ONE) == [Candidate(table.source, 0, A)]
