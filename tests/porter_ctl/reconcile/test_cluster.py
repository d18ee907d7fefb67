"""`porter_ctl.reconcile.cluster`: the allocator against a cluster whose every call may fail."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from porter_ctl.api import (
    VIP,
    Kind,
    Node,
    ObjectRef,
    Service,
    VIPPool,
)
from porter_ctl.plan import SERVICE_CLASSES, Reason
from porter_ctl.reconcile.cluster import Allocator
from porter_ctl.reconcile.loop import Loop
from porter_ctl.store.port import Conflict, Forbidden, PortFailure, Unavailable
from porter_ctl.store.stores import Stores
from tests.support.eventually import eventually
from tests.support.memory_port import MemoryPort, sync_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEB = ObjectRef(Kind.SERVICE, "default", "web")


class World:
    """A cluster, and an allocator on it."""

    def __init__(self, *, leading: bool = True) -> None:
        self.stores = Stores()
        self.port = MemoryPort(self.stores, leading=leading)
        self.allocator = Allocator(
            self.stores,
            self.port,
            self.port.lead,
            classes=SERVICE_CLASSES,
        )
        self.port.put(pool("lab", "192.0.2.10-192.0.2.11"))
        sync_everything(self.stores)

    def address(self, name: str = "web") -> str:
        service = self.port.get(ObjectRef(Kind.SERVICE, "default", name))
        assert isinstance(service, Service)
        ingress = service.status.load_balancer.ingress
        return ingress[0].ip if ingress else ""

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


def pool(name: str, *addresses: str) -> VIPPool:
    document = {"metadata": {"name": name}, "spec": {"addresses": list(addresses)}}
    return msgspec.convert(document, VIPPool)


def service(name: str = "web", **spec: object) -> Service:
    document = {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4"]} | spec,
    }
    return msgspec.convert(document, Service)


async def test_a_service_gets_a_vip_and_then_its_status() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.holders() == {world.address(): ["web"]}
        assert [verb for verb, _ in world.port.writes[:2]] == ["create", "status"]
        assert world.allocator.verdicts["default/web"].reason is Reason.ALLOCATED
        assert [event.reason for event in world.port.events] == ["Allocated"]


async def test_nothing_is_written_where_all_is_well() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        count = len(world.port.writes)

        world.allocator.leading_changed()
        world.port.put(service("other"))
        await eventually(lambda: world.address("other") != "")

        assert [ref.name for _, ref in world.port.writes[count:]] == [
            world.address("other"),
            "other",
        ]


async def test_who_does_not_lead_writes_nothing_until_it_does() -> None:
    async with running(World(leading=False)) as world:
        world.port.put(service())
        for _ in range(50):
            await asyncio.sleep(0)
        before = list(world.port.writes)

        world.port.lead.leading = True
        world.allocator.leading_changed()
        await eventually(lambda: world.address() != "")

        assert before == []


async def test_a_deleted_service_gives_back_its_address_which_rests_for_its_name() -> None:
    async with running(World()) as world:
        world.port.put(service())
        await eventually(lambda: world.address() != "")
        address = world.address()

        world.port.remove(WEB)
        await eventually(lambda: world.holders() == {address: []})
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == address


async def test_a_full_pool_says_so_and_the_next_free_address_is_given() -> None:
    async with running(World()) as world:
        for name in ("a", "b", "c"):
            world.port.put(service(name))
        await eventually(lambda: "default/c" in world.allocator.verdicts)
        refused = world.allocator.verdicts["default/c"].reason

        world.port.remove(ObjectRef(Kind.SERVICE, "default", "a"))
        await eventually(lambda: world.address("c") != "")

        assert refused is Reason.POOL_EXHAUSTED
        assert world.address("b") != world.address("c")


async def test_an_address_that_another_leader_took_is_not_given_twice() -> None:
    async with running(World()) as world:
        world.port.deaf = True
        for octet in (10, 11):
            document = {
                "metadata": {"name": f"192.0.2.{octet}"},
                "spec": {
                    "address": f"192.0.2.{octet}",
                    "holders": [{"namespace": "x", "name": f"y{octet}", "uid": "z"}],
                },
            }
            if octet == 10:
                world.port.put(msgspec.convert(document, VIP))
        world.port.deaf = False
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == "192.0.2.11"
        assert world.holders()["192.0.2.10"] == ["y10"]


async def test_a_service_that_changed_meanwhile_is_started_over() -> None:
    async with running(World()) as world:
        conflicts = iter([Conflict("changed")])
        world.port.fail = lambda verb, _: next(conflicts, None) if verb == "status" else None

        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.holders() == {world.address(): ["web"]}


async def test_each_node_gets_the_object_it_reports_in() -> None:
    async with running(World()) as world:
        node = {"metadata": {"name": "n1", "uid": "uid-n1"}}
        world.port.put(msgspec.convert(node, Node))
        ref = ObjectRef(Kind.BGP_NODE, "", "n1")
        await eventually(lambda: world.port.get(ref) is not None)

        made = world.port.get(ref)
        assert made is not None
        assert made.metadata.owner_references[0].uid == "uid-n1"


async def test_no_pool_gives_a_nodes_address() -> None:
    async with running(World()) as world:
        node = {
            "metadata": {"name": "n1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.10"}]},
        }
        world.port.put(msgspec.convert(node, Node))
        world.port.put(service())
        await eventually(lambda: world.address() != "")

        assert world.address() == "192.0.2.11"


FAILURES: list[PortFailure] = [Unavailable("gone"), Conflict("changed"), Forbidden("not yours")]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_call_fails_the_end_is_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porter_ctl.reconcile.retry._FIRST", 0.001)
    monkeypatch.setattr("porter_ctl.reconcile.retry._STEEP_FIRST", 0.001)
    monkeypatch.setattr("porter_ctl.reconcile.retry._LONGEST", 0.01)
    chance = random.Random(seed)  # noqa: S311 - the same failures each time
    world = World()

    def fail(_verb: str, _ref: ObjectRef) -> PortFailure | None:
        return chance.choice(FAILURES) if chance.random() < 0.5 else None

    async with running(world):
        world.port.fail = fail
        world.port.put(service("a"))
        world.port.put(service("b"))
        await eventually(lambda: bool(world.address("a") and world.address("b")))
        kept = world.address("b")
        world.port.remove(ObjectRef(Kind.SERVICE, "default", "a"))
        world.port.put(service("c"))
        await eventually(lambda: bool(world.address("c")))

        assert world.address("b") == kept
        assert sorted(world.holders().values()) == [["b"], ["c"]]
