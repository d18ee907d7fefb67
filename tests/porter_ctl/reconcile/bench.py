"""A cluster whose nodes say what they are told to, in memory, and the leader that judges them.

What nodes report is made by `plan_node`, the fold that shares no memory with what the leader keeps:
so what the ones say and the other expects are worked out twice.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import (
    VIP,
    AddressFamily,
    BGPNode,
    BGPNodeStatus,
    Condition,
    Kind,
    NodeException,
    NodeSession,
    ObjectRef,
    Pod,
    Service,
    SessionState,
)
from porter_ctl.plan import SERVICE_CLASSES, plan_node
from porter_ctl.plan.announced import ANNOUNCED
from porter_ctl.plan.conditions import find
from porter_ctl.plan.digest import ALGORITHM, Digest, bucket, texts, total
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.loop import Loop
from porter_ctl.reconcile.testimony import Testimony
from porter_ctl.reconcile.truth import Truth
from porter_ctl.store.stores import Stores
from tests.porter_ctl.plan import world
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort, sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

NAMESPACE = "porter-system"
NODES = ("n1", "n2", "n3")
WELL = "True AllPaths"
PEERS = {"tor1": "198.51.100.1", "tor2": "198.51.100.2"}


class Bench:
    """Three nodes with two routers each, a pool, and the leader.

    Attributes:
        lost: Addresses that a node's routers did not get, whatever it planned.
        down: Peers whose session is down, by node.
        stuck: Peers that acknowledge nothing, by node.
        family: What all sessions have agreed on.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stores = Stores()
        self.port = MemoryPort(self.stores)
        self.lost: dict[str, set[str]] = {}
        self.down: dict[str, set[str]] = {}
        self.stuck: dict[str, set[str]] = {}
        self.family = AddressFamily.IPV4_UNICAST
        self.ahead = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)
        self.allocator = Allocator(self.stores, self.port, self.port.lead, classes=SERVICE_CLASSES)
        self.truth = Truth(
            self.stores,
            self.port,
            self.port.lead,
            allocator=self.allocator,
            testimony=Testimony(self.stores),
            namespace=NAMESPACE,
        )
        self.allocator.ledger.absence = self.truth
        self.loop = Loop(self.stores)
        self.port.put(world.pool("lab", "192.0.2.0/24"))
        self.port.put(world.config(gracefulRestart={"restartSeconds": 60}))
        for name, address in PEERS.items():
            self.port.put(world.peer(name, address))
        self.port.put(world.advertisement("all"))
        for number, name in enumerate(NODES, start=11):
            self.port.put(world.node(name, f"198.51.100.{number}"))
            self.put_pod(name)
            self.port.put(world.make(BGPNode, name))
        sync_everything(self.stores)

    # Hands of others

    def put_pod(self, node: str, *, ready: bool = True) -> None:
        status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        pod = {
            "metadata": {"name": f"porter-{node}", "namespace": NAMESPACE, "uid": f"pod-{node}"},
            "spec": {"nodeName": node},
            "status": status,
        }
        self.stores.put(Kind.POD, msgspec.convert(pod, Pod))

    def put_service(self, name: str = "web", /, **spec: object) -> None:
        self.port.put(world.service(name, **spec))
        self.put_endpoints(name, n1="ready", n2="ready")

    def put_endpoints(self, name: str = "web", **nodes: str) -> None:
        self.stores.put(Kind.ENDPOINT_SLICE, world.endpoints(name, **nodes))

    async def report(
        self,
        *nodes: str,
        exceptions: tuple[NodeException, ...] = (),
        version: int = ALGORITHM,
        omitted: int = 0,
    ) -> None:
        """Have nodes report what they plan, but for what was lost; all of them if none is named."""
        for name in nodes or NODES:
            self.port.put(self.reporting(name, exceptions, version, omitted))
        self.loop.wake()
        await self.settle()

    def reporting(
        self,
        name: str,
        exceptions: tuple[NodeException, ...] = (),
        version: int = ALGORITHM,
        omitted: int = 0,
    ) -> BGPNode:
        """A node's object as it reports what it plans, but for what was lost."""
        node = self.port.get(ObjectRef(Kind.BGP_NODE, "", name))
        assert isinstance(node, BGPNode)
        status = self.status_of(name, exceptions, version, omitted)
        return msgspec.structs.replace(node, status=status)

    def status_of(
        self, name: str, exceptions: tuple[NodeException, ...], version: int, omitted: int
    ) -> BGPNodeStatus:
        digest, stuck = Digest(), self.stuck.get(name, set())
        down = self.down.get(name, set())
        held = {one.prefix for one in exceptions}
        plan = plan_node(self.stores, name, namespace=NAMESPACE)
        for prefix, said in plan.prefixes.items():
            if str(prefix.address) in self.lost.get(name, ()) or str(prefix) in held:
                continue
            for peer, paths in said.paths.items():
                if peer not in down | stuck:
                    digest.add(bucket(prefix), total(prefix, peer, paths))
        return BGPNodeStatus(
            pod_uid=f"pod-{name}",
            incarnation="1",
            sessions=tuple(
                session(peer, up=peer not in down, stuck=peer in stuck, family=self.family)
                for peer in sorted(PEERS)
            ),
            digests=texts([digest]),
            digest_version=version,
            exceptions=exceptions,
            exceptions_omitted=omitted,
        )

    async def jump(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead += seconds
        self.loop.wake()
        await self.settle()

    async def settle(self) -> None:
        """Let everything that follows happen."""
        for _ in range(60):
            await asyncio.sleep(0)

    # What stands

    def service(self, name: str = "web") -> Service:
        found = self.port.get(ObjectRef(Kind.SERVICE, "default", name))
        assert isinstance(found, Service)
        return found

    def address(self, name: str = "web") -> str:
        ingress = self.service(name).status.load_balancer.ingress
        return ingress[0].ip if ingress else ""

    def announced(self, name: str = "web") -> Condition | None:
        return find(self.service(name).status.conditions, ANNOUNCED)

    def says(self, name: str = "web") -> str:
        """The condition in two words, such as `True AllPaths`; empty for none."""
        said = self.announced(name)
        return f"{said.status} {said.reason}" if said is not None else ""

    def paths(self, name: str = "web") -> str:
        """What the VIP of a Service would say."""
        vip = self.port.get(ObjectRef(Kind.VIP, "", self.address(name)))
        assert isinstance(vip, VIP)
        word = self.truth.word(vip)
        return word.paths if word is not None else ""

    def writes(self, name: str = "web") -> int:
        """How often the status of a Service was written."""
        return self.port.writes.count(("status", ObjectRef(Kind.SERVICE, "default", name)))


def session(
    peer: str,
    *,
    up: bool = True,
    stuck: bool = False,
    family: AddressFamily = AddressFamily.IPV4_UNICAST,
) -> NodeSession:
    if stuck:
        return NodeSession(peer=peer, state=SessionState.ESTABLISHED, reason="NotAcknowledged")
    if not up:
        return NodeSession(peer=peer, reason="SessionDown", message="no answer")
    return NodeSession(peer=peer, state=SessionState.ESTABLISHED, families=(family,))


@asynccontextmanager
async def leading(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A leader at work."""
    bench = Bench(monkeypatch)
    tasks = [
        asyncio.create_task(bench.loop.run([bench.allocator, bench.truth])),
        asyncio.create_task(bench.allocator.run()),
        asyncio.create_task(bench.truth.run()),
    ]
    try:
        await eventually(lambda: bench.allocator.ready)
        await bench.report()
        yield bench
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


async def offer(bench: Bench, name: str = "web", **spec: object) -> str:
    """A Service that is announced and proven; returns its address."""
    bench.put_service(name, **spec)
    await eventually(lambda: bench.address(name) != "")
    await bench.settle()
    await bench.report()
    await eventually(lambda: bench.says(name) == WELL)
    return bench.address(name)
