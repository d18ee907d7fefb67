"""One node of a cluster in memory, for the tests of what it announces."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from porter_bgp.speaker.speaker import Speaker
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
from porter_ctl.host.dataplane import Dataplane
from porter_ctl.reconcile.evidence import EvidenceSeeker
from porter_ctl.reconcile.loop import Loop
from porter_ctl.reconcile.node import NodeReconciler
from porter_ctl.reconcile.node_statuses import NodeStatuses
from porter_ctl.store.stores import Stores
from tests.support.announcers import announcer_of
from tests.support.memory_port import MemoryPort, sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix

T = TypeVar("T")


class WatchedSpeaker(Speaker):
    """A speaker that keeps what it was told to withdraw."""

    def __init__(self) -> None:
        super().__init__()
        self.withdrawn: list[Prefix] = []

    def announce(self, prefix: Prefix, paths: Mapping[str, tuple[Path, ...]]) -> None:
        if not paths:
            self.withdrawn.append(prefix)
        super().announce(prefix, paths)


class World:
    """One node of a cluster in memory."""

    def __init__(self, *, gate: str = "None", dataplane: Dataplane | None = None) -> None:
        self.stores = Stores()
        self.gone: set[Kind] = set()
        self.port = MemoryPort(self.stores)
        self.speaker = WatchedSpeaker()
        self.gate = DataplaneGate(new_boot=False)
        self.announcer = announcer_of(self.speaker)
        self.node = NodeReconciler(
            self.stores, self.announcer, self.gate, node="n1", namespace="porter-system"
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
            self.gate,
            dataplane or Dataplane(),
            self.kind_exists,
            node=self.node,
            wake=self.loop.wake,
        )
        self.put_configuration(gate)

    async def kind_exists(self, kind: Kind) -> bool:
        return kind not in self.gone

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
