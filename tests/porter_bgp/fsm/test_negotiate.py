"""`porter_bgp.fsm.negotiate`: RFC 4271 §6.2, RFC 5492 §5, and each capability's own RFC."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import product

import pytest

from porter_bgp.config import AddPathConfig, GracefulRestartConfig, PeerType, SessionConfig
from porter_bgp.fsm import Negotiated, RestartFacts, local_open, max_receive, negotiate
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddPath,
    AddPathMode,
    AddressFamily,
    Capability,
    EnhancedRouteRefresh,
    ExtendedMessage,
    ExtendedNextHop,
    FourOctetAs,
    GracefulRestart,
    Multiprotocol,
    Open,
    OpenMessageError,
    OpenSubcode,
    RouteRefresh,
    UnknownCapability,
)

FACTS = RestartFacts()
EVPN = AddressFamily(25, 70)
CONFIG = SessionConfig(local_asn=65001, router_id=IPv4Address("192.0.2.1"), peer_asn=65002)
DUAL = replace(CONFIG, families=(IPV4_UNICAST, IPV6_UNICAST))


def their_open(*capabilities: Capability, asn: int = 65002, hold_time: int = 90) -> Open:
    return Open(
        my_as=asn,
        hold_time=hold_time,
        bgp_identifier=IPv4Address("192.0.2.2"),
        capabilities=capabilities,
    )


def agreed(config: SessionConfig, theirs: Open, facts: RestartFacts = FACTS) -> Negotiated:
    return negotiate(local_open(config, facts), theirs, config)


REFUSED: dict[str, tuple[SessionConfig, Open, OpenSubcode, str]] = {
    "another AS number": (CONFIG, their_open(asn=65003), OpenSubcode.BAD_PEER_AS, ""),
    "AS_TRANS without four octets": (
        replace(CONFIG, peer_asn=None, peer_type=PeerType.EXTERNAL),
        their_open(asn=23456),
        OpenSubcode.BAD_PEER_AS,
        "",
    ),
    "our own AS where an external one is expected": (
        replace(CONFIG, peer_asn=None, peer_type=PeerType.EXTERNAL),
        their_open(asn=65001),
        OpenSubcode.BAD_PEER_AS,
        "",
    ),
    "another AS where ours is expected": (
        replace(CONFIG, peer_asn=None, peer_type=PeerType.INTERNAL),
        their_open(),
        OpenSubcode.BAD_PEER_AS,
        "",
    ),
    "our identifier in our AS": (
        replace(CONFIG, peer_asn=65001, router_id=IPv4Address("192.0.2.2")),
        their_open(asn=65001),
        OpenSubcode.BAD_BGP_IDENTIFIER,
        "",
    ),
    "a hold time below our minimum": (
        replace(CONFIG, min_hold_time=9),
        their_open(hold_time=8),
        OpenSubcode.UNACCEPTABLE_HOLD_TIME,
        "",
    ),
    "no family in common": (
        DUAL,
        their_open(Multiprotocol(EVPN)),
        OpenSubcode.UNSUPPORTED_CAPABILITY,
        "01 04 0001 00 01  01 04 0002 00 01",
    ),
    "IPv4 implied, but not ours": (
        replace(CONFIG, families=(IPV6_UNICAST,)),
        their_open(),
        OpenSubcode.UNSUPPORTED_CAPABILITY,
        "01 04 0002 00 01",
    ),
}


@pytest.mark.parametrize(("config", "theirs", "subcode", "data"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_carries_its_notification(
    config: SessionConfig, theirs: Open, subcode: OpenSubcode, data: str
) -> None:
    with pytest.raises(OpenMessageError) as caught:
        agreed(config, theirs)

    assert (caught.value.subcode, caught.value.data) == (subcode, bytes.fromhex(data))


def test_our_open_offers_what_is_configured_and_nothing_else() -> None:
    least = replace(CONFIG, extended_message=False, route_refresh=False)

    assert local_open(least, FACTS).capabilities == (
        Multiprotocol(IPV4_UNICAST),
        FourOctetAs(65001),
    )
    most = replace(
        DUAL,
        extended_next_hop=True,
        graceful_restart=GracefulRestartConfig(restart_time=15),
        add_path=AddPathConfig(send=frozenset({IPV4_UNICAST})),
    )
    facts = RestartFacts(restarting=True, forwarding={IPV6_UNICAST: True}, notification=True)
    assert local_open(most, facts).capabilities == (
        Multiprotocol(IPV4_UNICAST),
        Multiprotocol(IPV6_UNICAST),
        RouteRefresh(),
        EnhancedRouteRefresh(),
        ExtendedNextHop(((IPV4_UNICAST, 2),)),
        ExtendedMessage(),
        GracefulRestart(
            restarting=True,
            notification=True,
            restart_time=15,
            families=((IPV4_UNICAST, False), (IPV6_UNICAST, True)),
        ),
        FourOctetAs(65001),
        AddPath(((IPV4_UNICAST, AddPathMode.SEND),)),
    )


def test_a_long_as_number_stands_in_its_capability_alone() -> None:
    ours = local_open(replace(CONFIG, local_as=4200000001), FACTS)

    assert (ours.my_as, ours.asn) == (23456, 4200000001)


@pytest.mark.parametrize(
    ("ours", "theirs", "hold_time", "keepalive_time"),
    [
        (90, 90, 90, 30.0),
        (90, 9, 9, 3.0),
        (9, 90, 9, 3.0),
        (90, 0, 0, 0.0),
        (0, 90, 0, 0.0),
        (90, 10, 10, 10 / 3),
    ],
)
def test_hold_time_is_the_lesser(
    ours: int, theirs: int, hold_time: int, keepalive_time: float
) -> None:
    known = agreed(replace(CONFIG, hold_time=ours), their_open(hold_time=theirs))

    assert (known.hold_time, known.keepalive_time) == (hold_time, keepalive_time)


@pytest.mark.parametrize(("wanted", "keepalive_time"), [(5, 5.0), (60, 30.0)])
def test_keepalives_are_never_rarer_than_a_third(wanted: int, keepalive_time: float) -> None:
    known = agreed(replace(CONFIG, keepalive_time=wanted), their_open())

    assert known.keepalive_time == keepalive_time


def test_ipv4_unicast_is_implied_only_where_no_family_is_named() -> None:
    assert agreed(DUAL, their_open()).families == {IPV4_UNICAST}
    assert agreed(DUAL, their_open(Multiprotocol(IPV6_UNICAST))).families == {IPV6_UNICAST}


def test_a_peer_without_capabilities_gets_the_plain_protocol() -> None:
    known = agreed(CONFIG, their_open())

    assert not known.codec.four_octet_as
    assert known.codec.max_send == 4096
    assert not known.route_refresh
    assert not known.enhanced_route_refresh
    assert known.graceful_restart is None
    assert not known.hard_reset


def test_what_both_offer_holds() -> None:
    known = agreed(
        replace(CONFIG, enforce_first_as=True, own_addresses=frozenset({IPv6Address("::2")})),
        their_open(FourOctetAs(65002), RouteRefresh(), EnhancedRouteRefresh(), ExtendedMessage()),
    )

    assert known.codec.four_octet_as
    assert known.codec.max_send == 65535
    assert known.codec.enforce_first_as
    assert known.codec.local_addresses == {bytes(15) + b"\x02"}
    assert known.route_refresh
    assert known.enhanced_route_refresh
    assert (known.peer_asn, known.peer_id) == (65002, IPv4Address("192.0.2.2"))
    assert known.external


def test_an_internal_peer_need_not_be_first_in_the_path() -> None:
    config = replace(CONFIG, peer_asn=None, peer_type=PeerType.INTERNAL, enforce_first_as=True)

    known = agreed(config, their_open(asn=65001))

    assert not known.external
    assert not known.codec.enforce_first_as


@pytest.mark.parametrize(
    ("we", "they", "send", "receive"),
    [
        (True, True, 65535, 65535),
        (True, False, 4096, 65535),
        (False, True, 4096, 4096),
        (False, False, 4096, 4096),
    ],
)
def test_extended_messages_by_direction(*, we: bool, they: bool, send: int, receive: int) -> None:
    config = replace(CONFIG, extended_message=we)

    codec = agreed(config, their_open(*[ExtendedMessage()] * they)).codec

    assert (codec.max_send, codec.max_receive) == (send, receive)
    assert max_receive(local_open(config, FACTS)) == receive


SIDES = list(product([False, True], repeat=4))


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
@pytest.mark.parametrize(("we_send", "we_receive", "they_send", "they_receive"), SIDES)
def test_several_paths_go_where_one_sends_and_the_other_receives(
    family: AddressFamily,
    *,
    we_send: bool,
    we_receive: bool,
    they_send: bool,
    they_receive: bool,
) -> None:
    def wanted(*, send: bool, receive: bool) -> AddPathConfig:
        chosen, none = frozenset({family}), frozenset[AddressFamily]()
        return AddPathConfig(send=chosen if send else none, receive=chosen if receive else none)

    ours = replace(DUAL, add_path=wanted(send=we_send, receive=we_receive))
    theirs = local_open(
        replace(
            DUAL,
            local_asn=65002,
            peer_asn=65001,
            router_id=IPv4Address("192.0.2.2"),
            add_path=wanted(send=they_send, receive=they_receive),
        ),
        FACTS,
    )

    codec = agreed(ours, theirs).codec

    assert codec.add_path_send == ({family} if we_send and they_receive else set())
    assert codec.add_path_receive == ({family} if we_receive and they_send else set())


def test_add_path_with_an_impossible_mode_is_not_understood() -> None:
    config = replace(CONFIG, add_path=AddPathConfig(send=frozenset({IPV4_UNICAST})))
    bad = Open.decode(
        their_open(
            UnknownCapability(69, bytes.fromhex("0001 01 01 0002 01 04")), FourOctetAs(65002)
        ).encode()
    )

    known = agreed(config, bad)

    assert known.codec.add_path_send == frozenset()
    assert known.codec.four_octet_as


def test_several_add_path_capabilities_add_up() -> None:
    config = replace(DUAL, add_path=AddPathConfig(send=frozenset({IPV4_UNICAST, IPV6_UNICAST})))
    theirs = their_open(
        Multiprotocol(IPV4_UNICAST),
        Multiprotocol(IPV6_UNICAST),
        AddPath(((IPV4_UNICAST, AddPathMode.RECEIVE),)),
        AddPath(((IPV6_UNICAST, AddPathMode.BOTH),)),
    )

    assert agreed(config, theirs).codec.add_path_send == {IPV4_UNICAST, IPV6_UNICAST}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (True, ((IPV4_UNICAST, 2),), {IPV4_UNICAST}),
        (True, ((IPV4_UNICAST, 1), (IPV6_UNICAST, 2)), set()),
        (False, ((IPV4_UNICAST, 2),), set()),
    ],
)
def test_ipv6_next_hops_need_both(
    *,
    ours: bool,
    theirs: tuple[tuple[AddressFamily, int], ...],
    expected: set[AddressFamily],
) -> None:
    codec = agreed(replace(CONFIG, extended_next_hop=ours), their_open(ExtendedNextHop(theirs)))

    assert codec.codec.extended_next_hop == expected


def test_ipv6_next_hops_are_for_ipv4_routes_alone() -> None:
    config = replace(CONFIG, families=(IPV6_UNICAST,), extended_next_hop=True)

    assert not any(isinstance(c, ExtendedNextHop) for c in local_open(config, FACTS).capabilities)


@pytest.mark.parametrize(
    ("ours", "offered", "theirs", "graceful", "hard_reset"),
    [
        (True, True, [GracefulRestart(notification=True)], True, True),
        (True, False, [GracefulRestart(notification=True)], True, False),
        (True, True, [GracefulRestart()], True, False),
        (True, True, [], False, False),
        (False, True, [GracefulRestart(notification=True)], False, False),
        (True, True, [GracefulRestart(notification=True), GracefulRestart()], True, False),
    ],
)
def test_graceful_restart_and_hard_reset_need_both(
    *, ours: bool, offered: bool, theirs: list[Capability], graceful: bool, hard_reset: bool
) -> None:
    config = replace(CONFIG, graceful_restart=GracefulRestartConfig() if ours else None)

    known = agreed(config, their_open(*theirs), RestartFacts(notification=offered))

    assert (known.graceful_restart is not None) == graceful
    assert known.hard_reset == hard_reset
    if graceful:
        assert known.graceful_restart == theirs[-1]


def test_the_notification_bit_may_be_forbidden() -> None:
    config = replace(CONFIG, graceful_restart=GracefulRestartConfig(notification=False))

    known = agreed(
        config, their_open(GracefulRestart(notification=True)), RestartFacts(notification=True)
    )

    assert not known.hard_reset


V4_ALONE = ((IPV4_UNICAST, False),)


@pytest.mark.parametrize(
    ("restart_time", "theirs", "retains"),
    [
        (90, [GracefulRestart()], True),
        (90, [GracefulRestart(restart_time=120, families=V4_ALONE)], True),
        (0, [GracefulRestart()], False),
        (None, [GracefulRestart()], False),
        (90, [], False),
    ],
    ids=[
        "a helper that never restarts itself",
        "one that may restart itself",
        "we ask for no time",
        "we do not ask",
        "it does not know the capability",
    ],
)
def test_the_peer_keeps_our_routes_if_both_know_how_and_we_ask(
    *, restart_time: int | None, theirs: list[Capability], retains: bool
) -> None:
    ours = None if restart_time is None else GracefulRestartConfig(restart_time=restart_time)

    known = agreed(replace(CONFIG, graceful_restart=ours), their_open(*theirs))

    assert known.peer_retains == retains


def test_the_peer_keeps_only_families_that_our_open_names() -> None:
    config = replace(DUAL, graceful_restart=GracefulRestartConfig())
    both = (Multiprotocol(IPV4_UNICAST), Multiprotocol(IPV6_UNICAST))
    known = agreed(config, their_open(*both, GracefulRestart()))
    ours = replace(
        known.ours, capabilities=(*both, GracefulRestart(restart_time=90, families=V4_ALONE))
    )

    assert known.peer_retains
    assert not replace(known, ours=ours).peer_retains


@pytest.mark.parametrize(
    ("ours", "restart_time", "families", "retained"),
    [
        (True, 120, ((IPV4_UNICAST, False), (IPV6_UNICAST, True)), {IPV4_UNICAST}),
        (True, 120, ((IPV6_UNICAST, True),), set()),
        (True, 0, ((IPV4_UNICAST, True),), set()),
        (False, 120, ((IPV4_UNICAST, True),), set()),
    ],
    ids=["those it names and both speak", "none of ours", "for no time", "we do not know how"],
)
def test_we_keep_the_families_that_the_peer_names(
    *,
    ours: bool,
    restart_time: int,
    families: tuple[tuple[AddressFamily, bool], ...],
    retained: set[AddressFamily],
) -> None:
    config = replace(CONFIG, graceful_restart=GracefulRestartConfig() if ours else None)
    theirs = GracefulRestart(restart_time=restart_time, families=families)

    assert agreed(config, their_open(theirs)).retained == retained
