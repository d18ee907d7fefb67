"""`porter_ctl.reconcile.node` and what stands around it: objects in, a speaker's routes out."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeVar

import msgspec
from aiohttp import web

from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import Prefix
from porter_ctl.api import (
    VIP,
    AddressType,
    BGPAdvertisement,
    BGPConfig,
    BGPNode,
    BGPPeer,
    EndpointSlice,
    Kind,
    Node,
    NodeEndpoints,
    ObjectMeta,
    ObjectRef,
    Service,
)
from porter_ctl.gate import DataplaneGate
from porter_ctl.host.dataplane import Dataplane, DataplaneSettings
from porter_ctl.plan import Reason
from porter_ctl.reconcile.evidence import EvidenceSeeker
from porter_ctl.reconcile.loop import Loop
from porter_ctl.reconcile.node import NodeReconciler
from porter_ctl.reconcile.node_statuses import NodeStatuses
from porter_ctl.store.stores import Stores
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort, sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")
VIP_ADDRESS = "127.0.0.1"  # so that a connect to it can be answered
PREFIX = Prefix.of(IPv4Address("192.0.2.10"))


class World:
    """One node of a cluster in memory."""

    def __init__(self, *, gate: str = "None", dataplane: Dataplane | None = None) -> None:
        self.stores = Stores()
        self.port = MemoryPort(self.stores)
        self.speaker = Speaker()
        self.gate = DataplaneGate(new_boot=False)
        self.node = NodeReconciler(
            self.stores,
            self.speaker,
            self.gate,
            node="n1",
            namespace="porter-system",
        )
        self.statuses = NodeStatuses(
            self.stores,
            self.port,
            node=self.node,
            speaker=self.speaker,
            gate=self.gate,
            name="n1",
            pod_uid="pod",
            incarnation="1",
        )
        self.node.on_change = self.statuses.changed
        self.loop = Loop(self.stores)
        self.evidence = EvidenceSeeker(
            self.gate, dataplane or Dataplane(), node=self.node, wake=self.loop.wake
        )
        self.put_configuration(gate)

    def put_configuration(self, gate: str) -> None:
        config = {"asn": 64512, "dataplane": {"gate": gate, "delayMilliseconds": 0}}
        peer = {"asn": 65000, "address": "198.51.100.1"}
        self.port.put(make(BGPConfig, "default", spec=config))
        self.port.put(make(BGPPeer, "tor", spec=peer))
        self.port.put(make(BGPAdvertisement, "all", spec={}))
        status = {"addresses": [{"type": "InternalIP", "address": "198.51.100.11"}]}
        self.port.put(make(Node, "n1", status=status))
        self.port.put(make(BGPNode, "n1"))

    def put_service(self, address: str = "192.0.2.10", **spec: object) -> None:
        holder = {"namespace": "default", "name": "web", "uid": "uid-web"}
        self.port.put(make(VIP, address, spec={"address": address, "holders": [holder]}))
        document = {
            "metadata": {"name": "web", "namespace": "default", "uid": "uid-web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]} | spec,
            "status": {"loadBalancer": {"ingress": [{"ip": address}]}},
        }
        self.port.put(msgspec.convert(document, Service))
        self.put_endpoints(ready=1)

    def put_endpoints(self, *, ready: int) -> None:
        slice_ = EndpointSlice(
            metadata=ObjectMeta(name="web-1", namespace="default"),
            address_type=AddressType.IPV4,
            service="web",
            nodes={"n1": NodeEndpoints(ready=ready)},
        )
        self.stores.put(Kind.ENDPOINT_SLICE, slice_)

    def summary(self) -> str:
        node = self.port.get(ObjectRef(Kind.BGP_NODE, "", "n1"))
        assert isinstance(node, BGPNode)
        return node.status.summary


def make(struct: type[T], name: str, **parts: object) -> T:
    return msgspec.convert({"metadata": {"name": name, "uid": f"uid-{name}"}} | parts, struct)


@asynccontextmanager
async def running(world: World, *, synced: bool = True) -> AsyncIterator[World]:
    tasks = [
        asyncio.create_task(world.loop.run([world.node, world.evidence, world.statuses])),
        asyncio.create_task(world.statuses.run()),
    ]
    if synced:
        sync_everything(world.stores)
    try:
        yield world
    finally:
        world.evidence.close()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


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
