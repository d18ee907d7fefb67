"""An allocator, and a cluster in memory for it to write in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import VIP, Condition, Kind, ObjectRef, Service, VIPPool
from porter_ctl.plan import SERVICE_CLASSES
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.loop import Loop
from porter_ctl.store.stores import Stores
from tests.support.memory_port import MemoryPort, sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from porter_ctl.api import Resource

WEB = ObjectRef(Kind.SERVICE, "default", "web")


class World:
    """A cluster, and an allocator on it.

    Args:
        leading: Whether it leads from the start.
        objects: What is there before it begins.
        port: What to write through.
    """

    def __init__(
        self, *objects: Resource, leading: bool = True, port: type[MemoryPort] = MemoryPort
    ) -> None:
        self.stores = Stores()
        self.port = port(self.stores, leading=leading)
        self.allocator = Allocator(
            self.stores,
            self.port,
            self.port.lead,
            classes=SERVICE_CLASSES,
        )
        self.port.put(pool("lab", "192.0.2.10-192.0.2.11"))
        for obj in objects:
            self.port.put(obj)
        sync_everything(self.stores)

    def address(self, name: str = "web") -> str:
        service = self.port.get(ObjectRef(Kind.SERVICE, "default", name))
        assert isinstance(service, Service)
        ingress = service.status.load_balancer.ingress
        return ingress[0].ip if ingress else ""

    def vip(self, address: str) -> VIP:
        found = self.port.get(ObjectRef(Kind.VIP, "", address))
        assert isinstance(found, VIP)
        return found

    def condition(self, name: str = "web") -> Condition | None:
        service = self.port.get(ObjectRef(Kind.SERVICE, "default", name))
        assert isinstance(service, Service)
        return next(iter(service.status.conditions), None)

    def reason(self, name: str = "web") -> str:
        told = self.condition(name)
        return told.reason if told else ""

    def holders(self) -> dict[str, list[str]]:
        return {
            vip.metadata.name: [holder.name for holder in vip.spec.holders]
            for vip in self.port.all(Kind.VIP)
            if isinstance(vip, VIP) and vip.spec is not None
        }


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    tasks = [
        asyncio.create_task(Loop(world.stores).run([world.allocator])),
        asyncio.create_task(world.allocator.run()),
    ]
    try:
        yield world
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


def pool(name: str, *addresses: str, **spec: object) -> VIPPool:
    document = {"metadata": {"name": name}, "spec": {"addresses": list(addresses)} | spec}
    return msgspec.convert(document, VIPPool)


def service(
    name: str = "web",
    shows: str = "",
    uid: str = "",
    annotations: dict[str, str] | None = None,
    **spec: object,
) -> Service:
    """A load balancer; one that shows an address was given it by Porter."""
    document = {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid or f"uid-{name}",
            "annotations": annotations or {},
        },
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4"]} | spec,
    }
    if shows:
        allocated = {"type": "porter.network/Allocated", "status": "True"}
        document["status"] = {
            "loadBalancer": {"ingress": [{"ip": shows}]},
            "conditions": [allocated],
        }
    return msgspec.convert(document, Service)


def vip(address: str, *holders: str, uid: str = "", **metadata: object) -> VIP:
    """A VIP that these Services hold."""
    named = [
        {"namespace": "default", "name": name, "uid": uid or f"uid-{name}"} for name in holders
    ]
    document = {
        "metadata": {"name": address} | metadata,
        "spec": {"address": address, "pool": {"name": "lab"}, "holders": named},
    }
    return msgspec.convert(document, VIP)
