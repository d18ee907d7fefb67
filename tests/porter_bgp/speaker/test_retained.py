"""A peer's restart: its routes stay, and go when they should (RFC 4724 §4.2, RFC 8538 §4)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import GracefulRestartConfig
from porter_bgp.fsm import RestartFacts
from porter_bgp.session import Stop
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from tests.porter_bgp.speaker.loopback import (
    FACTS,
    OTHER,
    PLAIN,
    V4,
    V6,
    next_hops,
    node,
    router,
    seen,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from porter_bgp.speaker.speaker import Speaker

NODE = "127.0.0.11"
GRACEFUL = GracefulRestartConfig()
BRIEF = GracefulRestartConfig(restart_time=1)
ALL = (V4, OTHER, V6)


@asynccontextmanager
async def after_a_silent_end(
    graceful: GracefulRestartConfig = GRACEFUL,
) -> AsyncIterator[tuple[Speaker, int]]:
    """A router whose only node told it of three routes, and went without a word."""
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=graceful) as speaker:
            for prefix in ALL:
                speaker.announce(prefix, {"tor": (PLAIN,)})
            speaker.tables_complete({"tor"})
            await eventually(lambda: known(tor) == set(ALL))
        await eventually(lambda: not seen(tor, NODE).established)
        yield tor, port


def known(tor: Speaker) -> set[object]:
    return {prefix for prefix in ALL if next_hops(tor, prefix)}


async def test_the_routes_of_a_peer_that_restarts_stay() -> None:
    async with after_a_silent_end() as (tor, _):
        view = seen(tor, NODE)
        assert known(tor) == set(ALL)
        assert view.restarting_until is not None
        assert 80 < view.restarting_until - tor.view().now <= 90
        assert {family: counted.stale for family, counted in view.families.items()} == {
            IPV4_UNICAST: 2,
            IPV6_UNICAST: 1,
        }


async def test_what_was_told_again_stays_for_good_and_the_rest_goes_at_end_of_rib() -> None:
    async with (
        after_a_silent_end() as (tor, port),
        node(NODE, port, graceful=GRACEFUL) as speaker,
    ):
        speaker.announce(V4, {"tor": (PLAIN,)})
        await eventually(lambda: seen(tor, NODE).established)
        await eventually(lambda: seen(tor, NODE).families[IPV4_UNICAST].stale == 1)
        before = known(tor)

        speaker.tables_complete({"tor"})
        await eventually(lambda: known(tor) == {V4})

        view = seen(tor, NODE)
        assert before == set(ALL)
        assert view.restarting_until is None
        assert [counted.stale for counted in view.families.values()] == [0, 0]


@pytest.mark.parametrize(
    ("graceful", "facts", "kept"),
    [
        (GRACEFUL, FACTS, {V4, OTHER, V6}),
        (GRACEFUL, replace(FACTS, forwarding={IPV4_UNICAST: True}), {V4, OTHER}),
        (GRACEFUL, RestartFacts(), set()),
        (None, FACTS, set()),
    ],
    ids=["F of both", "F of one", "no F", "no capability"],
)
async def test_the_next_open_says_what_stays(
    graceful: GracefulRestartConfig | None, facts: RestartFacts, kept: set[object]
) -> None:
    async with (
        after_a_silent_end() as (tor, port),
        node(NODE, port, graceful=graceful, facts=facts),
    ):
        await eventually(lambda: seen(tor, NODE).established)

        assert known(tor) == kept
        assert (seen(tor, NODE).restarting_until is not None) == bool(kept)


async def test_a_peer_that_does_not_come_back_in_time_is_given_up() -> None:
    heard: list[object] = []
    async with after_a_silent_end(BRIEF) as (tor, _):
        tor._on_received = lambda: heard.append(None)
        until = seen(tor, NODE).restarting_until
        assert until is not None

        await eventually(lambda: known(tor) == set())

        assert tor.view().now >= until - 0.01
        assert seen(tor, NODE).restarting_until is None
        assert seen(tor, NODE).families == {}
        assert heard


async def test_a_peer_that_is_back_and_never_ends_its_table_is_given_up_too() -> None:
    async with after_a_silent_end(BRIEF) as (tor, port), node(NODE, port, graceful=BRIEF):
        await eventually(lambda: seen(tor, NODE).established)
        assert known(tor) == set(ALL)

        await eventually(lambda: known(tor) == set())

        assert seen(tor, NODE).established


async def test_what_was_stale_already_goes_when_the_session_is_lost_again() -> None:
    async with after_a_silent_end() as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: seen(tor, NODE).established)
            await eventually(lambda: seen(tor, NODE).families[IPV4_UNICAST].stale == 1)
        await eventually(lambda: not seen(tor, NODE).established)

        assert known(tor) == {V4}


@pytest.mark.parametrize(
    ("notification", "kept"), [(True, set(ALL)), (False, set())], ids=["with N", "without N"]
)
async def test_a_notification_ends_it_unless_both_said_n(
    *, notification: bool, kept: set[object]
) -> None:
    graceful = replace(GRACEFUL, notification=notification)
    async with router(NODE, graceful=GRACEFUL) as (tor, port):
        async with node(NODE, port, graceful=graceful) as speaker:
            for prefix in ALL:
                speaker.announce(prefix, {"tor": (PLAIN,)})
            await eventually(lambda: known(tor) == set(ALL))

            await speaker.close(replace(Stop.admin_reset(), final=True))
            await eventually(lambda: not seen(tor, NODE).established)

        assert seen(tor, NODE).received_messages["NOTIFICATION"] == 1
        assert known(tor) == kept


async def test_a_peer_that_is_removed_leaves_nothing() -> None:
    async with after_a_silent_end() as (tor, _):
        tor.configure({})

        assert known(tor) == set()
        assert tor.received() == set()


async def test_nothing_is_kept_where_nothing_is_accepted_or_offered() -> None:
    async with router(NODE) as (tor, port):
        async with node(NODE, port, graceful=GRACEFUL) as speaker:
            speaker.announce(V4, {"tor": (PLAIN,)})
            await eventually(lambda: known(tor) == {V4})
        await eventually(lambda: not seen(tor, NODE).established)

        assert known(tor) == set()
        assert seen(tor, NODE).restarting_until is None


async def test_no_timer_outlives_the_speaker() -> None:
    async with after_a_silent_end() as (tor, _):
        timer = tor._peers[NODE].inbound._timer

    assert timer is not None
    assert timer.cancelled()
