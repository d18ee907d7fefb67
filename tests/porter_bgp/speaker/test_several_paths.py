"""Several paths to one prefix: all of them with ADD-PATH, else the first and no other."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import AddPathConfig
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, AddressFamily, Prefix
from tests.porter_bgp.speaker.loopback import (
    BOTH,
    V4,
    V6,
    next_hops,
    node,
    node_side,
    router,
    running,
    seen,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from porter_bgp.config import Address
    from porter_bgp.speaker.speaker import Speaker

NODE = "127.0.0.11"
SENDS = AddPathConfig(send=frozenset(BOTH))
RECEIVES = AddPathConfig(receive=frozenset(BOTH))
PREFIXES = {IPV4_UNICAST: V4, IPV6_UNICAST: V6}


def paths(family: AddressFamily, *path_ids: int) -> tuple[Path, ...]:
    """One a next hop, whose address ends with the path identifier."""

    def next_hop(number: int) -> Address:
        if family == IPV4_UNICAST:
            return IPv4Address(0x0A000000 + number)
        return IPv6Address((0x20010DB8 << 96) + number)

    return tuple(Path(n, RouteAttributes(next_hop=next_hop(n))) for n in path_ids)


def received(tor: Speaker, prefix: Prefix) -> set[tuple[int, str]]:
    tor.take_received()
    return {(path.path_id, str(path.attributes.next_hop)) for path in tor.paths(prefix)}


def expected(family: AddressFamily, *path_ids: int) -> set[tuple[int, str]]:
    return {(path.path_id, str(path.attributes.next_hop)) for path in paths(family, *path_ids)}


def has_next_hops(tor: Speaker, *path_ids: int) -> bool:
    return next_hops(tor, V4) == {hop for _, hop in expected(IPV4_UNICAST, *path_ids)}


@pytest.mark.parametrize("family", PREFIXES, ids=str)
async def test_with_add_path_each_path_goes_and_is_withdrawn_alone(family: AddressFamily) -> None:
    prefix = PREFIXES[family]
    async with (
        router(NODE, add_path=RECEIVES) as (tor, port),
        node(NODE, port, add_path=SENDS) as speaker,
    ):
        speaker.announce(prefix, {"tor": paths(family, 3, 1, 2)})
        await eventually(lambda: received(tor, prefix) == expected(family, 1, 2, 3))
        await eventually(lambda: speaker.acknowledged("tor", prefix) == paths(family, 3, 1, 2))
        before = seen(tor, NODE).received_messages["UPDATE"]

        speaker.announce(prefix, {"tor": paths(family, 1, 3)})
        await eventually(lambda: received(tor, prefix) == expected(family, 1, 3))

        assert seen(tor, NODE).received_messages["UPDATE"] == before + 1
        assert seen(speaker).families[family].add_path
        assert seen(speaker).families[family].advertised == 2
        assert [path_id for path_id, _ in speaker.advertised("tor", prefix)] == [1, 3]


@pytest.mark.parametrize("family", PREFIXES, ids=str)
async def test_without_add_path_only_the_first_goes(family: AddressFamily) -> None:
    prefix = PREFIXES[family]
    async with router(NODE) as (tor, port), node(NODE, port, add_path=SENDS) as speaker:
        speaker.announce(prefix, {"tor": paths(family, 3, 1, 2)})
        await eventually(lambda: speaker.acknowledged("tor", prefix) == paths(family, 3))
        first, updates = next_hops(tor, prefix), seen(tor, NODE).received_messages["UPDATE"]

        speaker.announce(prefix, {"tor": paths(family, 2, 1, 3)})
        await eventually(lambda: speaker.acknowledged("tor", prefix) == paths(family, 2))
        second = received(tor, prefix)
        advertised = speaker.advertised("tor", prefix)
        speaker.announce(prefix, {})
        await eventually(lambda: next_hops(tor, prefix) == set())

        assert first == {hop for _, hop in expected(family, 3)}
        assert updates == 1
        assert second == {(0, hop) for _, hop in expected(family, 2)}
        assert [path_id for path_id, _ in advertised] == [2]
        assert not seen(speaker).families[family].add_path
        assert seen(speaker).families[family].wanted == 0
        assert seen(tor, NODE).received_messages["UPDATE"] == 3


async def test_another_session_may_have_what_the_first_had_not() -> None:
    async with running() as speaker:
        speaker.announce(V4, {"tor": paths(IPV4_UNICAST, 1, 2)})
        port = 0
        for add_path, hops in ((None, {1}), (RECEIVES, {1, 2}), (None, {1})):
            async with router(NODE, port=port, add_path=add_path) as (tor, port):
                speaker.configure({"tor": node_side(NODE, port, add_path=SENDS)})
                await eventually(partial(has_next_hops, tor, *hops))
                await eventually(lambda: seen(speaker).families[IPV4_UNICAST].pending == 0)
                counted = seen(speaker).families[IPV4_UNICAST]

                assert (counted.wanted, counted.advertised) == (len(hops), len(hops))
            await eventually(lambda: not seen(speaker).established)
        assert seen(speaker).flaps == 3
