"""`porter_ctl.lab.router`: what it makes of nodes that are speakers of the same library."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import (
    DialConfig,
    GracefulRestartConfig,
    PeerConfig,
    SessionConfig,
    TcpConfig,
)
from porter_bgp.rib import Path, RouteAttributes
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import Prefix
from porter_bgp.wire.community import parse_community
from porter_ctl.lab.files import NODE_ASN
from porter_ctl.lab.lab import NODES
from porter_ctl.lab.router import ADDRESS, ASN, Route, Router
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VIP = "198.51.100.1/32"


@asynccontextmanager
async def node(address: str, port: int, *, graceful: bool = False) -> AsyncIterator[Speaker]:
    """A node that announces the VIP, and ends without a word."""
    source = ip_address(address)
    session = SessionConfig(
        local_asn=NODE_ASN,
        router_id=ADDRESS,
        peer_asn=ASN,
        dial=DialConfig(first=0.01, limit=0.02, rejected=0.02, passive_after=0.1),
        graceful_restart=GracefulRestartConfig(restart_time=60) if graceful else None,
        loopback=True,
    )
    tcp = TcpConfig(remote=ADDRESS, port=port, source=source)
    speaker = Speaker()
    speaker.configure({"router": PeerConfig(session=session, tcp=tcp)})
    path = Path(0, RouteAttributes(communities=(parse_community("65000:100"),)))
    speaker.announce(Prefix.parse(VIP), {"router": (path,)})
    task = asyncio.create_task(speaker.run())
    try:
        yield speaker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def three_nodes(router: Router) -> AsyncIterator[AsyncExitStack]:
    async with router.running(), AsyncExitStack() as stack:
        for address in NODES.values():
            await stack.enter_async_context(node(address, router.port))
        await eventually(lambda: len(router.table().get(VIP, Route((), ())).next_hops) == 3)
        yield stack


@pytest.mark.parametrize(
    ("multipath", "forwards"),
    [(True, tuple(NODES.values())), (False, ("127.0.0.11",))],
    ids=["over all paths", "over the best path"],
)
async def test_it_keeps_a_next_hop_a_node_and_forwards(
    *, multipath: bool, forwards: tuple[str, ...]
) -> None:
    router = Router(NODES, multipath=multipath)
    async with three_nodes(router):
        table = router.table()

        assert table == {VIP: Route(tuple(NODES.values()), ("65000:100",), tuple(NODES))}
        assert router.next_hops(VIP) == forwards
        assert router.next_hops("198.51.100.2/32") == ()


async def test_sessions_and_routes_go_with_their_nodes() -> None:
    router = Router(NODES)
    async with three_nodes(router) as nodes:
        before = router.sessions()
        await nodes.aclose()

        async def empty() -> bool:
            return router.table() == {}

        assert await router.until(empty, seconds=10)
        assert all(one.established_at is not None and not one.flaps for one in before.values())
        assert all(one.established_at is None for one in router.sessions().values())


async def test_it_keeps_the_routes_of_a_node_that_restarts_and_hears_when_all_is_said() -> None:
    router = Router(NODES)
    async with router.running():
        name, address = next(iter(NODES.items()))
        async with node(address, router.port, graceful=True) as speaker:
            speaker.tables_complete({"router"})
            await eventually(lambda: router.restarts()[name].ended)
        await eventually(lambda: router.sessions()[name].established_at is None)
        kept = router.restarts()[name]

        assert router.next_hops(VIP) == (address,)
        assert kept.ended is False
        assert kept.kept_for is not None
        assert 50 < kept.kept_for <= 60


async def test_waiting_ends_with_patience() -> None:
    async def never() -> bool:
        return False

    assert not await Router(NODES).until(never, seconds=0.01)
