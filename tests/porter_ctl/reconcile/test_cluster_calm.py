"""`porter_ctl.reconcile.cluster`: what many Services, followers and endless conflicts cost."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

import msgspec

from porter_ctl.api import Kind, ObjectRef, Service
from porter_ctl.plan import plan_service
from porter_ctl.reconcile import cluster, crew
from porter_ctl.store.port import Unavailable
from tests.porter_ctl.reconcile.allocator_world import WEB, World, pool, running, service, vip
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import pytest

    from porter_ctl.plan import Address, Ledger, ServicePlan

MANY = 100


def settled(count: int) -> World:
    world = World(pool("big", "198.51.100.0/24"))
    for number in range(count):
        address = f"198.51.100.{number}"
        world.port.put(service(f"s{number}", shows=address))
        world.port.put(vip(address, f"s{number}"))
    return world


async def test_services_with_nothing_to_write_leave_the_loop_its_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "_TURN_SECONDS", 0.0)
    turns = 0
    planned: list[int] = []

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def plan(
        owner: str, one: Service | None, ledger: Ledger, at: str, classes: frozenset[str]
    ) -> ServicePlan:
        planned.append(turns)
        return plan_service(owner, one, ledger, at, classes)

    async with running(settled(MANY)) as world:
        await eventually(lambda: len(world.allocator.verdicts) == MANY)
        await eventually(lambda: len(world.allocator._queue) == 0)
        monkeypatch.setattr(cluster, "plan_service", plan)
        turning = asyncio.create_task(turn())
        world.port.put(pool("other", "203.0.113.0/24"))
        await eventually(lambda: len(planned) == MANY)
        turning.cancel()

    assert len(set(planned)) > MANY / 2


async def test_a_change_of_pools_is_worked_off_in_slices() -> None:
    async with running(settled(MANY)) as world:
        await eventually(lambda: len(world.allocator.verdicts) == MANY)
        world.port.put(pool("other", "203.0.113.0/24"))
        world.allocator.touch(Kind.VIP_POOL, "other")

        assert world.allocator.work(0.0)
        assert not world.allocator.work(inf)


async def test_a_vip_that_becomes_faulty_is_released_when_its_holder_goes() -> None:
    world = World(service(shows="192.0.2.10"), vip("192.0.2.10", "web"))
    async with running(world):
        await eventually(lambda: "default/web" in world.allocator.verdicts)
        world.port.put(msgspec.structs.replace(world.vip("192.0.2.10"), spec=None))
        world.port.remove(WEB)
        await eventually(lambda: world.holders() == {"192.0.2.10": []})

        assert [verb for verb, _ in world.port.writes][-1] == "replace"


# Who does not lead


async def test_a_follower_has_nothing_to_work_on() -> None:
    world = World(service(), vip("192.0.2.10", "web"), leading=False)
    async with running(world):
        await eventually(lambda: bool(world.allocator.ledger.pools))
        world.port.put(service("b"))
        await eventually(lambda: "default/b" in world.allocator.ledger._created)

        assert len(world.allocator._queue) == 0


async def test_who_loses_the_lead_forgets_what_was_to_be_done() -> None:
    async with running(World()) as world:
        world.port.fail = lambda verb, _: Unavailable("no answer") if verb == "create" else None
        world.port.put(service())
        await eventually(lambda: bool(world.allocator._queue._timers))

        world.port.lead.leading = False
        world.allocator.leading_changed()

        assert not world.allocator._queue._timers
        assert not world.allocator._queue._failures


class Counting:
    """An `Absence` that awaits somebody for ever, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def awaited(self, address: Address) -> str | None:
        del address
        self.asked += 1
        return "n1"


async def test_a_follower_does_not_look_who_is_awaited() -> None:
    resting = vip("192.0.2.10")
    assert resting.spec is not None
    spec = msgspec.structs.replace(resting.spec, released_at="2026-01-01T00:00:00Z")
    world = World(leading=False)
    counting = world.allocator.ledger.absence = Counting()
    async with running(world):
        world.port.put(msgspec.structs.replace(resting, spec=spec))
        await eventually(lambda: counting.asked > 0)
        asked, due = counting.asked, world.allocator.next_deadline()
        world.allocator.work(inf)

        assert counting.asked == asked
        assert due is not None
        assert due > asyncio.get_running_loop().time() + 60  # its hold alone

        world.port.lead.leading = True
        world.allocator.work(inf)

        assert counting.asked > asked


# Waiting for an address of which nobody but our own read or write tells


async def waiting(world: World) -> None:
    """Have default/c wait."""
    await eventually(lambda: world.reason("c") == "PoolExhausted")
    await eventually(lambda: len(world.allocator._queue) == 0)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_address_that_a_live_read_shows_free_goes_to_who_waits() -> None:
    both = service("a", shows="192.0.2.10", clusterIPs=["192.0.2.11"])
    async with running(World(both, vip("192.0.2.10", "a"))) as world:
        world.port.put(service("c"))
        await waiting(world)

        world.port.deaf = True
        world.port.put(service("a", shows="192.0.2.10"))
        world.port.deaf = False
        stale = service("a", shows="192.0.2.10", clusterIPs=["192.0.2.11"], loadBalancerIP="::1")
        world.stores.put(Kind.SERVICE, stale)
        await eventually(lambda: world.address("c") != "")

        assert world.address("c") == "192.0.2.11"
        assert world.address("a") == "192.0.2.10"


async def test_an_address_that_our_own_write_takes_from_a_status_goes_to_who_waits() -> None:
    other = service("x", type="ClusterIP", clusterIPs=["192.0.2.11"])
    world = World(service("a", shows="192.0.2.10"), vip("192.0.2.10", "a"), other)
    async with running(world):
        world.port.put(service("c"))
        await waiting(world)

        world.port.remove(ObjectRef(Kind.SERVICE, "default", "x"))
        world.port.put(service("a", shows="192.0.2.11"))  # by hand
        await eventually(lambda: world.address("c") != "")

        assert world.address("a") == "192.0.2.10"
        assert world.address("c") == "192.0.2.11"
