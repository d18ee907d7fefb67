"""Our own restart: what peers hear of it, and what the next process says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import Connection, GracefulRestartConfig
from porter_bgp.fsm import RestartFacts
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, AddressFamily, GracefulRestart
from tests.porter_bgp.speaker.loopback import (
    BOTH,
    FACTS,
    OTHER,
    PLAIN,
    V4,
    next_hops,
    node,
    node_side,
    router,
    running,
    seen,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_bgp.speaker.speaker import Speaker

NODE = "127.0.0.11"
GRACEFUL = GracefulRestartConfig()


def heard(tor: Speaker) -> GracefulRestart:
    """What the node's last OPEN said."""
    negotiated = tor._peers[NODE].session.negotiated
    assert negotiated is not None
    (found,) = (c for c in negotiated.theirs.capabilities if isinstance(c, GracefulRestart))
    return found


def has_route(tor: Speaker) -> bool:
    return next_hops(tor, V4) == {NODE}


async def reset(tor: Speaker, speaker: Speaker) -> None:
    """The router resets the session; wait for the next one."""
    flaps = seen(speaker).flaps
    connection = tor._peers[NODE].connection
    assert connection is not None
    connection.close(reset=True)
    await eventually(lambda: seen(speaker).flaps > flaps)
    await eventually(lambda: seen(speaker).established and seen(tor, NODE).established)


async def test_who_keeps_our_routes_hears_nothing_of_a_restart() -> None:
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            speaker.tables_complete({"tor"})
            await eventually(lambda: next_hops(tor, V4) == {NODE})
            kept = seen(speaker).graceful_restart

            await speaker.restart()
            await eventually(lambda: not seen(tor, NODE).established)

        down = seen(tor, NODE).last_down
        assert kept
        assert down is not None
        assert down.reason == "ConnectionLost"
        assert seen(tor, NODE).received_messages.get("NOTIFICATION") is None
        assert next_hops(tor, V4) == {NODE}


async def test_who_keeps_our_routes_is_first_told_what_was_taken_back() -> None:
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            speaker.announce(OTHER, {"tor": (PLAIN,)})
            await eventually(lambda: next_hops(tor, V4) == next_hops(tor, OTHER) == {NODE})

            speaker.announce(V4, {})
            await speaker.restart()
            await eventually(lambda: not seen(tor, NODE).established)

        assert (next_hops(tor, V4), next_hops(tor, OTHER)) == (set(), {NODE})
        assert seen(tor, NODE).received_messages.get("NOTIFICATION") is None


@pytest.mark.parametrize("seconds", [0.0, 2.0])
async def test_who_keeps_our_routes_and_takes_nothing_is_not_waited_for(seconds: float) -> None:
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: next_hops(tor, V4) == {NODE})
            connection = speaker._peers["tor"].connection
            assert connection is not None
            connection.paused = True

            speaker.announce(V4, {})
            start = asyncio.get_running_loop().time()
            await speaker.restart(seconds=seconds)
            took = asyncio.get_running_loop().time() - start
            await eventually(lambda: not seen(tor, NODE).established)

        assert took < max(seconds, 0.4)
        assert seen(tor, NODE).received_messages.get("NOTIFICATION") is None
        assert next_hops(tor, V4) == {NODE}


async def test_everybody_else_is_left() -> None:
    async with (
        router(NODE) as (plain, plain_port),
        router(NODE, graceful=GRACEFUL) as (graceful, graceful_port),
        running() as speaker,
    ):
        speaker.restart_facts(FACTS)
        speaker.configure(
            {
                "plain": node_side(NODE, plain_port, graceful=GRACEFUL),
                "graceful": node_side(NODE, graceful_port, graceful=GRACEFUL),
                "absent": node_side(NODE, 1, graceful=GRACEFUL),
            }
        )
        speaker.announce(V4, dict.fromkeys(("plain", "graceful", "absent"), (PLAIN,)))
        for tor in (plain, graceful):
            await eventually(partial(has_route, tor))

        await speaker.restart()
        await eventually(lambda: not seen(plain, NODE).established)
        await eventually(lambda: not seen(graceful, NODE).established)

        assert seen(plain, NODE).received_messages["UPDATE"] == 2
        assert seen(plain, NODE).received_messages["NOTIFICATION"] == 1
        down = seen(plain, NODE).last_down
        assert down is not None
        assert "Administrative shutdown" in down.text
        assert next_hops(plain, V4) == set()
        assert seen(graceful, NODE).received_messages.get("NOTIFICATION") is None
        assert next_hops(graceful, V4) == {NODE}


async def test_leaving_where_the_peer_would_keep_our_routes_is_a_hard_reset() -> None:
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: next_hops(tor, V4) == {NODE})

            await speaker.leave("going home")
            await eventually(lambda: not seen(tor, NODE).established)

        down = seen(tor, NODE).last_down
        assert down is not None
        assert "Hard reset" in down.text
        assert "going home" in down.text
        assert next_hops(tor, V4) == set()
        assert seen(tor, NODE).restarting_until is None


async def test_r_is_said_until_end_of_rib_went_once() -> None:
    async with (
        router(NODE, graceful=GRACEFUL) as (tor, port),
        node(NODE, port, graceful=GRACEFUL) as speaker,
    ):
        await eventually(lambda: seen(tor, NODE).established)
        first = heard(tor).restarting
        await reset(tor, speaker)
        without_end_of_rib = heard(tor).restarting

        speaker.tables_complete({"tor"})
        await eventually(lambda: seen(speaker).families[IPV6_UNICAST].end_of_rib_sent)
        await eventually(lambda: seen(speaker).families[IPV4_UNICAST].end_of_rib_sent)
        await reset(tor, speaker)
        with_it = heard(tor).restarting
        speaker.restart_facts(FACTS)
        await reset(tor, speaker)

        assert (first, without_end_of_rib, with_it) == (True, True, False)
        assert not heard(tor).restarting


async def test_r_is_not_said_again_where_another_session_is_needed() -> None:
    async with (
        router(NODE, graceful=GRACEFUL) as (tor, port),
        node(NODE, port, graceful=GRACEFUL) as speaker,
    ):
        speaker.tables_complete({"tor"})
        await eventually(lambda: seen(speaker).established)
        await eventually(lambda: seen(speaker).families[IPV6_UNICAST].end_of_rib_sent)
        before = heard(tor).restarting

        config = node_side(NODE, port, graceful=replace(GRACEFUL, restart_time=7))
        speaker.configure({"tor": config})
        await eventually(lambda: seen(tor, NODE).flaps == 1 and seen(tor, NODE).established)

        assert heard(tor).restart_time == 7
        assert (before, heard(tor).restarting) == (True, False)


@pytest.mark.parametrize("family", BOTH, ids=str)
async def test_f_is_what_holds_when_an_open_is_built(family: AddressFamily) -> None:
    async with (
        router(NODE, graceful=GRACEFUL) as (tor, port),
        node(NODE, port, graceful=GRACEFUL, facts=RestartFacts()) as speaker,
    ):
        await eventually(lambda: seen(tor, NODE).established)
        before = dict(heard(tor).families)

        speaker.restart_facts(RestartFacts(forwarding={family: True}))
        unchanged = dict(heard(tor).families)
        await reset(tor, speaker)

        assert before == unchanged == dict.fromkeys(BOTH, False)
        assert dict(heard(tor).families) == {one: one == family for one in BOTH}


async def test_a_passive_speaker_dials_after_its_restart() -> None:
    async with router(NODE) as (tor, port), running() as speaker:
        config = node_side(NODE, port)
        dial = replace(config.session.dial, passive_after=300.0)
        session = replace(config.session, connection=Connection.PASSIVE, dial=dial)
        speaker.restart_facts(FACTS)
        speaker.configure({"tor": replace(config, session=session)})

        await eventually(lambda: seen(speaker).established)

        assert seen(tor, NODE).established
        assert seen(speaker).peer_id == IPv4Address("192.0.2.100")
