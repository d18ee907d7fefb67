"""`porter_ctl.reconcile.node` and what stands around it: objects in, a speaker's routes out."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from aiohttp import web

from porter_bgp.wire import Prefix
from porter_ctl.api import (
    BGPConfig,
    BGPNode,
    Kind,
    ObjectRef,
)
from porter_ctl.host.dataplane import Dataplane, DataplaneSettings
from porter_ctl.plan import Reason
from tests.porter_ctl.reconcile.node_world import World, make, running
from tests.support.eventually import eventually
from tests.support.memory_port import sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VIP_ADDRESS = "127.0.0.1"  # so that a connect to it can be answered
PREFIX = Prefix.of(IPv4Address("192.0.2.10"))


async def test_a_service_with_an_endpoint_is_announced_and_withdrawn_with_it() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.put_endpoints(ready=0)
        await eventually(lambda: PREFIX not in world.speaker.prefixes())

        assert [v.reason for v in world.node.verdicts[PREFIX]] == [Reason.NO_ENDPOINT]


async def test_nothing_is_said_before_everything_has_synced() -> None:
    async with running(World(), synced=False) as world:
        world.put_service()
        for _ in range(50):
            await asyncio.sleep(0)
        before = set(world.speaker.prefixes()), world.node.context

        sync_everything(world.stores)
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        assert before == (set(), None)


async def test_peers_are_complete_once_everything_was_said() -> None:
    async with running(World()) as world:
        world.put_service()

        await eventually(lambda: world.node.complete)

        assert PREFIX in world.speaker.prefixes()


async def test_a_service_that_goes_takes_its_route_along() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        world.port.remove(ObjectRef(Kind.SERVICE, "default", "web"))
        await eventually(lambda: PREFIX not in world.speaker.prefixes())

        assert world.node.desired == set()


async def test_a_drained_node_announces_nothing() -> None:
    async with running(World()) as world:
        world.put_service()
        await eventually(lambda: PREFIX in world.speaker.prefixes())

        spec = {"asn": 64512, "adminState": "Drained"}
        world.port.put(make(BGPConfig, "default", spec=spec))
        await eventually(lambda: PREFIX not in world.speaker.prefixes())

        assert [v.reason for v in world.node.verdicts[PREFIX]] == [Reason.NODE_DRAINED]


async def test_the_node_reports_what_it_wants_and_has() -> None:
    async with running(World()) as world:
        world.put_service()

        await eventually(lambda: world.summary() == "0/1 peers, 0/1 VIPs")

        node = world.port.get(ObjectRef(Kind.BGP_NODE, "", "n1"))
        assert isinstance(node, BGPNode)
        assert [session.peer for session in node.status.sessions] == ["tor"]
        assert node.status.pod_uid == "pod"


@asynccontextmanager
async def kube_proxy(stamp: list[float]) -> AsyncIterator[str]:
    """Something that answers for kube-proxy's metrics; `stamp` is when it last synced."""

    async def metrics(_: web.Request) -> web.Response:
        name = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
        return web.Response(text=f'{name}{{ip_family="IPv4"}} {stamp[0]}\n')

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    finally:
        await runner.cleanup()


async def test_a_first_announcement_waits_for_kube_proxy() -> None:
    stamp = [1.0]
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with kube_proxy(stamp) as url:
            world = World(
                gate="KubeProxy",
                dataplane=Dataplane(DataplaneSettings(metrics_url=url), wall=lambda: stamp[0]),
            )
            async with running(world):
                await eventually(lambda: world.node.complete)
                prefix = Prefix.of(IPv4Address(VIP_ADDRESS))
                world.put_service(VIP_ADDRESS, ports=[{"port": server.getsockname()[1]}])
                await eventually(lambda: prefix in world.node.verdicts)
                held = [v.reason for v in world.node.verdicts[prefix]]

                stamp[0] += 10
                await eventually(lambda: prefix not in world.node.verdicts)

                assert held == [Reason.DATAPLANE_NOT_READY]
