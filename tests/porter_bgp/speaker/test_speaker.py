"""`porter_bgp.speaker`: speakers on loopback, and what one sees of the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import GracefulRestartConfig, ImportPolicy, ListenConfig, SpeakerConfig
from porter_bgp.fsm import State
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Codec,
    Prefix,
    RouteRefreshMessage,
    RouteRefreshSubtype,
    encode_message,
)
from tests.porter_bgp.speaker.loopback import (
    FAST,
    NODE_ASN,
    PLAIN,
    V4,
    V6,
    next_hops,
    node,
    node_side,
    router,
    router_side,
    running,
    seen,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_bgp.config import PeerConfig
    from porter_bgp.speaker.speaker import Speaker


async def test_routes_of_both_families_arrive_and_go() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        speaker.announce(V6, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) == {"127.0.0.11"})
        await eventually(lambda: next_hops(tor, V6) == {"::1"})
        (path,) = tor.paths(V4)
        told = speaker.advertised("tor", V4)

        speaker.announce(V4, {})
        await eventually(lambda: next_hops(tor, V4) == set())

        assert path.attributes.as_path.first_as == NODE_ASN
        assert [(path_id, str(told.next_hop)) for path_id, told in told] == [(0, "127.0.0.11")]
        assert speaker.advertised("tor", V4) == ()
        assert speaker.prefixes() == {V6}
        assert seen(speaker).families[IPV6_UNICAST].advertised == 1


async def test_three_nodes_are_three_next_hops() -> None:
    nodes = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
    async with router(*nodes) as (tor, port):
        async with (
            node(nodes[0], port) as one,
            node(nodes[1], port) as two,
            node(nodes[2], port) as three,
        ):
            for speaker in (one, two, three):
                speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: next_hops(tor, V4) == set(nodes))
        await eventually(lambda: next_hops(tor, V4) == set())


async def test_another_session_waits_for_its_tables_again() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        speaker.tables_complete({"tor"})
        await eventually(lambda: seen(speaker).established)
        await eventually(lambda: seen(speaker).families[IPV4_UNICAST].end_of_rib_sent)

        config = node_side("127.0.0.11", port)
        session = replace(config.session, families=(IPV4_UNICAST,))
        speaker.configure({"tor": replace(config, session=session)})
        await eventually(lambda: seen(tor, "127.0.0.11").flaps == 1)
        await eventually(lambda: next_hops(tor, V4) == {"127.0.0.11"})
        early = seen(speaker).families[IPV4_UNICAST].end_of_rib_sent
        speaker.tables_complete({"tor"})
        await eventually(lambda: seen(speaker).families[IPV4_UNICAST].end_of_rib_sent)

        assert not early


async def test_end_of_rib_waits_for_complete_tables() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) != set())
        early = seen(tor, "127.0.0.11").families[IPV6_UNICAST].end_of_rib_received

        speaker.tables_complete({"tor"})
        await eventually(
            lambda: all(
                family.end_of_rib_received for family in seen(tor, "127.0.0.11").families.values()
            )
        )

        assert not early
        assert seen(speaker).families[IPV4_UNICAST].end_of_rib_sent


async def test_changed_attributes_replace_the_route_without_a_reset() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) != set())

        speaker.configure({"tor": speaker_config(speaker)})
        speaker.announce(V4, {"tor": (Path(0, RouteAttributes(communities=(7,))),)})
        await eventually(
            lambda: next_hops(tor, V4) != set() and tor.paths(V4)[0].attributes.communities == (7,)
        )

        assert (seen(speaker).flaps, seen(tor, "127.0.0.11").flaps) == (0, 0)


def speaker_config(speaker: Speaker) -> PeerConfig:
    view = seen(speaker)
    return node_side("127.0.0.11", view.port)


@pytest.mark.parametrize(
    ("subtype", "again"), [(RouteRefreshSubtype.REQUEST, 1), (RouteRefreshSubtype.BEGIN, 0)]
)
async def test_only_a_request_is_answered_with_all_routes(
    subtype: RouteRefreshSubtype, again: int
) -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        speaker.tables_complete({"tor"})
        await eventually(lambda: next_hops(tor, V4) != set())
        await eventually(lambda: seen(speaker).families[IPV6_UNICAST].end_of_rib_sent)
        before = seen(speaker).sent_messages["UPDATE"]

        message = encode_message(RouteRefreshMessage(IPV4_UNICAST, subtype), Codec())
        peer = tor._peers["127.0.0.11"]
        peer.session.send(message, asyncio.get_running_loop().time())
        peer.turn()
        await eventually(lambda: seen(speaker).received_messages.get("ROUTE_REFRESH") == 1)
        for _ in range(20):
            await asyncio.sleep(0)

        assert seen(speaker).sent_messages["UPDATE"] - before == again


async def test_a_new_next_hop_reaches_a_peer_that_stays() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V6, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V6) == {"::1"})

        config = replace(node_side("127.0.0.11", port), next_hop_ipv6=IPv6Address("2001:db8::f"))
        speaker.configure({"tor": config})
        await eventually(lambda: next_hops(tor, V6) == {"2001:db8::f"})

        assert seen(speaker).flaps == 0


async def test_a_removed_peer_hears_why() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        await eventually(lambda: seen(tor, "127.0.0.11").established)

        speaker.configure({})
        await eventually(lambda: not seen(tor, "127.0.0.11").established)

        down = seen(tor, "127.0.0.11").last_down
        assert down is not None
        assert down.reason == "NotificationReceived"
        assert "Peer deconfigured" in down.text


async def test_another_source_address_needs_another_session() -> None:
    async with (
        router("127.0.0.11", "127.0.0.12") as (tor, port),
        node("127.0.0.11", port) as speaker,
    ):
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) == {"127.0.0.11"})

        speaker.configure({"tor": node_side("127.0.0.12", port)})
        await eventually(lambda: next_hops(tor, V4) == {"127.0.0.12"})

        assert seen(tor, "127.0.0.11").flaps == 1


async def test_leaving_withdraws_and_then_says_so() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: next_hops(tor, V4) != set())

        await speaker.leave("going home")
        await eventually(lambda: not seen(tor, "127.0.0.11").established)

        view = seen(tor, "127.0.0.11")
        assert view.last_down is not None
        assert "going home" in view.last_down.text
        assert view.received_messages["UPDATE"] == 2


async def test_routes_come_back_after_the_router_restarts() -> None:
    async with running() as speaker:
        async with router("127.0.0.11") as (tor, port):
            speaker.configure({"tor": node_side("127.0.0.11", port)})
            speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: next_hops(tor, V4) != set())
        await eventually(lambda: not seen(speaker).established)
        listen = ListenConfig(address=IPv4Address("127.0.0.1"), port=port)
        async with running(SpeakerConfig(listen=(listen,))) as tor:
            tor.configure({"127.0.0.11": router_side("127.0.0.11")})
            await eventually(lambda: next_hops(tor, V4) == {"127.0.0.11"})

        assert seen(speaker).flaps == 1


async def test_a_leaking_peer_is_counted_up_to_its_limit_and_dropped() -> None:
    async with (
        router("127.0.0.11", policy=ImportPolicy.DROP, limit=1) as (tor, port),
        node("127.0.0.11", port) as speaker,
    ):
        for last in range(1, 200):
            speaker.announce(Prefix.parse(f"198.51.100.{last}"), {"tor": (PLAIN,)})
        await eventually(lambda: seen(tor, "127.0.0.11").established)
        await eventually(lambda: seen(tor, "127.0.0.11").families[IPV4_UNICAST].over_limit)

        view = seen(tor, "127.0.0.11").families[IPV4_UNICAST]
        assert view.received == 2
        assert tor.take_received() == set()


async def test_a_stranger_is_refused_without_an_open() -> None:
    async with router("127.0.0.11") as (tor, port), node("127.0.0.99", port) as speaker:
        await eventually(lambda: seen(speaker).last_down is not None)

        assert seen(speaker).received_messages == {}
        assert seen(tor, "127.0.0.11").state is not State.ESTABLISHED


async def test_what_the_socket_says_is_seen() -> None:
    async with router() as (tor, port):
        await tor.close()
        async with node("127.0.0.11", port) as speaker:
            await eventually(lambda: seen(speaker).last_down is not None)

            down = seen(speaker).last_down
            assert down is not None
            assert "refused" in down.text


async def test_a_port_that_is_taken_is_said_and_tried_again() -> None:
    async with router() as (_, port):
        taken = ListenConfig(address=IPv4Address("127.0.0.1"), port=port)
        async with running(SpeakerConfig(listen=(taken,))) as second:
            view = second.view()

            assert view.listening == ()
            assert view.listen_error is not None


async def test_ten_thousand_routes_arrive_with_the_loop_turning() -> None:
    prefixes = [Prefix.of(IPv4Address(0xC6120000 + number)) for number in range(10_000)]
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        for prefix in prefixes:
            speaker.announce(prefix, {"tor": (PLAIN,)})
        speaker.tables_complete({"tor"})
        await eventually(lambda: seen(tor, "127.0.0.11").established)
        await eventually(lambda: len(tor.take_received() or tor.received()) >= 10_000)

        assert len(tor.received()) == 10_000
        assert seen(speaker).families[IPV4_UNICAST].pending == 0


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_nothing_is_left_running(how: str) -> None:
    before = asyncio.all_tasks()
    async with router("127.0.0.11") as (tor, port), node("127.0.0.11", port) as speaker:
        await eventually(lambda: seen(tor, "127.0.0.11").established)
        if how == "close":
            await speaker.close()

    await eventually(lambda: asyncio.all_tasks() == before)

    assert asyncio.all_tasks() == before


async def test_a_speaker_that_was_cancelled_dials_no_more() -> None:
    async with router("127.0.0.11", graceful=GracefulRestartConfig()) as (tor, port):
        async with node("127.0.0.11", port, graceful=GracefulRestartConfig()):
            await eventually(lambda: seen(tor, "127.0.0.11").established)
            loop = asyncio.get_running_loop()
            at = loop.time()
            await eventually(lambda: loop.time() > at + 2 * FAST.limit)  # it would dial at once
        await eventually(lambda: not seen(tor, "127.0.0.11").established)
        at = loop.time()
        await eventually(lambda: loop.time() > at + 5 * FAST.limit)

        assert seen(tor, "127.0.0.11").state is State.ACTIVE
